/* Filter expressions: `*=info,smtp.*=trace,store.*=off`. */
#ifndef RILL_CONTROL_FILTER_H
#define RILL_CONTROL_FILTER_H

#include <rill/catalog.h>

struct filter;

/* Parses. 0; -EINVAL, -ENOMEM; `error` gets one sentence with the place. */
int filter_parse(struct filter **filter, const char *expression, char *error, size_t error_size);
void filter_free(struct filter *filter);

/* One bit per event of the catalog that is on. A filter of NULL turns everything off. */
void filter_bits(const struct filter *filter, const struct rill_catalog *catalog,
		 unsigned char *bits);

/* Calls `tell` once for each rule that matches no event of the catalogs, with a sentence. */
void filter_check(const struct filter *filter, const struct rill_catalog *const *catalogs,
		  size_t count, void (*tell)(const char *sentence));

#endif
