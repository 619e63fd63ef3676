/*
 * The choice of details when there are more events than the page may hold: a quarter for the
 * slowest spans of each type, a quarter for warnings and errors, the rest for a sample of whole
 * traces.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/report/report.h"

/* Of a share of everything, as the upper end of hashes. */
static uint64_t below(double share)
{
	return share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
	x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

static int slower(const void *left, const void *right)
{
	const struct slow_span *a = left, *b = right;
	if (a->duration_ns != b->duration_ns)
		return a->duration_ns > b->duration_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* The slowest of each type, then the second of each, and so on, as long as there is room. */
static int choose_slow(struct choice *choice, const struct model *model, uint64_t room)
{
	for (size_t type = 0; type < model->nspans; type++)
		if (model->slow[type])
			qsort(model->slow[type]->spans, model->slow[type]->count,
			      sizeof model->slow[type]->spans[0], slower);
	for (size_t rank = 0; rank < SLOW_SPANS; rank++) {
		for (size_t type = 0; type < model->nspans; type++) {
			const struct slow_spans *slow = model->slow[type];
			if (!slow || rank >= slow->count || slow->spans[rank].nevents > room)
				continue;
			room -= slow->spans[rank].nevents;
			choice->sample_budget -= slow->spans[rank].nevents;
			if (!numbers_get(&choice->slow, slow->spans[rank].id))
				return -ENOMEM;
		}
	}
	return 0;
}

int choice_make(struct choice *choice, const struct model *model, uint64_t limit)
{
	uint64_t quarter = limit / 4;
	uint64_t most = model->total > model->total_spans ? model->total : model->total_spans;
	*choice = (struct choice){
		.limit = limit,
		.total = model->total,
		.all = most <= limit + limit / 8,
		.sample_budget = limit - (model->urgent < quarter ? model->urgent : quarter),
		.urgent_budget = quarter,
	};
	if (choice->all)
		return 0;
	choice->urgent_below = below(model->urgent ? (double)quarter / (double)model->urgent : 1);
	int error = choose_slow(choice, model, quarter);
	choice->sample_below = below((double)choice->sample_budget / (double)most);
	return error;
}

static uint64_t trace_hash(const struct rill_span *span)
{
	return mix(span->trace_id[0] ^ span->trace_id[1]);
}

bool choice_has_record(struct choice *choice, const struct rill_record *record)
{
	uint64_t number = ++choice->seen;
	/* The process may have written more since they were counted. */
	if (number > choice->total)
		return false;
	if (choice->all)
		return true;
	for (const struct rill_span *span = record->span; span; span = span->parent) {
		if (numbers_find(&choice->slow, span->id)) {
			choice->of_slow++;
			return true;
		}
	}
	/* Few traces may hold most events: then the sample takes no more than its time's share. */
	double share = (double)number / (double)choice->total;
	uint64_t hash = record->span ? trace_hash(record->span) : mix(number);
	if (hash < choice->sample_below &&
	    (double)choice->of_sample < 1.25 * (double)choice->sample_budget * share + 1000) {
		choice->of_sample++;
		return true;
	}
	if (record->event->level >= RILL_WARN && mix(number) < choice->urgent_below &&
	    choice->of_urgent <= choice->urgent_budget) {
		choice->of_urgent++;
		return true;
	}
	return false;
}

bool choice_has_span(const struct choice *choice, const struct rill_span *span)
{
	return choice->all || numbers_find(&choice->slow, span->id) ||
	       trace_hash(span) < choice->sample_below;
}

void choice_free(struct choice *choice)
{
	numbers_free(&choice->slow);
}
