/* The mail server under test and its client. */
#include "smtp.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define OPTIONS_MAX 32
#define CLIENTS_MAX 1024

static int clients[CLIENTS_MAX];
static unsigned nclients;

static void path_of(const struct smtp_server *server, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", server->dir, name);
}

static void nap(void)
{
	usleep(5000);
}

/* The port, when the server has written it. */
static void wait_for_port(struct smtp_server *server, const char *path)
{
	for (unsigned waited = 0; waited < SMTP_WAIT_MS; waited += 5) {
		FILE *file = fopen(path, "r");
		int found = 0;

		if (file) {
			found = fscanf(file, "%u", &server->port);
			fclose(file);
		}
		if (found == 1)
			return;
		cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "the server ended at once");
		nap();
	}
	cr_assert_fail("the server did not start");
}

struct smtp_server smtp_start(const char *const *options)
{
	struct smtp_server server = {.dir = "/tmp/test-smtpd-XXXXXX"};
	const char *argv[OPTIONS_MAX + 16];
	char port_file[128];
	char maildir[128];
	char witness[128];
	char program[4096];
	size_t n = 0;

	cr_assert(getenv("BUILD") && mkdtemp(server.dir));
	snprintf(program, sizeof(program), "%s/examples/smtpd", getenv("BUILD"));
	path_of(&server, "port", port_file, sizeof(port_file));
	path_of(&server, "mail", maildir, sizeof(maildir));
	path_of(&server, "witness", witness, sizeof(witness));
	argv[n++] = program;
	argv[n++] = "--listen";
	argv[n++] = "127.0.0.1:0";
	argv[n++] = "--port-file";
	argv[n++] = port_file;
	argv[n++] = "--maildir";
	argv[n++] = maildir;
	argv[n++] = "--witness";
	argv[n++] = witness;
	argv[n++] = "--hostname";
	argv[n++] = "mx.test";
	for (; *options; options++) {
		cr_assert_lt(n, OPTIONS_MAX);
		argv[n++] = *options;
	}
	argv[n] = NULL;
	server.pid = fork();
	cr_assert_geq(server.pid, 0);
	if (!server.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
		const char *const *words = emulated(argv);
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	wait_for_port(&server, port_file);
	return server;
}

void smtp_close(int fd)
{
	unsigned i = 0;

	while (i < nclients && clients[i] != fd)
		i++;
	cr_assert_lt(i, nclients, "not a client's socket, or closed before");
	clients[i] = clients[--nclients];
	close(fd);
}

int smtp_stop(struct smtp_server *server)
{
	while (nclients)
		smtp_close(clients[0]);
	kill(server->pid, SIGTERM);
	for (unsigned waited = 0; waited < SMTP_WAIT_MS; waited += 5) {
		int status;

		if (waitpid(server->pid, &status, WNOHANG) == server->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		nap();
	}
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	return -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void smtp_clean(struct smtp_server *server)
{
	nftw(server->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Counts the files of a folder; the path of one of them into `last`. */
static unsigned walk(const char *path, char *last, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	cr_assert(dir, "no folder %s", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(last, size, "%s/%s", path, entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

unsigned smtp_count(const struct smtp_server *server, const char *folder)
{
	char path[256];
	char last[1024];

	path_of(server, folder, path, sizeof(path));
	return walk(path, last, sizeof(last));
}

static char *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *text;

	cr_assert(file && !fstat(fileno(file), &status), "cannot read %s", path);
	text = calloc(1, (size_t)status.st_size + 1);
	cr_assert(text && fread(text, 1, (size_t)status.st_size, file) == (size_t)status.st_size);
	fclose(file);
	if (n)
		*n = (size_t)status.st_size;
	return text;
}

char *smtp_only_file(const struct smtp_server *server, const char *folder, size_t *n)
{
	char path[256];
	char last[1024];

	path_of(server, folder, path, sizeof(path));
	cr_assert_eq(walk(path, last, sizeof(last)), 1, "not exactly one file in %s", folder);
	return read_file(last, n);
}

unsigned long long smtp_total(const struct smtp_server *server, const char *name)
{
	char path[256];
	char word[64];
	unsigned long long value;
	char *text;
	const char *at;

	path_of(server, "witness", path, sizeof(path));
	text = read_file(path, NULL);
	at = strstr(text, "total ");
	cr_assert(at, "the witness has no totals");
	snprintf(word, sizeof(word), " %s ", name);
	at = strstr(at, word);
	cr_assert(at, "the witness has no total of %s", name);
	value = strtoull(at + strlen(word), NULL, 10);
	free(text);
	return value;
}

int smtp_connect_raw(const struct smtp_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)server->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_lt(nclients, CLIENTS_MAX);
	clients[nclients++] = fd;
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int smtp_connect(const struct smtp_server *server)
{
	int fd = smtp_connect_raw(server);

	smtp_expect(fd, "220 mx.test ESMTP");
	return fd;
}

void smtp_send_n(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent < 0)
			return; /* the server has closed: what it said last is still to be read */
		text += sent;
		n -= (size_t)sent;
	}
}

void smtp_send(int fd, const char *text)
{
	smtp_send_n(fd, text, strlen(text));
}

/* A line without its CRLF; its length, or -1 at the end of the connection. */
static int read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		char c;

		cr_assert_eq(poll(&poll_fd, 1, SMTP_WAIT_MS), 1, "no reply");
		if (recv(fd, &c, 1, 0) != 1)
			return -1;
		if (c == '\n')
			break;
		cr_assert_lt(n, size - 1, "a reply that does not end");
		line[n++] = c;
	}
	cr_assert(n && line[n - 1] == '\r', "a reply without CRLF");
	line[--n] = '\0';
	return (int)n;
}

int smtp_reply(int fd, char *text, size_t size)
{
	char line[1024];

	*text = '\0';
	do {
		if (read_line(fd, line, sizeof(line)) < 0)
			return 0;
		cr_assert_lt(strlen(text) + strlen(line) + 2, size);
		strcat(strcat(text, line), "\n");
	} while (strlen(line) > 3 && line[3] == '-');
	return atoi(line);
}

void smtp_expect(int fd, const char *reply)
{
	char text[4096];

	smtp_reply(fd, text, sizeof(text));
	cr_assert_eq(strncmp(text, reply, strlen(reply)), 0, "expected `%s`, got `%s`", reply,
		     text);
}

void smtp_say(int fd, const char *line, const char *reply)
{
	char text[65536];
	int n = snprintf(text, sizeof(text), "%s\r\n", line);

	smtp_send_n(fd, text, (size_t)n); /* in one segment */
	smtp_expect(fd, reply);
}

void smtp_envelope(int fd)
{
	smtp_say(fd, "EHLO client.test", "250-mx.test");
	smtp_say(fd, "MAIL FROM:<from@client.test>", "250 2.1.0");
	smtp_say(fd, "RCPT TO:<to@mx.test>", "250 2.1.5");
}

void smtp_expect_end(int fd)
{
	char text[4096];

	cr_assert_eq(smtp_reply(fd, text, sizeof(text)), 0, "not the end, but `%s`", text);
}
