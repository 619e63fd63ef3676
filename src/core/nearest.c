#include "core/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Longer names are compared up to here. */
#define MAX_LENGTH 63u
#define FAR        UINT32_MAX
/* A name that contains what is wanted ranks behind a slip or two, and before three. */
#define CONTAINED_DISTANCE 2u
#define MAX_FOUND          16u

struct folded {
	char text[MAX_LENGTH + 1];
	size_t length;
};

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '_' || c == '-' || c == ' ' ? '.' : c;
}

static void fold_name(struct folded *folded, const char *name)
{
	size_t n = 0;
	for (; n < MAX_LENGTH && name[n]; n++)
		folded->text[n] = fold(name[n]);
	folded->text[n] = 0;
	folded->length = n;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours. */
static uint32_t distance(const struct folded *a, const struct folded *b)
{
	uint32_t rows[3][MAX_LENGTH + 1];
	for (uint32_t j = 0; j <= b->length; j++)
		rows[0][j] = j;
	for (uint32_t i = 1; i <= a->length; i++) {
		uint32_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
		row[0] = i;
		for (uint32_t j = 1; j <= b->length; j++) {
			bool same = a->text[i - 1] == b->text[j - 1];
			row[j] = least(above[j - 1] + !same, 1 + least(above[j], row[j - 1]));
			if (i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] &&
			    a->text[i - 2] == b->text[j - 1])
				row[j] = least(row[j], two[j - 2] + 1);
		}
	}
	return rows[a->length % 3][b->length];
}

static uint32_t rank(const struct folded *wanted, const char *name)
{
	struct folded folded;
	fold_name(&folded, name);
	size_t longer = folded.length > wanted->length ? folded.length : wanted->length;
	size_t shorter = folded.length + wanted->length - longer;
	uint32_t allowed = (uint32_t)(wanted->length / 4 + 1);
	uint32_t slips = longer - shorter > allowed ? FAR : distance(wanted, &folded);
	if (slips > allowed)
		slips = FAR;
	if (slips > CONTAINED_DISTANCE && wanted->length >= 3 && strstr(folded.text, wanted->text))
		slips = CONTAINED_DISTANCE;
	return slips;
}

size_t nearest_names(const char *wanted, const char *(*name)(const void *context, size_t i),
		     const void *context, size_t count, const char **found, size_t max)
{
	uint32_t ranks[MAX_FOUND];
	struct folded folded;
	size_t nfound = 0;
	fold_name(&folded, wanted);
	if (max > MAX_FOUND)
		max = MAX_FOUND;
	if (!folded.length || !max)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const char *candidate = name(context, i);
		uint32_t candidate_rank = rank(&folded, candidate);
		if (candidate_rank == FAR || (nfound == max && candidate_rank >= ranks[nfound - 1]))
			continue;
		if (nfound < max)
			nfound++;
		size_t at = nfound - 1;
		for (; at > 0 && ranks[at - 1] > candidate_rank; at--) {
			ranks[at] = ranks[at - 1];
			found[at] = found[at - 1];
		}
		ranks[at] = candidate_rank;
		found[at] = candidate;
	}
	/* What is much farther off than the best would only distract from it. */
	while (nfound > 1 && ranks[nfound - 1] > ranks[0] + 1)
		nfound--;
	return nfound;
}
