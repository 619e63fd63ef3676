/* rill tail: the end of a trace, and what is added to it. And the bar of what takes long. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "../support/streams.h"
#include "cli/progress.h"
#include "dump/dump.h"

#define NANOSECONDS UINT64_C(1700000000000000000)

static const char *const environment[] = {"LC_ALL=C.UTF-8", "TZ=UTC", NULL};

/* A dump that is being written. */
struct traced {
	struct dump_writer *writer;
	uint64_t position;
	uint64_t ns;
};

static struct traced begin_dump(const char *folder, uint32_t pid)
{
	struct traced traced = {.ns = pid};
	struct dump_process process = {
		.pid = pid, .id = {pid, 6}, .start_ns = NANOSECONDS, .program = "x"};
	const struct clock_point clock = {0, NANOSECONDS, (uint64_t)1 << 32, 0, 0};
	char error[256];
	cr_assert_eq(dump_create(&traced.writer, folder, &process, error, sizeof error), 0, "%s",
		     error);
	cr_assert_eq(dump_put_catalog(traced.writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(traced.writer, &clock), 0);
	return traced;
}

/* A connection: start, work, and its end unless it stays open. Four lines or two. */
static void put_connection(struct traced *traced, uint64_t id, bool open)
{
	static const uint16_t events[] = {EVENT_CONN_START, EVENT_WORK, EVENT_CONN_END};
	struct slot slot = slot_u64(KEY_ID, id);
	for (size_t i = 0; i < (open ? 2 : 3); i++) {
		unsigned char bytes[256];
		traced->ns += 1000;
		size_t size = record_put(bytes, traced->ns, 0, events[i], &slot, 1);
		struct dump_chunk chunk = {1, 71, traced->position, traced->position + size};
		cr_assert_eq(chunk_put(traced->writer, &chunk, bytes), 0);
		traced->position += size;
	}
}

static size_t count(const char *text, const char *what)
{
	size_t found = 0;
	for (; (text = strstr(text, what)); text += strlen(what))
		found++;
	return found;
}

static char *said(const char *folder, const char *arguments, int code)
{
	struct run_options options = {.directory = folder, .env = environment};
	struct run_result r = RUN(&options, "sh", "-c", format("%s %s", built("rill"), arguments));
	cr_expect_eq(r.code, code, "%s: %s", arguments, r.err);
	return r.out;
}

Test(tail, the_last_lines_of_what_cat_prints)
{
	char *folder = folder_make();
	struct traced traced = begin_dump(folder, 1);
	for (uint64_t i = 0; i < 400; i++)
		put_connection(&traced, i, false);
	cr_assert_eq(dump_close(traced.writer), 0);
	static const unsigned counts[] = {1, 3, 10, 300, 5000};
	for (size_t i = 0; i < 5; i++)
		cr_expect_str_eq(said(folder, format("tail -n %u .", counts[i]), 0),
				 said(folder, format("cat . | tail -n %u", counts[i]), 0));
	cr_expect_eq(count(said(folder, "tail .", 0), "\n"), 10);
	cr_expect_str_empty(said(folder, "tail -n 0 .", 0));
	cr_expect_str_eq(said(folder, "tail -n 7 --format=json -w 'id < 100 && conn.work' .", 0),
			 said(folder, "grep -fjson 'id < 100 && conn.work' . | tail -n 7", 0));
	cr_expect_str_empty(said(folder, "tail -k id=x .", 1));
	said(folder, "tail -n x .", 2);
	said(folder, "tail", 2);
	said(folder, "tail -w 'id =' .", 2);
}

Test(tail, an_open_span_is_no_line_of_the_end)
{
	char *folder = folder_make();
	struct traced traced = begin_dump(folder, 1);
	put_connection(&traced, 1, false);
	put_connection(&traced, 2, true);
	cr_assert_eq(dump_close(traced.writer), 0);
	char *out = said(folder, "tail .", 0);
	cr_expect_eq(count(out, "\n"), 6, "%s", out);
	cr_expect_eq(count(out, "abandoned"), 0);
}

static char *read_until(FILE *out, char *text, const char *wanted)
{
	uint64_t end = now_ms() + 20000;
	char piece[4096];
	while (now_ms() < end && !strstr(text, wanted)) {
		ssize_t size = read(fileno(out), piece, sizeof piece - 1);
		if (size <= 0)
			break;
		piece[size] = 0;
		text = format("%s%s", text, piece);
	}
	return text;
}

Test(tail, follows_what_is_written_and_new_files, .timeout = 60)
{
	char *folder = folder_make();
	struct traced first = begin_dump(folder, 1);
	for (uint64_t i = 100; i < 120; i++)
		put_connection(&first, i, false);
	put_connection(&first, 200, true);
	FILE *out = popen(format("cd %s && exec timeout 40 %s tail -n 2 -f --exit-at-end . 2>&1",
				 folder, built("rill")),
			  "r");
	cr_assert(out);
	char *text = read_until(out, "", "id=200 [1/71");
	text = read_until(out, text, "conn.work");
	cr_expect_eq(count(text, "\n"), 2, "%s", text);
	put_connection(&first, 300, false);
	text = read_until(out, text, "conn.end");
	struct traced second = begin_dump(folder, 2);
	put_connection(&second, 400, false);
	text = read_until(out, text, "id=400 [2 ");
	put_connection(&first, 301, false);
	/* The last of a process is printed, and then there is nobody left. */
	put_connection(&second, 401, false);
	cr_assert_eq(dump_close(second.writer), 0);
	cr_assert_eq(dump_close(first.writer), 0);
	text = read_until(out, text, "this never comes");
	cr_expect_eq(pclose(out), 0, "%s", text);
	cr_expect_eq(count(text, "\n"), 2 + 4 * 4, "%s", text);
	cr_expect_eq(count(text, "SPAN"), 4);
	cr_expect_eq(count(text, "[2/71 conn"), 6);
	cr_expect_eq(count(text, "3 events: id=301"), 1);
}

/* What stands on the terminal after this was done with the bar. */
static char *on_terminal(void (*act)(void), bool piped)
{
	int master, terminal, pipes[2], err = dup(STDERR_FILENO), out = dup(STDOUT_FILENO);
	static char text[65536];
	struct winsize size = {24, 80, 0, 0};
	cr_assert_eq(openpty(&master, &terminal, NULL, NULL, &size), 0);
	cr_assert_eq(pipe(pipes), 0);
	fflush(stdout);
	fflush(stderr);
	setenv("TERM", "xterm", 1);
	dup2(terminal, STDERR_FILENO);
	dup2(piped ? pipes[1] : terminal, STDOUT_FILENO);
	act();
	fflush(stderr);
	dup2(err, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	fcntl(master, F_SETFL, O_NONBLOCK);
	ssize_t got = read(master, text, sizeof text - 1);
	text[got < 0 ? 0 : got] = 0;
	close(master);
	close(terminal);
	return text;
}

static void act_long(void)
{
	progress_begin();
	progress_show(1 << 20, 4 << 20);
	sleep_ms(1050);
	progress_show(2 << 20, 4 << 20);
	progress_show(3 << 20, 4 << 20); /* too soon */
	progress_hide();
	progress_show(3 << 20, 4 << 20); /* something was printed just now */
	progress_end();
}

Test(progress, a_bar_after_a_second)
{
	char *text = on_terminal(act_long, false);
	cr_expect(strstr(text, "#####.."), "%s", text);
	cr_expect(strstr(text, " 50 %  2.0 MiB of 4.0 MiB, left: 1.000 s\x1b[K"), "%s", text);
	cr_expect_eq(count(text, "%"), 1, "%s", text);
	/* Nothing of it is left. */
	cr_expect_str_eq(text + strlen(text) - 4, "\r\x1b[K");
	cr_expect_str_empty(on_terminal(act_long, true));
}

static void act_interrupted(void)
{
	pid_t child = fork();
	if (!child) {
		progress_begin();
		sleep_ms(1050);
		progress_show(1, 2);
		raise(SIGINT);
		_exit(1);
	}
	int status;
	waitpid(child, &status, 0);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

Test(progress, an_interrupt_leaves_a_clean_line)
{
	char *text = on_terminal(act_interrupted, false);
	cr_expect(strstr(text, "50 %"), "%s", text);
	cr_expect_str_eq(text + strlen(text) - 4, "\r\x1b[K");
}
