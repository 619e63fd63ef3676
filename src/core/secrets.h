/* Values of keys whose column Privacy says `secret`: they are taken out of a ring's records before
 * anybody reads these, so none reaches a sink or a dump (docs/catalog.md). */
#ifndef RILL_CORE_SECRETS_H
#define RILL_CORE_SECRETS_H

#include <rill/sink.h>

/* Whether a catalog from *seen on has such a key, or one before had; *seen is then their number. */
bool secrets_known(const struct rill_catalogs *catalogs, uint32_t *seen, bool *known);

/*
 * Overwrites them in place, also those of events and lists within: numbers, booleans and IPv4
 * addresses become `none`, all else a string of as many `*` as it had bytes, so that no record
 * changes its size. Ends at bytes that are no record. Doing it again changes nothing.
 */
void secrets_mask(unsigned char *records, size_t size, const struct rill_catalogs *catalogs);

#endif
