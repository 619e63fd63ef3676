#include "entries.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define ALL_TYPES ((1u << RILL_TYPE_COUNT) - 1)

static const struct rill_catalog_event events[DEMO_EVENTS] = {
	[CONNECT] = {"demo.connection-start", "Connection opened", "", NULL, 0, 0, RILL_INFO, 0},
	[DISCONNECT] = {"demo.connection-end", "Connection closed", "", NULL, 0, 0, RILL_INFO, 0},
	[STEP] = {"demo.step", "A step was taken", "", NULL, 0, 0, RILL_DEBUG, 0},
	[WARNING] = {"demo.limit", "Milter action: Reject", "", NULL, 0, 0, RILL_WARN, 0},
	[CAUSE] = {"dns.error", "DNS error", "", NULL, 0, 0, RILL_ERROR, 0},
	[ODD] = {"odd event\n", "Odd\x1b[31m \"text\"", "", NULL, 0, 0, RILL_TRACE, 0},
	[TICK_START] = {"demo.tick-start", "Tick", "", NULL, 0, 0, RILL_TRACE, 0},
	[TICK_END] = {"demo.tick-end", "Tock", "", NULL, 0, 0, RILL_ERROR, 0},
};

static const struct rill_catalog_key keys[DEMO_KEYS] = {
	[NONE_KEY] = {"nothing", "", RILL_SET_NONE, 0, RILL_NO_KEY},
	[BOOL_KEY] = {"tls", "", RILL_SET_BOOL, 0, RILL_NO_KEY},
	[U64_KEY] = {"size", "", RILL_SET_U64, 0, RILL_NO_KEY},
	[I64_KEY] = {"offset", "", RILL_SET_I64, 0, RILL_NO_KEY},
	[F64_KEY] = {"score", "", RILL_SET_F64, 0, RILL_NO_KEY},
	[DURATION_KEY] = {"elapsed", "", RILL_SET_DURATION, 0, RILL_NO_KEY},
	[TIMESTAMP_KEY] = {"expires", "", RILL_SET_TIMESTAMP, 0, RILL_NO_KEY},
	[STRING_KEY] = {"hostname", "", RILL_SET_STRING, 0, RILL_NO_KEY},
	[BYTES_KEY] = {"contents", "", RILL_SET_BYTES, 0, RILL_NO_KEY},
	[IP_KEY] = {"remoteIp", "", RILL_SET_IP, 0, RILL_NO_KEY},
	[LIST_KEY] = {"to", "", RILL_SET_LIST, 0, RILL_NO_KEY},
	[EVENT_KEY] = {"causedBy", "", RILL_SET_EVENT, 0, RILL_NO_KEY},
	[ANY_KEY] = {"details", "", ALL_TYPES, 0, RILL_NO_KEY},
	[ID_KEY] = {"spanId", "", RILL_SET_U64, 0, RILL_NO_KEY},
	[ODD_KEY] = {"a \"key\"=\n", "", RILL_SET_STRING, 0, RILL_NO_KEY},
};

static const struct rill_catalog_span spans[] = {
	{"demo.connection", CONNECT, DISCONNECT, ID_KEY},
	{"demo.tick", TICK_START, TICK_END, ID_KEY},
};

static const char *const subsystems[] = {"Demo"};

const struct rill_catalog demo_catalog = {
	.layout = RILL_CATALOG_LAYOUT,
	.size = sizeof(struct rill_catalog),
	.hash = 1,
	.name = "demo",
	.subsystems = subsystems,
	.events = events,
	.keys = keys,
	.spans = spans,
	.nsubsystems = 1,
	.nevents = DEMO_EVENTS,
	.nkeys = DEMO_KEYS,
	.nspans = 2,
};

static const struct rill_catalog *const catalog_table[] = {&demo_catalog};
const struct rill_catalogs demo_catalogs = {catalog_table, 1};

static struct rill_item new_item(uint16_t key, uint8_t type)
{
	struct rill_item item;
	memset(&item, 0, sizeof item);
	item.key = key;
	item.type = type;
	return item;
}

static struct rill_item new_sized(uint16_t key, uint8_t type, const void *bytes, size_t size)
{
	struct rill_item item = new_item(key, type);
	/* A block of exactly this size, so that AddressSanitizer sees a read beyond it. */
	unsigned char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, bytes, size);
	item.bytes = copy;
	item.size = item.original_size = (uint32_t)size;
	return item;
}

struct rill_item item_none(uint16_t key)
{
	return new_item(key, RILL_TYPE_NONE);
}

