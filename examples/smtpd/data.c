/* The text after DATA. */
#include "data.h"

/* One octet that is neither held back nor the end. Returns where the next one goes. */
static char *plain(struct data_parser *parser, char c, char *to)
{
	if (c == '\r') {
		parser->state = DATA_CR;
		return to;
	}
	if (c == '\n')
		parser->bare_lf = true;
	parser->state = DATA_IN_LINE;
	parser->size++;
	*to++ = c;
	return to;
}

static char *step(struct data_parser *parser, char c, char *to)
{
	switch (parser->state) {
	case DATA_LINE_START:
		if (c != '.')
			return plain(parser, c, to);
		parser->state = DATA_DOT;
		return to;
	case DATA_IN_LINE:
		return plain(parser, c, to);
	case DATA_CR:
		if (c == '\n') {
			parser->state = DATA_LINE_START;
			parser->size += 2;
			*to++ = '\n';
			return to;
		}
		parser->size++;
		parser->bare_cr = true;
		*to++ = '\r';
		return plain(parser, c, to);
	case DATA_DOT:
		if (c == '\r') {
			parser->state = DATA_DOT_CR;
			return to;
		}
		return plain(parser, c, to); /* the dot was stuffed */
	case DATA_DOT_CR:
		if (c == '\n') {
			parser->state = DATA_END;
			return to;
		}
		parser->size++; /* the dot was stuffed, the <CR> is text */
		parser->bare_cr = true;
		*to++ = '\r';
		return plain(parser, c, to);
	case DATA_END:
		break;
	}
	return to;
}

size_t data_feed(struct data_parser *parser, const char *in, size_t n, char *out, size_t *out_n)
{
	char *to = out;
	size_t i = 0;

	while (i < n && parser->state != DATA_END)
		to = step(parser, in[i++], to);
	*out_n = (size_t)(to - out);
	return i;
}
