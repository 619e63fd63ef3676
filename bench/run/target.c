/*
 * Targets: arithmetic over figures.
 *
 *     warm.w1[rill] - r[rdtsc]
 *
 * FIGURE[WHO], numbers, + - * / and parentheses. When all figures come from one row with one sample
 * a round, the expression is evaluated round by round and the median of that is what counts: what
 * was measured side by side is compared side by side. Else it is evaluated on the medians.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/run.h"

#define OF_MEDIANS ((size_t)-1)

struct parse {
	const char *at;
	const struct figures *figures; /* NULL: only the form is checked */
	size_t sample;                 /* which of each figure, or OF_MEDIANS */
	const struct figure *first;    /* the first figure named */
	bool paired;                   /* all of one row, with as many samples */
	char why[120];                 /* what is wrong; empty: nothing */
};

static double sum(struct parse *parse);

static void blanks(struct parse *parse)
{
	while (*parse->at == ' ')
		parse->at++;
}

static void complain(struct parse *parse, const char *what)
{
	if (!parse->why[0])
		snprintf(parse->why, sizeof parse->why, "%s", what);
}

static double value_of(struct parse *parse, const char *name, const char *who)
{
	const struct figure *figure = figures_find(parse->figures, name, who);

	if (!figure) {
		if (!parse->why[0])
			snprintf(parse->why, sizeof parse->why, "no figure %.50s[%.50s]", name,
				 who);
		return 0;
	}
	if (!parse->first)
		parse->first = figure;
	if (figure->row != parse->first->row || figure->nsamples != parse->first->nsamples)
		parse->paired = false;
	return parse->sample == OF_MEDIANS ? figure_median(figure) : figure->samples[parse->sample];
}

static double operand(struct parse *parse)
{
	char name[64], who[64];
	int length = 0;

	if (sscanf(parse->at, "%63[a-z0-9_.][%63[^][]]%n", name, who, &length) != 2 ||
	    length == 0) {
		complain(parse, "a figure is written FIGURE[WHO]");
		return 0;
	}
	parse->at += length;
	return parse->figures ? value_of(parse, name, who) : 1;
}

static double factor(struct parse *parse)
{
	char *end;
	double value;

	blanks(parse);
	if (*parse->at == '(') {
		parse->at++;
		value = sum(parse);
		if (*parse->at != ')')
			complain(parse, "a ) is missing");
		parse->at += *parse->at == ')';
	} else if (isdigit((unsigned char)*parse->at)) {
		value = strtod(parse->at, &end);
		parse->at = end;
	} else {
		value = operand(parse);
	}
	blanks(parse);
	return value;
}

static double product(struct parse *parse)
{
	double value = factor(parse);

	while (!parse->why[0] && (*parse->at == '*' || *parse->at == '/')) {
		bool times = *parse->at++ == '*';
		double other = factor(parse);
		value = times ? value * other : value / other;
	}
	return value;
}

static double sum(struct parse *parse)
{
	double value = product(parse);

	while (!parse->why[0] && (*parse->at == '+' || *parse->at == '-')) {
		bool plus = *parse->at++ == '+';
		double other = product(parse);
		value = plus ? value + other : value - other;
	}
	return value;
}

static double evaluate(struct parse *parse, const char *expression, const struct figures *figures,
		       size_t sample)
{
	*parse = (struct parse){
		.at = expression, .figures = figures, .sample = sample, .paired = true};
	double value = sum(parse);

	if (*parse->at)
		complain(parse, "something else stands behind the expression");
	return value;
}

const char *target_check(const char *expression)
{
	static struct parse parse;

	evaluate(&parse, expression, NULL, OF_MEDIANS);
	return parse.why[0] ? parse.why : NULL;
}

void target_evaluate(struct target *target, const struct figures *figures)
{
	struct parse parse;

	target->seen = evaluate(&parse, target->expression, figures, OF_MEDIANS);
	target->known = !parse.why[0];
	memcpy(target->why, parse.why, sizeof target->why);
	if (!target->known || !parse.paired || !parse.first)
		return;
	size_t count = parse.first->nsamples;
	double *each = calloc(count, sizeof *each);
	if (!each)
		abort();
	for (size_t i = 0; i < count; i++)
		each[i] = evaluate(&parse, target->expression, figures, i);
	target->seen = median_of(each, count);
	free(each);
}

bool target_met(const struct target *target)
{
	return target->known && isfinite(target->seen) &&
	       (target->at_least ? target->seen >= target->bound : target->seen <= target->bound);
}
