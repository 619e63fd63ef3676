/* What the parts of the benchmark runner share. docs/benchmarks.md says what it is for. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One line of the suite. */
struct row {
	char *name;
	char *command;   /* for sh */
	int quick, full; /* rounds; 0: not part of that run */
	int failures;    /* rounds that did not end well */
};

/* One figure of one participant, with all its samples in the order of the rounds. */
struct figure {
	char *name; /* warm.w1 */
	char *who;  /* rill */
	char *unit;
	size_t row; /* that printed it */
	double *samples;
	size_t nsamples;
};

struct figures {
	struct figure *at;
	size_t count;
};

struct target {
	char *title;
	char *expression;
	bool at_least; /* else: at most */
	double bound;
	char *unit;
	bool known; /* all figures are there */
	double seen;
	char why[120]; /* not known: what is missing */
};

struct suite {
	struct row *rows;
	size_t nrows;
	struct target *targets;
	size_t ntargets;
};

struct machine {
	char cpu[128], kernel[128], gcc[128], clang[128], governor[64], date[40];
	int cores;
	double busy_percent; /* most that others took of the processors while nothing was measured
			      */
	bool quiet;
};

struct report {
	const char *name;
	bool quick;
	const struct suite *suite;
	const struct figures *figures;
	const struct machine *machine;
};

/* --- suite.c: both end the program with FILE:LINE: what is wrong ------------------------------ */
void suite_load_rows(struct suite *suite, const char *path);
void suite_load_targets(struct suite *suite, const char *path);
void suite_free(struct suite *suite);

/* --- figures.c ----------------------------------------------------------------------------------
 */
/* Adds a line FIGURE<TAB>WHO<TAB>VALUE<TAB>UNIT; NULL, or what is wrong with it. */
const char *figures_add_line(struct figures *figures, size_t row, char *line);
const struct figure *figures_find(const struct figures *figures, const char *name, const char *who);
double median_of(const double *samples, size_t count);
double figure_median(const struct figure *figure);
double figure_min(const struct figure *figure);
double figure_max(const struct figure *figure);
void figures_free(struct figures *figures);

/* --- target.c ------------------------------------------------------------------------------------
 */
/* NULL, or what is wrong with the expression. */
const char *target_check(const char *expression);
void target_evaluate(struct target *target, const struct figures *figures);
bool target_met(const struct target *target);

/* --- child.c -------------------------------------------------------------------------------------
 */
/*
 * Runs the command with sh in a process group of its own and BENCH_DIR in its environment; adds
 * what it prints to the figures. Its standard error goes to the log. False: it failed, and `why`
 * says how.
 */
bool child_run(const struct row *row, size_t index, const char *log, struct figures *figures,
	       char *why, size_t size);
/* From a signal handler: ends the child that runs. */
void child_interrupt(void);

/* --- machine.c -----------------------------------------------------------------------------------
 */
void machine_describe(struct machine *machine);
/* Looks for a moment at what the processors do although nothing is measured. */
void machine_listen(struct machine *machine);

/* --- report: json.c, table.c, plot.c -------------------------------------------------------------
 */
void json_write(FILE *to, const struct report *report);
void table_print(FILE *to, const struct report *report);
/* DIRECTORY/NAME-*.svg, drawn by gnuplot. False: it is not there, or it failed. */
bool plots_draw(const char *directory, const struct report *report);

#endif
