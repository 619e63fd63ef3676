#include "sink/render.h"

#include <string.h>

size_t utf8_read(const unsigned char *bytes, size_t size, uint32_t *character)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length;
	if (!size)
		return 0;
	if (bytes[0] < 0x80) {
		*character = bytes[0];
		return 1;
	}
	if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf)
		length = 2;
	else if (bytes[0] >= 0xe0 && bytes[0] <= 0xef)
		length = 3;
	else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > size)
		return 0;
	uint32_t c = bytes[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3fu);
	}
	if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return length;
}

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

bool character_is_unsafe(uint32_t c)
{
	/* Pairs of first and last. Zero-width joiner and non-joiner are not here: scripts and emoji
	 * need them, and they move nothing. */
	static const uint32_t ranges[][2] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e},
		{0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};
	if (c >= 0x20 && c < 0x7f)
		return false;
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	}
	return (c & 0xfffe) == 0xfffe;
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
