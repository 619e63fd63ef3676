/* A run of tests/faults/faulty.c in which calls of librill fail, and a judgement on what it left.
 */
#ifndef TESTS_FAULTY_RUN_H
#define TESTS_FAULTY_RUN_H

#include "faults/faults.h"

/* A call that is to fail, as FAULTS_PLAN has it. */
struct fault_plan {
	enum fault_name name;
	enum fault_phase phase;
	unsigned long from;
	unsigned long count; /* 0: all from there on */
	int how;             /* errno; 0: half of what was asked for is done */
};

struct faulty_run {
	struct fault_page page; /* what was called */
	char *wrong;            /* what should not have been, a sentence each; "" */
	char *said;             /* on standard error */
};

extern const char *const fault_names[FAULT_COUNT];
extern const char *const fault_phases[PHASE_COUNT];

/* plan: NULL: nothing fails. env: as in struct run_options, or NULL. */
struct faulty_run faulty_run(const struct fault_plan *plan, const char *const *env);
void faulty_run_free(struct faulty_run *run);

#endif
