/* Common Trace Format 1.8 (diamon.org/ctf/v1.8.3): what the three parts of its exporter share. */
#ifndef RILL_CLI_EXPORT_CTF_H
#define RILL_CLI_EXPORT_CTF_H

#include "cli/export/export.h"
#include "sink/json_value.h"

/*
 * The fields of an event class: records of one event that have the same keys, with the same types,
 * in the same order. Each word after the first is a field:
 * key << 16 | type << 8 | form << 1 | cut.
 */
enum ctf_form {
	CTF_PLAIN, /* as its type says */
	CTF_RAW,   /* a string that is not UTF-8 or has a NUL: its bytes as well */
	CTF_JSON,  /* a list or event, as text */
	/* A string that is empty in all events of the class: babeltrace2 up to 2.0.4 shows, for an
	 * empty one, what stood there in an earlier event of its class. */
	CTF_EMPTY,
	CTF_SEQUENCE, /* a list of values of one type: CTF_SEQUENCE + type */
};

/* The first word. */
enum ctf_context {
	CTF_SPAN = 1 << 0,
	CTF_PARENT = 1 << 1,
	CTF_WHOLE_JSON = 1 << 2, /* one field for all keys: there are too many shapes */
};

#define CTF_WORDS (RILL_MAX_ITEMS + 1)

struct ctf_shape {
	struct ctf_shape *next; /* of the same event */
	uint32_t id;
	uint16_t event;
	uint8_t catalog;
	uint8_t nwords;
	uint32_t words[];
};

static inline uint16_t ctf_key(uint32_t word)
{
	return (uint16_t)(word >> 16);
}
static inline unsigned ctf_type(uint32_t word)
{
	return word >> 8 & 0xff;
}
static inline unsigned ctf_form(uint32_t word)
{
	return word >> 1 & 0x7f;
}
static inline bool ctf_cut(uint32_t word)
{
	return word & 1;
}

/* One traced process is one trace. */
struct ctf_trace {
	const struct dump_origin *origin;
	char *prefix;               /* "", or its directory's name and a slash */
	struct ctf_shape ***shapes; /* by catalog and event */
	uint32_t ncatalogs;
	uint32_t nshapes;
	struct ctf_stream **streams; /* by thread */
	size_t nbuckets;
	size_t nstreams;
};

/* Whether a field says its type: the page leaves it open, or it stands there as text. */
bool ctf_tells_type(const struct rill_catalog *catalog, uint32_t word);
/* That type: a list's is that of its elements. */
unsigned ctf_told_type(uint32_t word);

/* --- ctf_event.c: a record's bytes --------------------------------------------------------- */

struct ctf_encoder {
	struct json json;
	struct buffer text;
	size_t nshapes;
};

void ctf_encoder_init(struct ctf_encoder *encoder);
void ctf_encoder_free(struct ctf_encoder *encoder);
/* Appends the record to `to`. 0; -ENOMEM. */
int ctf_put_record(struct ctf_encoder *encoder, struct ctf_trace *trace, struct buffer *to,
		   const struct rill_record *record, const struct rill_catalogs *catalogs);
void ctf_free_shapes(struct ctf_trace *trace);

/* --- ctf_metadata.c ------------------------------------------------------------------------ */

#define CTF_THREADS 0u /* stream classes */
#define CTF_LOSSES  1u

void ctf_put_metadata(struct buffer *to, const struct ctf_trace *trace);

#endif
