/* What every benchmark program may need: processors, clocks, files, figures. */
#ifndef BENCH_TOOLS_H
#define BENCH_TOOLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

void pin(pid_t task, int cpu); /* task 0: the caller; cpu -1: every one */
uint64_t now_ns(void);         /* CLOCK_MONOTONIC */
void pause_ns(uint64_t ns);
/* Tasks of this process; how many. */
size_t tasks_list(pid_t *tasks, size_t room);
/* Sorts, and returns the value at this share of them. */
double quantile(double *samples, size_t count, double share);
void print_figure(const char *figure, const char *who, double value, const char *unit);
/* Everything below it goes, then it. */
void remove_tree(const char *path);

#endif