struct rill_item item_bool(uint16_t key, bool value)
{
	struct rill_item item = new_item(key, RILL_TYPE_BOOL);
	item.boolean = value;
	return item;
}

struct rill_item item_u64(uint16_t key, uint64_t value)
{
	struct rill_item item = new_item(key, RILL_TYPE_U64);
	item.u64 = value;
	return item;
}

struct rill_item item_i64(uint16_t key, int64_t value)
{
	struct rill_item item = new_item(key, RILL_TYPE_I64);
	item.i64 = value;
	return item;
}

struct rill_item item_f64(uint16_t key, double value)
{
	struct rill_item item = new_item(key, RILL_TYPE_F64);
	item.f64 = value;
	return item;
}

struct rill_item item_duration(uint16_t key, int64_t ns)
{
	struct rill_item item = new_item(key, RILL_TYPE_DURATION);
	item.i64 = ns;
	return item;
}

struct rill_item item_timestamp(uint16_t key, uint64_t ns)
{
	struct rill_item item = new_item(key, RILL_TYPE_TIMESTAMP);
	item.u64 = ns;
	return item;
}

struct rill_item item_string(uint16_t key, const char *text)
{
	return new_sized(key, RILL_TYPE_STRING, text, strlen(text));
}

struct rill_item item_sized(uint16_t key, const void *bytes, size_t size)
{
	return new_sized(key, RILL_TYPE_STRING, bytes, size);
}

struct rill_item item_bytes(uint16_t key, const void *bytes, size_t size)
{
	return new_sized(key, RILL_TYPE_BYTES, bytes, size);
}

struct rill_item item_ip(uint16_t key, const char *text)
{
	unsigned char bytes[16];
	if (inet_pton(AF_INET, text, bytes) == 1)
		return new_sized(key, RILL_TYPE_IP, bytes, 4);
	cr_assert_eq(inet_pton(AF_INET6, text, bytes), 1, "%s", text);
	return new_sized(key, RILL_TYPE_IP, bytes, 16);
}

struct rill_item item_cut(struct rill_item item, uint32_t original_size)
{
	item.cut = true;
	item.original_size = original_size;
	return item;
}

/* As include/rill/static/ring.h describes a record's body, and <rill/sink.h>'s readers expect it.
 */
static struct rill_item encode(uint16_t key, uint8_t type, uint32_t event,
			       const struct rill_item *items, uint32_t count)
{
	size_t tags = 8, words = 8 + ((4u * count + 7u) & ~7u), tail = words + 8u * count;
	size_t size = tail;
	for (uint32_t i = 0; i < count; i++)
		size += items[i].bytes && (items[i].type != RILL_TYPE_IP || items[i].size == 16)
				? items[i].size
				: 0;
	size = (size + 7) & ~(size_t)7;
	unsigned char *to = calloc(1, size);
	memcpy(to, &event, 4);
	memcpy(to + 4, &count, 4);
	for (uint32_t i = 0; i < count; i++) {
		const struct rill_item *item = &items[i];
		uint32_t tag = (uint32_t)item->type << 16 | item->key;
		uint64_t word = item->u64;
		if (item->type == RILL_TYPE_BOOL)
			word = item->boolean;
		if (item->type == RILL_TYPE_IP) {
			word = (uint64_t)item->size << 32;
			if (item->size == 4)
				memcpy(&word, item->bytes, 4);
		} else if (item->bytes) {
			word = (uint64_t)item->original_size << 32 | item->size;
		}
		memcpy(to + tags + 4 * (size_t)i, &tag, 4);
		memcpy(to + words + 8 * (size_t)i, &word, 8);
		if (item->bytes && (item->type != RILL_TYPE_IP || item->size == 16)) {
			memcpy(to + tail, item->bytes, item->size);
			tail += item->size;
		}
	}
	struct rill_item item = new_sized(key, type, to, size);
	free(to);
	return item;
}

struct rill_item item_list(uint16_t key, const struct rill_item *elements, uint32_t count)
{
	return encode(key, RILL_TYPE_LIST, 0, elements, count);
}

struct rill_item item_event(uint16_t key, uint16_t event, const struct rill_item *items,
			    uint32_t count)
{
	return encode(key, RILL_TYPE_EVENT, event, items, count);
}

struct rill_record *new_record(uint16_t event, uint64_t time_ns, const struct rill_item *items,
			       size_t count)
{
	struct rill_record *record = calloc(1, sizeof *record);
	cr_assert_leq(count, RILL_MAX_ITEMS);
	record->catalog = &demo_catalog;
	record->event = &demo_catalog.events[event];
	record->event_id = event;
	record->time_ns = time_ns;
	record->pid = 100;
	record->tid = 101;
	record->nitems = (uint16_t)count;
	memcpy(record->items, items, count * sizeof *items);
	return record;
}

