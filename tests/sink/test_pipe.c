/* Pipes whose readers stop, leave, and come back: nobody waits, nobody dies, all is counted. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/entries.h"
#include "../support/files.h"
#include "../support/streams.h"

Test(pipe, a_reader_that_stops_delays_nobody)
{
	char *folder = folder_make(), *diagnostics = capture_diagnostics(folder);
	int reader;
	char *fifo = make_fifo(folder, &reader);
	struct sink *stuck = open_sink(format("json:%s?queue=64KiB", fifo));
	struct sink *other = open_sink(format("json:%s/log", folder));
	struct sink_totals totals;
	struct rill_record *record = step(100);
	uint64_t start = now_ms();
	for (int i = 0; i < 5000; i++) {
		write_record(stuck, record);
		write_record(other, record);
	}
	cr_expect_lt(now_ms() - start, 3000, "took %zu ms", (size_t)(now_ms() - start));
	sink_totals(other, &totals);
	cr_expect_eq(totals.records.written, 5000);
	sink_totals(stuck, &totals);
	cr_expect_gt(totals.records.failed, 4000);
	cr_expect_eq(totals.records.written + totals.records.failed, 5000);
	start = now_ms();
	cr_expect_eq(sink_flush(stuck), -ETIMEDOUT);
	cr_expect_lt(now_ms() - start, 1000);
	size_t torn, written = (size_t)totals.records.written;
	cr_expect_eq(count_lines(drain(reader, 300), &torn), written);
	cr_expect_eq(torn, 0);
	cr_expect_eq(sink_flush(stuck), 0);
	sink_totals(stuck, &totals);
	cr_expect_eq(totals.records.written, written);
	/* The reader is back: all is well, and the next outage is told again. */
	cr_expect_eq(count_text(file_load(diagnostics, NULL), "its queue is full"), 1);
	write_record(stuck, record);
	cr_expect_eq(count_lines(drain(reader, 100), &torn), 1);
	for (int i = 0; i < 5000; i++)
		write_record(stuck, record);
	cr_expect_eq(count_text(file_load(diagnostics, NULL), "its queue is full"), 2);
	close(reader);
	sink_close(stuck);
	sink_close(other);
	folder_remove(folder);
}

Test(pipe, closing_does_not_wait_for_a_stuck_reader_for_ever)
{
	char *folder = folder_make();
	int reader;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s?queue=1MiB", fifo));
	struct rill_record *record = step(100);
	for (int i = 0; i < 2000; i++)
		write_record(sink, record);
	uint64_t start = now_ms();
	sink_close(sink);
	uint64_t took = now_ms() - start;
	cr_expect(took >= 1900 && took < 4000, "took %zu ms", (size_t)took);
	/* The thread is left in its write; when the reader goes on it ends and frees what it has.
	 */
	size_t torn, lines = count_lines(drain(reader, 300), &torn);
	cr_expect(lines > 0 && lines < 2000, "%zu", lines);
	folder_remove(folder);
}

Test(pipe, closing_writes_what_is_queued)
{
	char *folder = folder_make();
	int reader;
	char *fifo = make_fifo(folder, &reader);
	struct rill_record *record = step(100);
	size_t torn;
	pid_t pid = fork();
	if (pid == 0) {
		struct sink *sink = open_sink(format("json:%s", fifo));
		for (int i = 0; i < 5000; i++)
			write_record(sink, record);
		sink_close(sink);
		_exit(0);
	}
	cr_expect_eq(count_lines(drain(reader, 500), &torn), 5000);
	waitpid(pid, NULL, 0);
	folder_remove(folder);
}

Test(pipe, a_reader_that_leaves_kills_nobody_and_may_come_back)
{
	char *folder = folder_make(), *diagnostics = capture_diagnostics(folder);
	int reader;
	size_t torn;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s", fifo));
	struct sink_totals totals;
	struct rill_record *record = step(100);
	signal(SIGPIPE, SIG_DFL);
	close(reader);
	for (int i = 0; i < 10; i++) {
		write_record(sink, record);
		cr_expect_eq(sink_flush(sink), -EIO);
	}
	sink_totals(sink, &totals);
	cr_expect_eq(totals.records.failed, 10);
	cr_expect_eq(totals.records.written, 0);
	cr_expect_eq(count_text(file_load(diagnostics, NULL), "Broken pipe"), 1);
	reader = open(fifo, O_RDONLY | O_NONBLOCK);
	write_record(sink, record);
	cr_expect_eq(sink_flush(sink), 0);
	cr_expect_eq(count_lines(drain(reader, 100), &torn), 1);
	sink_totals(sink, &totals);
	cr_expect_eq(totals.records.written, 1);
	close(reader);
	write_record(sink, record);
	sink_flush(sink);
	cr_expect_eq(count_text(file_load(diagnostics, NULL), "Broken pipe"), 2);
	sink_close(sink);
	folder_remove(folder);
}

