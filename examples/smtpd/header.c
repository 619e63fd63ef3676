/* Message-ID and Received, found while the mail streams by. */
#include "header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtpd.h"

/* Keeps the text between < and >, if it is sane: printable ASCII and short enough. */
static void keep_message_id(struct header_scan *scan, const char *text)
{
	const char *open = strchr(text, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	size_t length;

	if (!close)
		return;
	length = (size_t)(close - open) - 1;
	if (length >= sizeof(scan->message_id))
		return;
	for (const char *p = open + 1; p < close; p++)
		if (*p <= ' ' || *p > '~')
			return;
	memcpy(scan->message_id, open + 1, length);
	scan->message_id[length] = '\0';
}

static void end_of_line(struct header_scan *scan)
{
	const char *line = scan->line;
	size_t length = scan->length;

	scan->line[length] = '\0';
	scan->length = 0;
	if (!length) {
		scan->done = true;
	} else if (*line == ' ' || *line == '\t') {
		if (scan->wants_id)
			keep_message_id(scan, line);
		scan->wants_id = false;
	} else if (!strncasecmp(line, "received:", 9)) {
		scan->received++;
		scan->wants_id = false;
	} else if (!strncasecmp(line, "message-id:", 11) && !scan->message_id[0]) {
		keep_message_id(scan, line + 11);
		scan->wants_id = !scan->message_id[0];
	} else {
		scan->wants_id = false;
	}
}

void header_feed(struct header_scan *scan, const char *text, size_t n)
{
	for (size_t i = 0; i < n && !scan->done; i++) {
		if (text[i] == '\n')
			end_of_line(scan);
		else if (scan->length < sizeof(scan->line) - 1)
			scan->line[scan->length++] = text[i] ? text[i] : ' ';
	}
}

void header_make_id(struct header_scan *scan, uint64_t queue_id, const char *hostname)
{
	/* Time and queue id differ from mail to mail, of all processes of a host in most cases. */
	snprintf(scan->message_id, sizeof(scan->message_id), "%" PRIx64 ".%" PRIx64 "@%.200s",
		 realtime_ns(), queue_id, hostname);
}
