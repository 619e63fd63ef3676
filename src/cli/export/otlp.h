/* Parts of the OTLP exporter: values, and links between spans. */
#ifndef RILL_CLI_EXPORT_OTLP_H
#define RILL_CLI_EXPORT_OTLP_H

#include "cli/export/export.h"
#include "sink/json_value.h"

/* --- attributes: otlp_value.c -------------------------------------------------------------- */

/* Their values; and, by the writer of `rill cat -f json`, the notes on them. */
struct otlp_values {
	struct json json;     /* of the notes */
	struct buffer unread; /* what it writes besides */
	struct pieces pieces; /* {"key":"NAME","value": and what otlp.c makes of events and spans */
};

/* Appends `{"key":"NAMESUFFIX","value":VALUE}`. before: as for json_member(). */
void otlp_attribute(struct otlp_values *values, struct buffer *to,
		    const struct rill_catalog *catalog, const struct rill_item *item,
		    const struct rill_item *before, const char *suffix);
void otlp_key(struct buffer *to, const char *name);
void otlp_values_free(struct otlp_values *values);

/* --- links: otlp_link.c -------------------------------------------------------------------- */

#define OTLP_LINKS 4u /* of one span; more are counted */

struct otlp_link {
	uint64_t trace_id[2];
	uint64_t span_id;
	const char *key;
};

struct otlp_linked {
	uint64_t span_id; /* 0: a free place */
	uint32_t nlinks;
	uint32_t dropped;
	struct otlp_link links[OTLP_LINKS];
};

struct otlp_links;

struct otlp_links *otlp_links_new(void); /* NULL: no memory */
void otlp_links_free(struct otlp_links *links);
/* Notes which span had the record's Link values first, and which spans have them later. */
void otlp_links_follow(struct otlp_links *links, const struct dump_origin *origin,
		       const struct rill_record *record);
/* Those of a span that is over. *linked: a copy. False: it has none. */
bool otlp_links_take(struct otlp_links *links, uint64_t span_id, struct otlp_linked *linked);

#endif
