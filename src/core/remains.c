/* Lines of the file `dumps`: series in 16 hexadecimal digits, level of zstd, absolute path. */
#include "core/remains.h"

#include <stdio.h>
#include <stdlib.h>

/* Bytes that would break the line, and the one that says so, as %XX. */
size_t remains_put_place(char *to, size_t size, uint64_t series, int level, const char *folder)
{
	size_t n = (size_t)snprintf(to, size, "%016llx %d ", (unsigned long long)series, level);
	for (; *folder && n + 5 < size; folder++) {
		unsigned char c = (unsigned char)*folder;
		if (c < ' ' || c == '%' || c == 127)
			n += (size_t)snprintf(to + n, size - n, "%%%02X", c);
		else
			to[n++] = (char)c;
	}
	if (*folder)
		return 0;
	to[n++] = '\n';
	return n;
}

static int from_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		bool escaped = *text == '%' && from_hex(text[1]) >= 0 && from_hex(text[2]) >= 0;
		*to++ = escaped ? (char)(16 * from_hex(text[1]) + from_hex(text[2])) : *text;
		text += escaped ? 2 : 0;
	}
	*to = 0;
}

char *remains_take_place(char *line, uint64_t *series, int *level)
{
	char *end;
	*series = strtoull(line, &end, 16);
	if (end != line + 16 || *end != ' ')
		return NULL;
	*level = (int)strtol(end, &end, 10);
	if (*end != ' ' || end[1] != '/')
		return NULL;
	unescape(end + 1);
	return end + 1;
}
