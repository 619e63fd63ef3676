/* The mail server under test, and a client that says exactly what a test wants it to say. */
#ifndef TESTS_SMTP_H
#define TESTS_SMTP_H

#include <stddef.h>
#include <sys/types.h>

#define SMTP_WAIT_MS 20000 /* for a reply, a start, an end: far more than any of them takes */

struct smtp_server {
	pid_t pid;
	unsigned port;
	char dir[64]; /* a folder of its own: mail/ is the Maildir, `witness` the witness file */
};

/* Starts $BUILD/examples/smtpd with these options besides; the list ends with NULL. Fails the
 * test when the server does not come up. */
struct smtp_server smtp_start(const char *const *options);
#define SMTP_START(...) smtp_start((const char *const[]){__VA_ARGS__, NULL})

/* Closes the clients that are still open, then SIGTERM; the exit code, or -1 when it did not exit
 * by itself in time. */
int smtp_stop(struct smtp_server *server);
/* Removes the server's folder. */
void smtp_clean(struct smtp_server *server);

/* Files in a folder below the server's own ("mail/new"). */
unsigned smtp_count(const struct smtp_server *server, const char *folder);
/* The one file of that folder, NUL-terminated; to be freed. *n (or NULL): its size. */
char *smtp_only_file(const struct smtp_server *server, const char *folder, size_t *n);
/* A number of the witness's last line, by its name. */
unsigned long long smtp_total(const struct smtp_server *server, const char *name);

/* A socket, connected, to be closed with smtp_close(). The first takes the greeting too. */
int smtp_connect(const struct smtp_server *server);
int smtp_connect_raw(const struct smtp_server *server);
void smtp_close(int fd);
void smtp_send(int fd, const char *text);
void smtp_send_n(int fd, const char *text, size_t n);
/* A whole reply, all its lines; the code, or 0 at the end of the connection. */
int smtp_reply(int fd, char *text, size_t size);
/* The next reply, compared by its beginning ("250 2.1.0"). */
void smtp_expect(int fd, const char *reply);
/* Sends `line` and CRLF and expects the reply. */
void smtp_say(int fd, const char *line, const char *reply);
/* EHLO, MAIL, RCPT. */
void smtp_envelope(int fd);
/* The server closes the connection, and says nothing more before. */
void smtp_expect_end(int fd);

#endif
