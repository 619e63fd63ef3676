/*
 * What a sink is given: decoded records and spans, in batches; and the interface behind which every
 * sink stands, the built-in ones as well as modules.
 *
 * Everything handed to a sink is borrowed: it is valid until the call returns. Only catalogs, and
 * what they point to, live on until the sink is closed. All calls for one sink come from one thread
 * at a time.
 */
#ifndef RILL_SINK_H
#define RILL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rill/catalog.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One value. Under a key in a record or a nested event; without (key 0) in a list. */
struct rill_item {
	uint16_t key;  /* id in the record's catalog (in a nested event: in that event's) */
	uint8_t type;  /* enum rill_type; an address that was none has RILL_TYPE_NONE */
	bool cut;      /* size is less than original_size */
	uint32_t size; /* string, bytes, ip: of bytes; list, event: encoded */
	uint32_t original_size;
	union {
		bool boolean;
		uint64_t u64; /* u64, timestamp */
		int64_t i64;  /* i64, duration */
		double f64;
	};
	/* string, bytes: as they are, not NUL-terminated; ip: 4 or 16 bytes in network order;
	 * list, event: for rill_nested_open(). Else NULL. */
	const unsigned char *bytes;
};

/* Elements of a list, or the keys of a nested event. */
struct rill_nested {
	const struct rill_catalog *catalog; /* NULL: a list, or a catalog that is not known */
	const struct rill_catalog_event *event;
	uint32_t count;
	/* private */
	const unsigned char *tags;
	const unsigned char *words;
	const unsigned char *tail;
	const unsigned char *end;
	uint32_t next;
};

/* The catalogs of a process by their index in its records; entries may be NULL. */
struct rill_catalogs {
	const struct rill_catalog *const *catalog;
	uint32_t count;
};

/* Opens a list or event item. 0; -EBADMSG: its bytes are not what an encoder writes. */
RILL_API int rill_nested_open(struct rill_nested *nested, const struct rill_item *item,
			      const struct rill_catalogs *catalogs);
/* The next element. 1: there is one; 0: no more; -EBADMSG. */
RILL_API int rill_nested_next(struct rill_nested *nested, struct rill_item *item);

#define RILL_MAX_ITEMS 16u

enum rill_span_state {
	RILL_SPAN_OPEN,      /* seen as a record's context: not over yet */
	RILL_SPAN_ENDED,     /* start and end were seen */
	RILL_SPAN_ABANDONED, /* no end: another start, too many open, or the trace ended */
	RILL_SPAN_HEADLESS,  /* an end without a start: start_ns is end_ns */
};

struct rill_span {
	const struct rill_catalog *catalog;
	const struct rill_catalog_span *span;
	const struct rill_span *parent; /* next span out with the same key value, or NULL */
	uint64_t id;                    /* never 0 */
	uint64_t parent_id;             /* 0: none */
	uint64_t trace_id[2];           /* most significant first; that of the outermost span */
	uint64_t start_ns;              /* nanoseconds since the Unix epoch */
	uint64_t end_ns;
	uint64_t nevents; /* records inside, start and end included; 0: not all were read */
	uint32_t state;   /* enum rill_span_state */
	uint32_t pid;
	const struct rill_item *start_items; /* keys of the start event */
	const struct rill_item *end_items;   /* keys of the end event; none while open */
	uint32_t nstart_items;
	uint32_t nend_items;
};

struct rill_record {
	const struct rill_catalog *catalog;
	const struct rill_catalog_event *event;
	uint64_t time_ns; /* nanoseconds since the Unix epoch */
	uint32_t pid;
	uint32_t tid;
	uint16_t event_id;
	uint16_t catalog_index; /* in the process's records */
	uint16_t nitems;
	bool late;                    /* older than what was handed out before it */
	const struct rill_span *span; /* innermost open span that it belongs to, or NULL */
	struct rill_item items[RILL_MAX_ITEMS]; /* only `nitems` of them are there */
};

/*
 * The keys that a record has from its span and the spans around it, those of their starts, each key
 * once and none that the record carries itself. Writes at most `max` and returns how many.
 * Innermost first. The span's own start event inherits from the spans around it only.
 */
RILL_API size_t rill_record_inherited(const struct rill_record *record,
				      const struct rill_item **items, size_t max);

/* A batch, in the order in which it is to be written. Either pointer of an entry is NULL. */
struct rill_entry {
	const struct rill_record *record;
	const struct rill_span *span; /* state is never RILL_SPAN_OPEN */
};

struct rill_batch {
	const struct rill_entry *entries;
	size_t count;
	struct rill_catalogs catalogs;
};

/* In place of an event id: a span, not a record. */
#define RILL_SPAN_ENTRY UINT16_MAX

/* What a sink tells its owner, from any thread, until close() returns. */
struct rill_sink_owner {
	/* For sinks with a queue of their own: one entry that write() had taken was lost after all,
	 * and counts as failed, not as written.
	 * catalog_index, event_id: the record's; event_id of a span: RILL_SPAN_ENTRY. */
	void (*lost)(void *context, uint16_t catalog_index, uint16_t event_id, int error);
	/* After losses or a failed write(): everything taken since has been written. The next
	 * failure is news again. */
	void (*recovered)(void *context);
	void *context;
};

/*
 * The functions of a sink type. Errors are negative errno values; after one the batch's entries
 * that were not taken count as failed, and the sink is called again with the next batch.
 */
struct rill_sink_type {
	const char *name; /* what a spec starts with: "text" of "text:stderr" */
	/* argument: what follows the name and the colon, without the options of every sink. `error`
	 * gets one sentence. owner: lives until close() or forget() has returned. */
	int (*open)(const char *argument, const struct rill_sink_owner *owner, void **state,
		    char *error, size_t error_size);
	/* *taken: how many of the batch's entries are written or safely queued. 0 only if all are.
	 */
	int (*write)(void *state, const struct rill_batch *batch, size_t *taken);
	/* Waits, not for long, until what is queued is written. */
	int (*flush)(void *state);
	void (*close)(void *state);
	/* In a forked child, where no thread of the sink's is: closes descriptors, frees nothing
	 * (the parent's threads may have been changing it), writes nothing, waits for nothing. */
	void (*forget)(void *state);
};

#ifdef __cplusplus
}
#endif
#endif
