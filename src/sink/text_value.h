/* Keys and values as text: what can be read back without ambiguity, and can't forge a line. */
#ifndef RILL_SINK_TEXT_VALUE_H
#define RILL_SINK_TEXT_VALUE_H

#include "sink/render.h"

struct text_style {
	struct zone zone;
	const struct rill_catalogs *catalogs;
};

/* A name or a text of a catalog, which a dump may have brought: bare if it has neither `forbidden`
 * in it nor anything that must be escaped, otherwise in quotes. */
void text_name(struct buffer *to, const char *name, const char *forbidden);
void text_key(struct buffer *to, const struct rill_catalog *catalog, uint16_t key);
/* Strings are bare if they are words that can be nothing else, otherwise in quotes and escaped. */
void text_value(struct buffer *to, const struct rill_item *item, struct text_style *style);
/* The same at `at`, for buffer_more(); depth: 0. Returns where it ends; NULL: no memory. */
char *write_value(struct buffer *to, char *at, const struct rill_item *item,
		  struct text_style *style, unsigned depth);

#endif
