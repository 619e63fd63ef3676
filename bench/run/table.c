/* The results as tables for people: figures with their ratios to rill's, and targets. */
#include <math.h>
#include <string.h>

#include "bench/run/run.h"

/* As many digits as say something. */
static void number(char *text, size_t size, double value)
{
	double magnitude = fabs(value);
	int digits = magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 1 ? 2 : 3;

	snprintf(text, size, "%.*f", digits, value);
}

static void print_figure(FILE *to, const struct figure *figure, const struct figures *figures)
{
	char median[32], least[32], most[32], ratio[32] = "";
	const struct figure *rill = figures_find(figures, figure->name, "rill");

	number(median, sizeof median, figure_median(figure));
	number(least, sizeof least, figure_min(figure));
	number(most, sizeof most, figure_max(figure));
	/* A difference may come out below zero, and then is no multiple of anything. */
	if (rill && rill != figure && figure_median(rill) > 0 && figure_median(figure) >= 0) {
		number(ratio, sizeof ratio, figure_median(figure) / figure_median(rill));
		strcat(ratio, " x");
	}
	fprintf(to, "%-30s %-14s %12s %-6s %12s %12s %10s\n", figure->name, figure->who, median,
		figure->unit, least, most, ratio);
}

/* All of one name stand together, where the first of them stands. */
static void print_figures(FILE *to, const struct figures *figures)
{
	fprintf(to, "%-30s %-14s %12s %-6s %12s %12s %10s\n", "figure", "who", "median", "", "min",
		"max", "to rill");
	for (size_t i = 0; i < figures->count; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= strcmp(figures->at[k].name, figures->at[i].name) == 0;
		for (size_t k = i; k < figures->count && !seen; k++) {
			if (strcmp(figures->at[k].name, figures->at[i].name) == 0)
				print_figure(to, &figures->at[k], figures);
		}
	}
}

static void print_target(FILE *to, const struct target *target)
{
	char bound[32], seen[32];

	number(bound, sizeof bound, target->bound);
	number(seen, sizeof seen, target->seen);
	fprintf(to, "%-58s %s %9s %12s %-5s  %s\n", target->title,
		target->at_least ? ">=" : "<=", bound, target->known ? seen : "-", target->unit,
		!target->known       ? target->why
		: target_met(target) ? "met"
				     : "NOT MET");
}

void table_print(FILE *to, const struct report *report)
{
	const struct suite *suite = report->suite;

	print_figures(to, report->figures);
	fprintf(to, "\n%-58s %12s %12s\n", "target", "bound", "seen");
	for (size_t i = 0; i < suite->ntargets; i++)
		print_target(to, &suite->targets[i]);
	for (size_t i = 0; i < suite->nrows; i++) {
		if (suite->rows[i].failures)
			fprintf(to, "\nrow %s FAILED in %d rounds\n", suite->rows[i].name,
				suite->rows[i].failures);
	}
	if (!report->machine->quiet)
		fprintf(to,
			"\nThe machine was not quiet: others took up to %.0f %% of it. Do not "
			"quote "
			"these figures.\n",
			report->machine->busy_percent);
}
