/* Records as an encoder would write them, and a small catalog for them. Made by hand, from
 * docs/dump-format.md: a fault of the encoder's must not hide one of the decoder's. */
#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include <rill/catalog.h>

struct slot {
	uint16_t key;
	uint8_t type; /* enum rill_type */
	uint64_t word;
	const void *bytes;
	size_t size;
};

struct slot slot_u64(uint16_t key, uint64_t value);
struct slot slot_text(uint16_t key, const char *text);
struct slot slot_bytes(uint16_t key, const void *bytes, size_t size);
struct slot slot_ip4(uint16_t key, const unsigned char bytes[4]);

/* Appends a record to `to`, which has room; returns its size. */
size_t record_put(unsigned char *to, uint64_t ticks, uint8_t catalog, uint16_t event,
		  const struct slot *slots, size_t nslots);

enum {
	EVENT_CONN_START,
	EVENT_CONN_END,
	EVENT_IDLE_START,
	EVENT_IDLE_END,
	EVENT_WORK,
	EVENT_JOB_START,
	EVENT_JOB_END,
	EVENT_SERVER_START,
	EVENT_SERVER_STOP,
	EVENT_COUNT,
};

enum { KEY_ID, KEY_REMOTE_IP, KEY_NOTE, KEY_JOB, KEY_TAGS, KEY_COUNT };

/* Spans conn and idle (key id), job (key jobId), server (no key). */
extern const struct rill_catalog records_catalog;
/* The same names with other levels and types. */
extern const struct rill_catalog records_catalog_other;

#endif
