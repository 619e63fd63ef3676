/* Which events start and end which spans. */
#include <stdlib.h>

#include "collect/spans.h"

void catalog_roles_free(struct catalog_roles *roles)
{
	if (!roles)
		return;
	free(roles->first);
	free(roles->roles);
	free(roles->is_span_key);
	free(roles->alone);
	free(roles);
}

/* Counts each event's roles, then puts them: an event that ends one span and starts another does it
 * in that order. */
static void fill(struct catalog_roles *made)
{
	const struct rill_catalog *catalog = made->catalog;
	for (size_t i = 0; i < catalog->nspans; i++) {
		made->first[catalog->spans[i].start + 1]++;
		made->first[catalog->spans[i].end + 1]++;
		if (catalog->spans[i].key != RILL_NO_KEY)
			made->is_span_key[catalog->spans[i].key] = true;
	}
	for (size_t e = 0; e < catalog->nevents; e++)
		made->first[e + 1] += made->first[e];
	/* first[e] runs through the roles of e, and then stands where those of e + 1 begin. */
	for (int start = 0; start <= 1; start++) {
		for (size_t i = 0; i < catalog->nspans; i++) {
			const struct rill_catalog_span *span = &catalog->spans[i];
			uint32_t *place = &made->first[start ? span->start : span->end];
			made->roles[(*place)++] = (struct role){(uint16_t)i, start};
		}
	}
	for (size_t e = catalog->nevents; e > 0; e--)
		made->first[e] = made->first[e - 1];
	made->first[0] = 0;
}

static struct catalog_roles *roles_new(const struct rill_catalog *catalog)
{
	struct catalog_roles *made = calloc(1, sizeof *made);
	if (!made)
		return NULL;
	made->catalog = catalog;
	made->first = calloc(catalog->nevents + (size_t)1, sizeof *made->first);
	made->roles = calloc(2 * (size_t)catalog->nspans + 1, sizeof *made->roles);
	made->is_span_key = calloc(catalog->nkeys + (size_t)1, sizeof *made->is_span_key);
	made->alone = calloc(catalog->nspans + (size_t)1, sizeof(struct tracked *));
	if (!made->first || !made->roles || !made->is_span_key || !made->alone) {
		catalog_roles_free(made);
		return NULL;
	}
	fill(made);
	return made;
}

struct catalog_roles *catalog_roles_get(struct catalog_roles **place,
					const struct rill_catalog *catalog)
{
	if (!*place)
		*place = roles_new(catalog);
	return *place;
}
