/* Records, spans and values for tests of sinks, made without ring or decoder: a catalog with a key
 * of each type, a small encoder of lists and nested events, and a story that shows every form. */
#ifndef TESTS_ENTRIES_H
#define TESTS_ENTRIES_H

#include <rill/sink.h>

#include "sink/sink.h"

enum demo_event {
	CONNECT,
	DISCONNECT,
	STEP,
	WARNING,
	CAUSE,
	ODD,
	TICK_START,
	TICK_END,
	DEMO_EVENTS
};
enum demo_key {
	NONE_KEY,
	BOOL_KEY,
	U64_KEY,
	I64_KEY,
	F64_KEY,
	DURATION_KEY,
	TIMESTAMP_KEY,
	STRING_KEY,
	BYTES_KEY,
	IP_KEY,
	LIST_KEY,
	EVENT_KEY,
	ANY_KEY,
	ID_KEY,
	ODD_KEY,
	DEMO_KEYS,
};

extern const struct rill_catalog demo_catalog;
extern const struct rill_catalogs demo_catalogs;

struct rill_item item_none(uint16_t key);
struct rill_item item_bool(uint16_t key, bool value);
struct rill_item item_u64(uint16_t key, uint64_t value);
struct rill_item item_i64(uint16_t key, int64_t value);
struct rill_item item_f64(uint16_t key, double value);
struct rill_item item_duration(uint16_t key, int64_t ns);
struct rill_item item_timestamp(uint16_t key, uint64_t ns);
struct rill_item item_string(uint16_t key, const char *text);
struct rill_item item_sized(uint16_t key, const void *bytes, size_t size);
struct rill_item item_bytes(uint16_t key, const void *bytes, size_t size);
struct rill_item item_ip(uint16_t key, const char *text);
/* Copies of the elements, encoded. */
struct rill_item item_list(uint16_t key, const struct rill_item *elements, uint32_t count);
struct rill_item item_event(uint16_t key, uint16_t event, const struct rill_item *items,
			    uint32_t count);
struct rill_item item_cut(struct rill_item item, uint32_t original_size);

#define ITEMS(...)                                                                                 \
	(const struct rill_item[])                                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define LIST(key, ...)                                                                             \
	item_list(key, ITEMS(__VA_ARGS__), sizeof ITEMS(__VA_ARGS__) / sizeof(struct rill_item))
#define EVENT(key, event, ...)                                                                     \
	item_event(key, event, ITEMS(__VA_ARGS__),                                                 \
		   sizeof ITEMS(__VA_ARGS__) / sizeof(struct rill_item))

/* A record of pid 100, tid 101; never freed. */
struct rill_record *new_record(uint16_t event, uint64_t time_ns, const struct rill_item *items,
			       size_t count);
#define RECORD(event, time_ns, ...)                                                                \
	new_record(event, time_ns, ITEMS(__VA_ARGS__),                                             \
		   sizeof ITEMS(__VA_ARGS__) / sizeof(struct rill_item))

/* Any value of any type, at its edges more often than not; deterministic. */
uint64_t random_u64(void);
struct rill_item random_item(uint16_t key, unsigned depth);

/* Opens the sink or fails the test with its sentence. */
struct sink *open_sink(const char *spec);
void write_entries(struct sink *sink, const struct rill_entry *entries, size_t count);
void write_record(struct sink *sink, const struct rill_record *record);
/* What a new sink of this type makes of the entries, in a file. */
char *render_entries(const char *type, const char *options, const struct rill_entry *entries,
		     size_t count);

/* A connection from its start to its end, and everything that can go wrong. */
size_t story(const struct rill_entry **entries);

#endif
