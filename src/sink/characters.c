#include "sink/render.h"

#include <string.h>

size_t utf8_write(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

const char *level_name(unsigned level)
{
	static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
	return level < sizeof names / sizeof names[0] ? names[level] : "off";
}

const char *type_name(unsigned type)
{
	static const char *const names[RILL_TYPE_COUNT] = {
		[RILL_TYPE_NONE] = "none",
		[RILL_TYPE_BOOL] = "bool",
		[RILL_TYPE_U64] = "u64",
		[RILL_TYPE_I64] = "i64",
		[RILL_TYPE_F64] = "f64",
		[RILL_TYPE_DURATION] = "duration",
		[RILL_TYPE_TIMESTAMP] = "timestamp",
		[RILL_TYPE_STRING] = "string",
		[RILL_TYPE_BYTES] = "bytes",
		[RILL_TYPE_IP] = "ip",
		[RILL_TYPE_LIST] = "list",
		[RILL_TYPE_EVENT] = "event",
	};
	return type < RILL_TYPE_COUNT ? names[type] : "none";
}

const struct rill_catalog_key *find_key(const struct rill_catalog *catalog, uint16_t key)
{
	return catalog && key < catalog->nkeys ? &catalog->keys[key] : NULL;
}

bool items_equal(const struct rill_item *a, const struct rill_item *b)
{
	if (a->key != b->key || a->type != b->type || a->size != b->size ||
	    a->original_size != b->original_size)
		return false;
	switch (a->type) {
	case RILL_TYPE_NONE:
		return true;
	case RILL_TYPE_BOOL:
		return a->boolean == b->boolean;
	case RILL_TYPE_U64:
	case RILL_TYPE_TIMESTAMP:
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
	case RILL_TYPE_F64:
		return a->u64 == b->u64;
	default:
		return a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0;
	}
}
