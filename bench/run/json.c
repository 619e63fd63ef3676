/* The results as JSON. */
#include "bench/run/run.h"

static void put_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(to, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

static void put_field(FILE *to, const char *name, const char *text)
{
	fprintf(to, "\"%s\": ", name);
	put_string(to, text);
}

static void put_machine(FILE *to, const struct machine *machine)
{
	fputs("  \"machine\": {", to);
	put_field(to, "cpu", machine->cpu);
	fprintf(to, ", \"cores\": %d, ", machine->cores);
	put_field(to, "kernel", machine->kernel);
	fputs(", ", to);
	put_field(to, "governor", machine->governor);
	fputs(", ", to);
	put_field(to, "gcc", machine->gcc);
	fputs(", ", to);
	put_field(to, "clang", machine->clang);
	fprintf(to, "},\n  \"quiet\": %s,\n  \"busy_percent\": %.1f,\n",
		machine->quiet ? "true" : "false", machine->busy_percent);
}

static void put_figure(FILE *to, const struct figure *figure)
{
	fputs("    {", to);
	put_field(to, "figure", figure->name);
	fputs(", ", to);
	put_field(to, "who", figure->who);
	fputs(", ", to);
	put_field(to, "unit", figure->unit);
	fprintf(to, ", \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"samples\": [",
		figure_median(figure), figure_min(figure), figure_max(figure));
	for (size_t i = 0; i < figure->nsamples; i++)
		fprintf(to, "%s%.6g", i ? ", " : "", figure->samples[i]);
	fputs("]}", to);
}

static void put_target(FILE *to, const struct target *target)
{
	fputs("    {", to);
	put_field(to, "title", target->title);
	fputs(", ", to);
	put_field(to, "expression", target->expression);
	fprintf(to, ", \"%s\": %.6g, ", target->at_least ? "at_least" : "at_most", target->bound);
	put_field(to, "unit", target->unit);
	if (target->known)
		fprintf(to, ", \"seen\": %.6g, \"met\": %s}", target->seen,
			target_met(target) ? "true" : "false");
	else
		fputs(", \"seen\": null, \"met\": null}", to);
}

void json_write(FILE *to, const struct report *report)
{
	const struct suite *suite = report->suite;

	fputs("{\n  ", to);
	put_field(to, "name", report->name);
	fputs(",\n  ", to);
	put_field(to, "date", report->machine->date);
	fprintf(to, ",\n  \"quick\": %s,\n", report->quick ? "true" : "false");
	put_machine(to, report->machine);
	fputs("  \"figures\": [\n", to);
	for (size_t i = 0; i < report->figures->count; i++) {
		fputs(i ? ",\n" : "", to);
		put_figure(to, &report->figures->at[i]);
	}
	fputs("\n  ],\n  \"targets\": [\n", to);
	for (size_t i = 0; i < suite->ntargets; i++) {
		fputs(i ? ",\n" : "", to);
		put_target(to, &suite->targets[i]);
	}
	fputs("\n  ],\n  \"failed\": [", to);
	const char *between = "";
	for (size_t i = 0; i < suite->nrows; i++) {
		if (suite->rows[i].failures == 0)
			continue;
		fputs(between, to);
		put_string(to, suite->rows[i].name);
		between = ", ";
	}
	fputs("]\n}\n", to);
}
