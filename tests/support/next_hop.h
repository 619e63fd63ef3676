/* A mail server that says what a test wants it to say: the next hop of a relay. */
#ifndef TESTS_NEXT_HOP_H
#define TESTS_NEXT_HOP_H

#include <pthread.h>
#include <stdbool.h>

/* Replies by command; NULL: what a good server says, "": closes the connection, HOP_SILENT: says
 * nothing until the other side has closed. */
#define HOP_SILENT "silence"

struct hop_script {
	const char *greeting;
	const char *ehlo;
	const char *helo;
	const char *mail;
	const char *rcpt;
	const char *data;
	const char *text; /* before the text is read: for "", in the middle of it */
	const char *end;
	unsigned times; /* for the first connections; 0: for all */
};

struct hop {
	struct hop_script script;
	pthread_t thread;
	int listen_fd;
	unsigned port;
	char address[32]; /* for --relay */
	/* Of the thread, until hop_stop(). */
	unsigned connections;
	unsigned quits;
	unsigned mails;
	char commands[8192]; /* all lines but those of a text, LF at the end of each */
	char text[65536];    /* of the last mail, as it came */
};

void hop_start(struct hop *hop, const struct hop_script *script);
void hop_stop(struct hop *hop);

#endif
