/* Perfetto's trace format (perfetto.dev/docs/reference/trace-packet-proto): what its two parts
 * share. */
#ifndef RILL_CLI_EXPORT_PERFETTO_H
#define RILL_CLI_EXPORT_PERFETTO_H

#include "cli/export/export.h"
#include "sink/json_value.h"

/* Numbers of the events of one catalog whose name has been written already; 0: not yet. */
struct perfetto_names {
	struct perfetto_names *next;
	const struct rill_catalog *catalog;
	uint32_t events[];
};

struct perfetto {
	struct export_job *job;
	struct json json;
	struct buffer text;
	struct perfetto_names *names; /* the last that was asked for comes first */
	uint32_t interned;            /* the last number given */
	bool started;

	uint64_t *described; /* tracks of threads, an open hash table; 0: free */
	size_t ndescribed;
	size_t described_size; /* a power of two */
	uint64_t last_thread;  /* the last one */
};

/* --- perfetto_args.c: debug annotations ---------------------------------------------------- */

/* Appends a field `field` of DebugAnnotations for each item, in *to at `at`. NULL: no memory. */
char *perfetto_put_items(struct perfetto *perfetto, struct buffer *to, char *at, unsigned field,
			 const struct rill_catalog *catalog, const struct rill_item *items,
			 size_t count);
/* The same in one annotation with a name. */
char *perfetto_put_dictionary(struct perfetto *perfetto, struct buffer *to, char *at,
			      unsigned field, const char *name, const struct rill_catalog *catalog,
			      const struct rill_item *items, size_t count);
char *perfetto_put_text(struct buffer *to, char *at, unsigned field, const char *name,
			const char *text);
char *perfetto_put_number(struct buffer *to, char *at, unsigned field, const char *name,
			  uint64_t number);

#endif
