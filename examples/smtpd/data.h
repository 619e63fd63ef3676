/*
 * The text after DATA: finds its end, removes the dots that the client stuffed, turns CRLF into
 * the LF of a file (RFC 5321, section 4.5.2).
 *
 * Only <CRLF>.<CRLF> ends a mail. A bare LF is not the end of a line: a dot after it neither ends
 * the mail nor is removed, so nobody can smuggle a second mail behind the back of a relay that
 * thinks otherwise. Such a mail is marked `bare_lf`, and the server refuses it.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum data_state {
	DATA_LINE_START,
	DATA_IN_LINE,
	DATA_CR,     /* <CR> seen, held back */
	DATA_DOT,    /* dot at the start of a line, held back */
	DATA_DOT_CR, /* <dot><CR> at the start of a line, held back */
	DATA_END,
};

struct data_parser {
	enum data_state state; /* DATA_LINE_START at first: the CRLF of the command counts */
	bool bare_lf;
	bool bare_cr;  /* text to us, but no mail to hand on: RFC 5321, section 2.3.8 */
	uint64_t size; /* octets so far, with CRLF, without stuffed dots and the end */
};

/* What data_feed() may write for `n` octets: what it held back comes on top. */
#define DATA_OUT_SIZE(n) ((n) + 2)

/* Takes up to `n` octets and returns how many; less than `n` only when the end was found (state
 * DATA_END). Writes *out_n octets of text to `out`. */
size_t data_feed(struct data_parser *parser, const char *in, size_t n, char *out, size_t *out_n);

#endif
