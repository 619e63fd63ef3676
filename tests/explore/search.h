/* What schedule.c and search.c share. */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include "explore.h"

/* search.c */
enum ending { RESTED = 1, SEEN, BROKEN, AGAIN };
void leave_execution(enum ending ending) __attribute__((noreturn));
/* Ends the execution when it has come to where another one was. */
void stop_if_seen(void);

/* schedule.c */
extern unsigned preemptions_left;
void make_threads(void);
void begin_threads(const struct bounds *bounds);
/* Lets a thread go on: the one that runs, then it returns, or another one. */
void decide(void);
/* Of them and all that belongs to the schedule. */
uint64_t threads_hash(uint64_t hash);

#endif
