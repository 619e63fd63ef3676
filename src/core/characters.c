#include "core/characters.h"

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

bool characters_are_safe(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t c;
	for (size_t i = 0, length; i < size; i += length) {
		length = utf8_read(bytes + i, size - i, &c);
		if (!length || character_is_unsafe(c))
			return false;
	}
	return true;
}

static char *put_hex(char *to, uint32_t value, unsigned digits)
{
	while (digits--)
		*to++ = "0123456789abcdef"[value >> (4 * digits) & 15];
	return to;
}

/* How one character, or a byte that begins none, is written. Returns its bytes; *used of `to`. */
static size_t escape_one(char *to, const unsigned char *bytes, size_t size, size_t *used)
{
	static const char names[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
	uint32_t c = bytes[0];
	size_t length = utf8_read(bytes, size, &c);
	char *at = to;
	if (length && !character_is_unsafe(c)) {
		memcpy(to, bytes, length);
		*used = length;
		return length;
	}
	*at++ = '\\';
	if (c < sizeof names && names[c]) {
		*at++ = names[c];
	} else if (!length || c < 0x80) {
		*at++ = 'x';
		at = put_hex(at, c, 2);
	} else {
		*at++ = 'u';
		*at++ = '{';
		at = put_hex(at, c, c < 0x10000 ? 4 : 6);
		*at++ = '}';
	}
	*used = (size_t)(at - to);
	return length ? length : 1;
}

size_t characters_escape(char *to, size_t room, const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at = 0, last = 0; /* where "..." has still room */
	for (size_t i = 0; i < size;) {
		char one[16];
		size_t used;
		i += escape_one(one, bytes + i, size - i, &used);
		if (at + used >= room) {
			size_t dots = room - 1 - last < 3 ? room - 1 - last : 3;
			memcpy(to + last, "...", dots);
			at = last + dots;
			break;
		}
		memcpy(to + at, one, used);
		at += used;
		if (at + 3 < room)
			last = at;
	}
	to[at] = 0;
	return at;
}