Test(pipe, long_lines_go_through_a_pipe_whole)
{
	char *folder = folder_make();
	int reader;
	size_t torn;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s?queue=64KiB", fifo));
	struct sink_totals totals;
	write_record(sink, step(1));
	write_record(sink, step(30000));
	write_record(sink, step(70000)); /* larger than the queue */
	write_record(sink, step(1));
	char *text = drain(reader, 200);
	cr_expect_eq(count_lines(text, &torn), 3);
	cr_expect_gt(strlen(text), 30000);
	sink_totals(sink, &totals);
	cr_expect_eq(totals.records.written, 3);
	cr_expect_eq(totals.records.failed, 1);
	sink_close(sink);
	folder_remove(folder);
}

/* A small queue behind a slow reader: the queue wraps again and again, and is full at times. */
Test(pipe, lines_that_wrap_around_the_end_of_the_queue_stay_whole)
{
	char *folder = folder_make(), *text = calloc(1, 1 << 22);
	int reader;
	size_t size = 0;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s?queue=20000", fifo));
	struct sink_totals totals;
	capture_diagnostics(folder);
	for (int i = 0; i < 600; i++) {
		struct rill_record *record = step(1000 + (size_t)(i * 37 % 900));
		char *letters = (char *)(uintptr_t)record->items[0].bytes;
		memset(letters, 'a' + i % 26, record->items[0].size);
		write_record(sink, record);
		if (i < 60)
			continue; /* the pipe fills up */
		ssize_t n = read(reader, text + size, 1100);
		size += n > 0 ? (size_t)n : 0;
		sleep_ms(i % 10 == 0);
	}
	text = format("%s%s", text, drain(reader, 200));
	sink_totals(sink, &totals);
	cr_expect_gt(totals.records.failed, 0);
	cr_expect_gt(totals.records.written, 300);
	expect_unmixed(text, (size_t)totals.records.written);
	sink_close(sink);
	folder_remove(folder);
}

Test(pipe, lines_of_two_processes_in_one_pipe_do_not_mix)
{
	char *folder = folder_make();
	int reader;
	char *fifo = make_fifo(folder, &reader);
	for (int i = 0; i < 2; i++) {
		if (fork() == 0) {
			write_many(format("json:%s", fifo), (char)('a' + i), 2000);
			_exit(0);
		}
	}
	expect_unmixed(drain(reader, 500), 4000);
	while (wait(NULL) > 0)
		;
	folder_remove(folder);
}

/* In /proc of the one thread of that name. */
static char *thread_status(const char *field)
{
	char line[256], name[64] = "", value[64];
	char *found = NULL;
	FILE *list = popen(format("grep -l rill-out /proc/%d/task/*/comm", (int)getpid()), "r");
	cr_assert(list && fgets(line, sizeof line, list), "no thread is called rill-out");
	pclose(list);
	*strrchr(line, '/') = '\0';
	FILE *status = fopen(format("%s/status", line), "r");
	cr_assert(status);
	while (fgets(line, sizeof line, status)) {
		if (sscanf(line, "%63[^:]: %63s", name, value) == 2 && strcmp(name, field) == 0)
			found = format("%s", value);
	}
	fclose(status);
	cr_assert(found, "%s", field);
	return found;
}

Test(pipe, the_thread_has_a_name_blocks_all_signals_and_sleeps)
{
	char *folder = folder_make();
	int reader;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s", fifo));
	write_record(sink, step(1));
	sink_flush(sink);
	sleep_ms(50);
	/* All but SIGKILL and SIGSTOP, and the two that glibc keeps for itself. */
	cr_expect_eq(strtoull(thread_status("SigBlk"), NULL, 16), 0xfffffffe7ffbfeffu);
	char *before = thread_status("voluntary_ctxt_switches");
	sleep_ms(1000);
	cr_expect_str_eq(thread_status("voluntary_ctxt_switches"), before);
	sink_close(sink);
	folder_remove(folder);
}

Test(pipe, a_forked_child_forgets_without_a_word)
{
	char *folder = folder_make();
	int reader, status;
	size_t torn;
	char *fifo = make_fifo(folder, &reader);
	struct sink *sink = open_sink(format("json:%s", fifo));
	struct sink *file = open_sink(format("json:%s/log", folder));
	struct rill_record *record = step(100);
	for (int i = 0; i < 2000; i++)
		write_record(sink, record);
	write_record(file, record);
	pid_t pid = fork();
	if (pid == 0) {
		struct output output = sink_output(sink);
		uint64_t start = now_ms();
		output.forget(output.state);
		sink_forget(file);
		_exit(now_ms() - start < 100 ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(count_lines(drain(reader, 300), &torn), 2000);
	write_record(sink, record);
	cr_expect_eq(sink_flush(sink), 0);
	cr_expect_eq(count_lines(drain(reader, 100), &torn), 1);
	sink_close(sink);
	sink_close(file);
	cr_expect_eq(count_lines(file_load(format("%s/log", folder), NULL), &torn), 1);
	folder_remove(folder);
}
