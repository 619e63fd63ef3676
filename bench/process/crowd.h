/* Threads that have emitted one event each and then do nothing for ever. */
#ifndef BENCH_PROCESS_CROWD_H
#define BENCH_PROCESS_CROWD_H

/* Starts them; returns when all have emitted. */
void crowd_start(unsigned threads);

#endif
