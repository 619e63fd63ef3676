#include "types.h"

#include <string.h>

#include "page.h"

const char *const page_type_names[RILL_TYPE_COUNT] = {
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

const char *const page_level_names[RILL_OFF] = {
	[RILL_TRACE] = "trace", [RILL_DEBUG] = "debug", [RILL_INFO] = "info",
	[RILL_WARN] = "warn",   [RILL_ERROR] = "error",
};

static size_t type_by_name(const char *name, size_t length)
{
	size_t type = 0;

	while (type < RILL_TYPE_COUNT && (strlen(page_type_names[type]) != length ||
					  memcmp(page_type_names[type], name, length) != 0))
		type++;
	return type;
}

int types_parse(const char *text, uint16_t *types, uint8_t order[RILL_TYPE_COUNT], size_t *count,
		const char **bad, size_t *bad_length)
{
	*types = 0;
	*count = 0;
	for (;;) {
		size_t skip = strspn(text, " "), length, type;

		*bad = text + skip;
		length = strcspn(*bad, "|");
		text = *bad + length;
		while (length && (*bad)[length - 1] == ' ')
			length--;
		*bad_length = length;
		type = type_by_name(*bad, length);
		if (type == RILL_TYPE_COUNT)
			return 1;
		if (*types & (1u << type))
			return 2;
		*types = (uint16_t)(*types | 1u << type);
		order[(*count)++] = (uint8_t)type;
		if (*text == '\0')
			return 0;
		text++;
	}
}

void types_print(struct buffer *b, const uint8_t *order, size_t count, const char *between,
		 const char *last)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_puts(b, i + 1 == count ? last : between);
		buffer_puts(b, page_type_names[order[i]]);
	}
}
