/* Data blocks of the page: columns, deflated (zlib, RFC 1950), in base64 (RFC 4648). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli/report/report.h"

static unsigned char *reserve(struct column *column, size_t size)
{
	if (column->capacity - column->size >= size)
		return column->bytes + column->size;
	size_t capacity = column->capacity ? column->capacity : 4096;
	while (capacity - column->size < size)
		capacity *= 2;
	unsigned char *longer = realloc(column->bytes, capacity);
	if (!longer) {
		column->broken = true;
		return NULL;
	}
	column->bytes = longer;
	column->capacity = capacity;
	return longer + column->size;
}

void column_number(struct column *column, uint64_t value)
{
	unsigned char *to = reserve(column, 10);
	if (!to)
		return;
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		to[size++] = (unsigned char)(value | 0x80);
	to[size++] = (unsigned char)value;
	column->size += size;
}

void column_signed(struct column *column, int64_t value)
{
	uint64_t twice = (uint64_t)value << 1;
	column_number(column, value < 0 ? ~twice : twice);
}

void column_bytes(struct column *column, const void *bytes, size_t size)
{
	unsigned char *to = reserve(column, size);
	if (!to)
		return;
	memcpy(to, bytes, size);
	column->size += size;
}

void column_text(struct column *column, const char *text)
{
	column_bytes(column, text, strlen(text));
}

static void write_base64(FILE *out, const unsigned char *from, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[4096];
	size_t used = 0;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)from[i] << 16;
		bits |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
		bits |= left > 2 ? from[i + 2] : 0;
		line[used++] = digits[bits >> 18];
		line[used++] = digits[bits >> 12 & 63];
		line[used++] = left > 1 ? digits[bits >> 6 & 63] : '=';
		line[used++] = left > 2 ? digits[bits & 63] : '=';
		if (used == sizeof line) {
			fwrite(line, 1, used, out);
			used = 0;
		}
	}
	if (used)
		fwrite(line, 1, used, out);
}

static void put_length(struct column *all, size_t size)
{
	const unsigned char bytes[4] = {
		(unsigned char)size,
		(unsigned char)(size >> 8),
		(unsigned char)(size >> 16),
		(unsigned char)(size >> 24),
	};
	column_bytes(all, bytes, sizeof bytes);
}

int block_write(FILE *out, const char *name, uint64_t number, struct column *columns,
		size_t ncolumns)
{
	struct column all = {0};
	for (size_t i = 0; i < ncolumns; i++) {
		put_length(&all, columns[i].size);
		column_bytes(&all, columns[i].bytes, columns[i].size);
		all.broken = all.broken || columns[i].broken;
		columns[i].size = 0;
	}
	uLongf size = compressBound(all.size);
	unsigned char *packed = all.broken ? NULL : malloc(size);
	int error =
		packed && compress2(packed, &size, all.bytes, all.size, 6) == Z_OK ? 0 : -ENOMEM;
	if (!error) {
		fprintf(out, "<script type=\"text/plain\" id=\"%s%" PRIu64 "\">", name, number);
		write_base64(out, packed, size);
		fputs("</script>\n", out);
	}
	free(packed);
	free(all.bytes);
	return error;
}
