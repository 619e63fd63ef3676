#include "records.h"

#include <string.h>

struct slot slot_u64(uint16_t key, uint64_t value)
{
	return (struct slot){.key = key, .type = RILL_TYPE_U64, .word = value};
}

struct slot slot_bytes(uint16_t key, const void *bytes, size_t size)
{
	return (struct slot){.key = key,
			     .type = RILL_TYPE_BYTES,
			     .word = size | (uint64_t)size << 32,
			     .bytes = bytes,
			     .size = size};
}

struct slot slot_text(uint16_t key, const char *text)
{
	struct slot slot = slot_bytes(key, text, strlen(text));
	slot.type = RILL_TYPE_STRING;
	return slot;
}

struct slot slot_ip4(uint16_t key, const unsigned char bytes[4])
{
	uint32_t word;
	memcpy(&word, bytes, 4);
	return (struct slot){.key = key, .type = RILL_TYPE_IP, .word = UINT64_C(4) << 32 | word};
}

static void put(unsigned char *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

size_t record_put(unsigned char *to, uint64_t ticks, uint8_t catalog, uint16_t event,
		  const struct slot *slots, size_t nslots)
{
	size_t words = 16 + (4 * nslots + 7) / 8 * 8;
	size_t size = words + 8 * nslots;
	for (size_t i = 0; i < nslots; i++)
		size += slots[i].size;
	size = (size + 7) / 8 * 8;
	memset(to, 0, size);
	put(to, ticks, 8);
	put(to + 8, event, 2);
	put(to + 10, nslots, 1);
	put(to + 12, size | (uint64_t)catalog << 24, 4);
	unsigned char *tail = to + words + 8 * nslots;
	for (size_t i = 0; i < nslots; i++) {
		put(to + 16 + 4 * i, slots[i].key | (uint32_t)slots[i].type << 16, 4);
		put(to + words + 8 * i, slots[i].word, 8);
		if (slots[i].size)
			memcpy(tail, slots[i].bytes, slots[i].size);
		tail += slots[i].size;
	}
	return size;
}

static const char *const subsystems[] = {"Connections", "Jobs", "Server"};
static const uint16_t start_keys[] = {KEY_ID, KEY_REMOTE_IP};

static const struct rill_catalog_event events[] = {
	{"conn.start", "Connection started", "A client came.", start_keys, 2, 0, RILL_INFO, 0},
	{"conn.end", "Connection ended", "A client left.", start_keys, 1, 0, RILL_INFO, 0},
	{"idle.start", "Idle started", "Waits for news.", NULL, 0, 0, RILL_DEBUG, 0},
	{"idle.end", "Idle ended", "Waits no longer.", NULL, 0, 0, RILL_DEBUG, 0},
	{"conn.work", "Work", "Something \"was\" done \xe2\x80\x93 na\xc3\xafvely.", NULL, 0, 0,
	 RILL_TRACE, 0},
	{"job.start", "Job started", "", NULL, 0, 1, RILL_WARN, RILL_LOSS_NEVER},
	{"job.end", "Job ended", "", NULL, 0, 1, RILL_WARN, 0},
	{"server.start", "Server started", "", NULL, 0, 2, RILL_ERROR, 0},
	{"server.stop", "Server stopped", "", NULL, 0, 2, RILL_INFO, 0},
};

static const struct rill_catalog_event other_events[] = {
	{"conn.start", "Other", "", NULL, 0, 0, RILL_TRACE, 0},
	{"conn.end", "Other", "", NULL, 0, 0, RILL_TRACE, 0},
};

static const struct rill_catalog_key keys[] = {
	{"id", "Which one", RILL_SET_U64 | RILL_SET_STRING, 0, RILL_NO_KEY},
	{"remoteIp", "Where from", RILL_SET_IP, RILL_KEY_PERSONAL, RILL_NO_KEY},
	{"note", "Free text", RILL_SET_STRING, 0, RILL_NO_KEY},
	{"jobId", "Which job", RILL_SET_U64 | RILL_SET_STRING, RILL_KEY_LINK, RILL_NO_KEY},
	{"tags", "", RILL_SET_LIST | RILL_SET_BYTES, RILL_KEY_SECRET, RILL_NO_KEY},
};

static const struct rill_catalog_key other_keys[] = {
	{"id", "Other", RILL_SET_STRING, 0, RILL_NO_KEY},
};

static const struct rill_catalog_span spans[] = {
	{"conn", EVENT_CONN_START, EVENT_CONN_END, KEY_ID},
	{"idle", EVENT_IDLE_START, EVENT_IDLE_END, KEY_ID},
	{"job", EVENT_JOB_START, EVENT_JOB_END, KEY_JOB},
	{"server", EVENT_SERVER_START, EVENT_SERVER_STOP, RILL_NO_KEY},
};

static const struct rill_catalog_span other_spans[] = {
	{"conn", 0, 1, 0},
};

const struct rill_catalog records_catalog = {
	RILL_CATALOG_LAYOUT,
	sizeof(struct rill_catalog),
	UINT64_C(0x1122334455667788),
	"records",
	subsystems,
	events,
	keys,
	spans,
	3,
	EVENT_COUNT,
	KEY_COUNT,
	4,
};

const struct rill_catalog records_catalog_other = {
	RILL_CATALOG_LAYOUT,
	sizeof(struct rill_catalog),
	99,
	"other",
	subsystems,
	other_events,
	other_keys,
	other_spans,
	1,
	2,
	1,
	1,
};
