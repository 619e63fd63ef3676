/* A program that is traced and gets into trouble: subject.c does that, and each tracer is one file
 * that implements this. How and where it writes, the environment says. */
#ifndef BENCH_TRUST_SUBJECT_H
#define BENCH_TRUST_SUBJECT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Once, before the first event. */
void subject_open(void);
/* One event; `who` is the thread or process, `number` counts from 1. */
void subject_emit(uint64_t who, uint64_t number);

/* What the tracer's plugin.so exports: the same of an object that is loaded and unloaded. */
void plugin_emit(uint64_t who, uint64_t number);

#ifdef __cplusplus
}
#endif
#endif