uint64_t random_u64(void)
{
	static uint64_t state = 88172645463325252u; /* Marsaglia's xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t random_number(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		9,
		10,
		999,
		1000,
		999999,
		1000000,
		999999999,
		1000000000,
		59999999999,
		60000000000,
		3600000000000,
		UINT64_MAX,
		INT64_MAX,
		(uint64_t)INT64_MIN,
		1ull << 53,
		(1ull << 53) + 1,
	};
	uint64_t r = random_u64();
	if (r & 1)
		return edges[(r >> 8) % (sizeof edges / sizeof edges[0])];
	return random_u64() >> (r >> 8 & 63);
}

static struct rill_item random_string(uint16_t key)
{
	static const char *const pieces[] = {
		"",
		"word",
		"a b",
		"\n2026-01-01T00:00:00.000000000Z INFO  forged",
		"\"",
		"\\",
		"\x1b[2J",
		"\302\23331m",
		"\xff",
		"\xc3",
		"\xe2\x80\xae",
		"\xe2\x80\xa8",
		"5",
		"-",
		"none",
		"0x00",
		"\t",
		"\x7f",
		"\xed\xa0\x80",
		"\xf0\x9f\x98\x80",
		"\xef\xbf\xbf",
		"::1",
		"1.5",
		"]}, \"x\":1",
		"=",
		"|",
		"->",
		"\xef\xbf\xbd",
		"\xf3\xa0\x80\x81",
		"...(cut, 5 bytes)",
	};
	char text[512];
	size_t size = 0;
	for (uint64_t n = random_u64() % 5; n > 0; n--) {
		const char *piece = pieces[random_u64() % (sizeof pieces / sizeof pieces[0])];
		memcpy(text + size, piece, strlen(piece));
		size += strlen(piece);
		if (random_u64() % 8 == 0)
			text[size++] = (char)random_u64(); /* also NUL */
	}
	return item_sized(key, text, size);
}

