/* What the programs have printed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/run.h"

static struct figure *find(const struct figures *figures, const char *name, const char *who)
{
	for (size_t i = 0; i < figures->count; i++) {
		if (strcmp(figures->at[i].name, name) == 0 && strcmp(figures->at[i].who, who) == 0)
			return &figures->at[i];
	}
	return NULL;
}

const struct figure *figures_find(const struct figures *figures, const char *name, const char *who)
{
	return find(figures, name, who);
}

static struct figure *make(struct figures *figures, size_t row, const char *name, const char *who,
			   const char *unit)
{
	figures->at = reallocarray(figures->at, figures->count + 1, sizeof *figures->at);
	if (!figures->at)
		abort();
	struct figure *made = &figures->at[figures->count++];
	*made = (struct figure){strdup(name), strdup(who), strdup(unit), row, NULL, 0};
	if (!made->name || !made->who || !made->unit)
		abort();
	return made;
}

const char *figures_add_line(struct figures *figures, size_t row, char *line)
{
	char *rest = line, *end;
	const char *name = strsep(&rest, "\t"), *who = strsep(&rest, "\t");
	const char *value = strsep(&rest, "\t"), *unit = rest;

	if (!unit || !*name || !*who || !*unit || strchr(unit, '\t'))
		return "a figure is FIGURE, WHO, VALUE, UNIT with tabs between them";
	double sample = strtod(value, &end);
	if (end == value || *end || !isfinite(sample))
		return "the value is no number";
	struct figure *figure = find(figures, name, who);
	if (!figure)
		figure = make(figures, row, name, who, unit);
	if (strcmp(figure->unit, unit) != 0)
		return "the figure had another unit before";
	figure->samples =
		reallocarray(figure->samples, figure->nsamples + 1, sizeof *figure->samples);
	if (!figure->samples)
		abort();
	figure->samples[figure->nsamples++] = sample;
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median_of(const double *samples, size_t count)
{
	double *sorted = calloc(count, sizeof *sorted);

	if (!sorted)
		abort();
	memcpy(sorted, samples, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, ascending);
	double median =
		count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
	free(sorted);
	return median;
}

double figure_median(const struct figure *figure)
{
	return median_of(figure->samples, figure->nsamples);
}

double figure_min(const struct figure *figure)
{
	double least = figure->samples[0];

	for (size_t i = 1; i < figure->nsamples; i++)
		least = fmin(least, figure->samples[i]);
	return least;
}

double figure_max(const struct figure *figure)
{
	double most = figure->samples[0];

	for (size_t i = 1; i < figure->nsamples; i++)
		most = fmax(most, figure->samples[i]);
	return most;
}

void figures_free(struct figures *figures)
{
	for (size_t i = 0; i < figures->count; i++) {
		free(figures->at[i].name);
		free(figures->at[i].who);
		free(figures->at[i].unit);
		free(figures->at[i].samples);
	}
	free(figures->at);
}
