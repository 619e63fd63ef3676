#include "utf8.h"

size_t utf8_decode(const char *data, size_t size_bytes, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)data;
	size_t length;
	uint32_t c;

	if (p[0] < 0x80) {
		*character = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > size_bytes)
		return 0;
	c = p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return length;
}

const char *utf8_refusal(uint32_t character)
{
	if (character == '\t' || character == '\n')
		return NULL;
	if (character == 0)
		return "a NUL byte; this is not a text file";
	if (character < 0x20 || (character >= 0x7f && character <= 0x9f))
		return "a control character; remove it";
	if ((character >= 0x202a && character <= 0x202e) ||
	    (character >= 0x2066 && character <= 0x2069))
		return "a character that reorders text (bidirectional control); remove it";
	return NULL;
}
