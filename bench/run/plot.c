/* Plots: bars of one or several figures, by participant. gnuplot draws them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/run.h"

#define MAX_FIGURES 8

struct plot {
	const char *file, *title, *unit;
	bool logarithmic;
	const char *figures[MAX_FIGURES]; /* one bar each for everyone who has the first */
};

static const struct plot plots[] = {
	{"warm",
	 "warm: an event (warm.pair: two), ring not full",
	 "ns",
	 true,
	 {"warm.w1", "warm.w4", "warm.w8", "warm.pair", "warm.mix"}},
	{"latency",
	 "latency of a single W4, ring never full",
	 "ns",
	 true,
	 {"latency.w4.p50", "latency.w4.p99", "latency.w4.p999", "latency.w4.max"}},
	{"sustained",
	 "sustained to the file, lossless, W4, by threads",
	 "million events a second",
	 false,
	 {"sustained.w4.1t", "sustained.w4.2t", "sustained.w4.4t", "sustained.w4.8t"}},
	{"bytes",
	 "bytes an event on disk, no compressor",
	 "bytes",
	 false,
	 {"bytes.w1", "bytes.w1.random", "bytes.w4", "bytes.w4.unique", "bytes.mix"}},
};

#define PLOTS (sizeof plots / sizeof *plots)

/* Somebody has the figure. */
static bool is_there(const struct figures *figures, const char *name)
{
	for (size_t i = 0; i < figures->count; i++) {
		if (strcmp(figures->at[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The plot's figures that are there. */
static size_t choose(const struct plot *plot, const struct figures *figures,
		     const char *chosen[MAX_FIGURES])
{
	size_t count = 0;

	for (size_t i = 0; i < MAX_FIGURES && plot->figures[i]; i++) {
		if (is_there(figures, plot->figures[i]))
			chosen[count++] = plot->figures[i];
	}
	return count;
}

static void put_data(FILE *to, const struct figures *figures, const char *const *chosen,
		     size_t count)
{
	fputs("$data << EOD\nwho", to);
	for (size_t k = 0; k < count; k++)
		fprintf(to, " \"%s\"", chosen[k]);
	fputc('\n', to);
	for (size_t i = 0; i < figures->count; i++) {
		const char *who = figures->at[i].who;

		if (strcmp(figures->at[i].name, chosen[0]) != 0)
			continue;
		fprintf(to, "\"%s\"", who);
		for (size_t k = 0; k < count; k++) {
			const struct figure *figure = figures_find(figures, chosen[k], who);
			if (figure)
				fprintf(to, " %.6g", figure_median(figure));
			else
				fputs(" ?", to);
		}
		fputc('\n', to);
	}
	fputs("EOD\n", to);
}

static void put_script(FILE *to, const struct plot *plot, const char *directory,
		       const struct report *report)
{
	const char *chosen[MAX_FIGURES];
	size_t count = choose(plot, report->figures, chosen);

	fprintf(to,
		"set terminal svg size 900,480 dynamic background rgb 'white' font 'sans,12'\n"
		"set output '%s/%s-%s.svg'\n"
		"set title \"%s\\n%s, %s%s\" noenhanced\n"
		"set ylabel '%s%s'\nset style data histogram\nset style histogram cluster gap 1\n"
		"set style fill solid 0.9 noborder\nset boxwidth 0.9\nset grid ytics lc rgb "
		"'#dddddd'\n"
		"set key outside bottom center horizontal noenhanced\nset xtics scale 0 noenhanced "
		"nomirror\n"
		"set datafile missing '?'\n%s",
		directory, report->name, plot->file, plot->title, report->machine->cpu,
		report->machine->date, report->quick ? ", quick run" : "", plot->unit,
		plot->logarithmic ? ", logarithmic" : "",
		plot->logarithmic ? "set logscale y\n" : "set yrange [0:*]\n");
	put_data(to, report->figures, chosen, count);
	fprintf(to, "plot for [i=2:%zu] $data using i:xtic(1) title columnheader(i)\n", count + 1);
}

bool plots_draw(const char *directory, const struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < PLOTS; i++) {
		const char *chosen[MAX_FIGURES];
		if (choose(&plots[i], report->figures, chosen) == 0)
			continue;
		FILE *to = popen("gnuplot", "we");
		if (!to)
			return false;
		put_script(to, &plots[i], directory, report);
		if (pclose(to) == 0) {
			printf("written: %s/%s-%s.svg\n", directory, report->name, plots[i].file);
		} else {
			fprintf(stderr, "%s: gnuplot could not draw it\n", plots[i].file);
			good = false;
		}
	}
	return good;
}
