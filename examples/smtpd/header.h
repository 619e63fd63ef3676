/* What the server needs from a mail's header: its Message-ID, and how often it was received. */
#ifndef SMTPD_HEADER_H
#define SMTPD_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_ID_MAX 256u
#define FIELD_MAX      320u /* how much of a field's line is kept: name and Message-ID */

struct header_scan {
	bool done;         /* the empty line was seen, or something that is no header */
	bool wants_id;     /* "Message-ID:" alone on its line: the id is on the next */
	unsigned received; /* Received: fields */
	size_t length;     /* of `line` */
	char line[FIELD_MAX];
	char message_id[MESSAGE_ID_MAX]; /* without the <>; "": none */
};

/* Text with LF line ends, in pieces of any size. */
void header_feed(struct header_scan *scan, const char *text, size_t n);
/* A Message-ID for a mail that has none (RFC 6409, section 8.3). */
void header_make_id(struct header_scan *scan, uint64_t queue_id, const char *hostname);

#endif