static double random_double(void)
{
	static const double edges[] = {0.0,
				       -0.0,
				       1.0,
				       0.1,
				       1e21,
				       1e22,
				       1e-5,
				       1e-6,
				       5e-324,
				       1.7976931348623157e308,
				       123456.789,
				       2.2250738585072014e-308,
				       9007199254740993.0,
				       1e300,
				       0.3};
	if (random_u64() % 2)
		return edges[random_u64() % (sizeof edges / sizeof edges[0])];
	uint64_t bits = random_u64();
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static struct rill_item random_scalar(uint16_t key)
{
	unsigned char bytes[16];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(random_u64() % 3 ? random_u64() : 0);
	switch (random_u64() % 10) {
	case 0:
		return item_none(key);
	case 1:
		return item_bool(key, random_u64() % 2);
	case 2:
		return item_u64(key, random_number());
	case 3:
		return item_i64(key, (int64_t)random_number());
	case 4:
		return item_f64(key, random_double());
	case 5:
		return item_duration(key, (int64_t)random_number());
	case 6:
		return item_timestamp(key, random_number());
	case 7:
		return item_bytes(key, bytes, random_u64() % 17);
	case 8:
		return new_sized(key, RILL_TYPE_IP, bytes, random_u64() % 2 ? 4 : 16);
	default:
		return random_string(key);
	}
}

struct rill_item random_item(uint16_t key, unsigned depth)
{
	struct rill_item items[DEMO_KEYS];
	uint64_t kind = random_u64() % 8;
	uint32_t count = (uint32_t)(random_u64() % 5);
	if (depth >= 4 || kind > 1)
		return random_scalar(key);
	for (uint32_t i = 0; i < count; i++)
		items[i] = random_item(kind ? 0 : (uint16_t)(ANY_KEY - i), depth + 1);
	return kind ? item_list(key, items, count) : item_event(key, CAUSE, items, count);
}

struct sink *open_sink(const char *spec)
{
	char error[512] = "";
	struct sink *sink = NULL;
	cr_assert_eq(sink_open(&sink, spec, error, sizeof error), 0, "%s", error);
	return sink;
}

void write_entries(struct sink *sink, const struct rill_entry *entries, size_t count)
{
	struct rill_batch batch = {entries, count, demo_catalogs};
	sink_write(sink, &batch);
}

void write_record(struct sink *sink, const struct rill_record *record)
{
	struct rill_entry entry = {record, NULL};
	write_entries(sink, &entry, 1);
}

char *render_entries(const char *type, const char *options, const struct rill_entry *entries,
		     size_t count)
{
	char *folder = folder_make();
	char *path = format("%s/log", folder);
	struct sink *sink = open_sink(format("%s:%s%s", type, path, options));
	write_entries(sink, entries, count);
	sink_close(sink);
	char *text = file_load(path, NULL);
	folder_remove(folder);
	return text;
}

#define T0 UINT64_C(1767225599123456789) /* 2025-12-31T23:59:59.123456789Z */

static struct rill_span *new_span(size_t type, uint64_t id, const struct rill_span *parent)
{
	struct rill_span *span = calloc(1, sizeof *span);
	span->catalog = &demo_catalog;
	span->span = &spans[type];
	span->parent = parent;
	span->id = id;
	span->parent_id = parent ? parent->id : 0;
	span->trace_id[0] = 0x0123456789abcdef;
	span->trace_id[1] = 0xfedcba9876543210;
	span->start_ns = T0;
	span->pid = 100;
	return span;
}

size_t story(const struct rill_entry **entries)
{
	static struct rill_entry list[16];
	static struct rill_item start[3], end[3], inner[2];
	size_t n = 0;
	struct rill_span *open = new_span(0, 0x1f, NULL), *tick = new_span(1, UINT64_MAX, open);
	struct rill_span *ended = new_span(0, 0x1f, NULL), *lost = new_span(1, UINT64_MAX, open);
	struct rill_span *headless = new_span(0, 0x2a, NULL);
	struct rill_record *r;
	start[0] = item_u64(ID_KEY, UINT64_MAX);
	start[1] = item_ip(IP_KEY, "2001:db8::25");
	start[2] = item_bool(BOOL_KEY, true);
	end[0] = start[0];
	end[1] = item_duration(DURATION_KEY, 1234567890);
	end[2] = item_bool(BOOL_KEY, false);
	inner[0] = start[0];
	inner[1] = item_string(STRING_KEY, "inner");
	open->start_items = ended->start_items = start;
	open->nstart_items = ended->nstart_items = 3;
	tick->start_items = lost->start_items = inner;
	tick->nstart_items = lost->nstart_items = 2;
	ended->end_items = headless->end_items = end;
	ended->nend_items = headless->nend_items = 3;

	r = new_record(CONNECT, T0, start, 3);
	r->span = open;
	list[n++].record = r;
	r = RECORD(STEP, T0 + 1500, item_u64(ID_KEY, UINT64_MAX),
		   item_string(STRING_KEY, "mx.example.org"), item_duration(DURATION_KEY, 1234567),
		   item_u64(U64_KEY, 4096));
	r->span = open;
	list[n++].record = r;
	r = RECORD(WARNING, T0 + 900, item_string(ANY_KEY, "5"), item_u64(ANY_KEY, 5),
		   item_i64(I64_KEY, -5), item_f64(F64_KEY, 0.1), item_timestamp(TIMESTAMP_KEY, 1),
		   item_bytes(BYTES_KEY, "\x00\xff", 2), item_none(NONE_KEY),
		   item_sized(STRING_KEY, "caf\xc3\xa9 \xff\n", 8));
	r->span = tick;
	r->late = true;
	list[n++].record = r;
	r = RECORD(
		CAUSE, T0 + 1000000000,
		EVENT(EVENT_KEY, CAUSE, item_string(STRING_KEY, "no answer"), item_u64(ANY_KEY, 5)),
		LIST(LIST_KEY, item_string(0, "a@example.org"), item_string(0, "b c")),
		LIST(ANY_KEY, item_u64(0, 100), item_duration(0, 3600000000000)),
		item_cut(item_string(STRING_KEY, "the beginning"), 70000));
	list[n++].record = r;
	r = RECORD(ODD, 0, item_string(ODD_KEY, "\x1b]0;title\a \xe2\x80\xaetxt.exe"),
		   item_u64(77, 1));
	list[n++].record = r;
	lost->state = RILL_SPAN_ABANDONED;
	lost->nevents = 1;
	lost->end_ns = T0 + 5;
	list[n++].span = lost;
	ended->state = RILL_SPAN_ENDED;
	ended->nevents = 12;
	ended->end_ns = T0 + 1234567890;
	list[n++].span = ended;
	headless->state = RILL_SPAN_HEADLESS;
	headless->nevents = 1;
	headless->end_ns = headless->start_ns;
	list[n++].span = headless;
	*entries = list;
	return n;
}
