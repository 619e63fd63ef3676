/* What the programs of bench/process share: figures, scratch space, threads, CPU time, wakes. A
 * program that cannot measure says why and ends: every function here that fails ends it. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/common/tools.h"
#include "numbers.h"

/* --- output -------------------------------------------------------------------------------- */

/* A line `NAME<TAB>rill<TAB>VALUE<TAB>UNIT` on standard output. */
void figure(double value, const char *unit, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* NAME.p50 and NAME.p99 in microseconds, of samples in nanoseconds, which it sorts. */
void figure_percentiles(uint64_t *samples_ns, size_t count, const char *name);
_Noreturn void give_up(const char *what, int error);

bool is_quick(void); /* BENCH_QUICK=1 */

/* --- where and when ------------------------------------------------------------------------ */

/* A folder on tmpfs for this program: BENCH_DIR, or a new one below /dev/shm. scratch_remove()
 * removes what was made. */
const char *scratch(void);
void scratch_remove(void);

/* fork(); the child gets SIGTERM when the parent ends. */
pid_t fork_bound(void);
/* Runs it in a process of its own, which has not used rill yet, and waits for its end. When that
 * fails, or this process is told to end, so does the program. */
void run_apart(void (*run)(const void *), const void *argument);

void sleep_until(uint64_t ns);
void sleep_for(uint64_t ns);

/* --- rill ---------------------------------------------------------------------------------- */

/* Adds the sink, sets the filter, emits nothing. */
void start_rill(const char *sink, const char *filter);
/* rill does not tell on standard error that events are discarded. */
void expect_losses(void);
/* Pins the calling thread to the producer's core. */
void pin_producer(void);
/* Pins a thread of any process, or the calling one (0), to the collector's core. */
void pin_to_collector(pid_t thread);
bool thread_name(pid_t process, pid_t thread, char name[32]);
/* After the first event: pins all of rill's threads to the collector's core. The collector's id. */
pid_t pin_collector(void);
/* Events that did not reach the sink so far: they would make figures look good. */
uint64_t lost_events(void);

/* CPU time of a thread of this process. */
uint64_t thread_cpu_ns(pid_t thread);
/* All threads of this process but the calling one and `except`. */
struct activity {
	uint64_t threads, switches, cpu_ns;
};
struct activity others_activity(void);

/* futex wake-ups that the calling thread made by syscall(2), which is how rill makes them. */
uint64_t wakes_made(void);
/* Whether the collector waits without a time limit. */
bool is_parked(void);
/* Waits for it; false: it did not park in time. */
bool wait_parked(uint64_t timeout_ns);

#endif
