/* Where lines go when things go wrong: full disks, readers that stop, readers that leave. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/entries.h"
#include "../support/files.h"

#define TORN " (torn)"

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

/* A FIFO and its reading end, which nobody reads yet. */
static char *make_fifo(const char *folder, int *reader)
{
	char *path = format("%s/fifo", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	*reader = open(path, O_RDONLY | O_NONBLOCK);
	cr_assert_geq(*reader, 0);
	return path;
}

/* Everything that comes until nothing has come for `quiet_ms`. */
static char *drain(int reader, long quiet_ms)
{
	size_t size = 0, capacity = 1 << 24;
	char *text = malloc(capacity);
	for (uint64_t end = now_ms() + (uint64_t)quiet_ms; now_ms() < end;) {
		ssize_t n = read(reader, text + size, capacity - size - 1);
		if (n > 0) {
			size += (size_t)n;
			end = now_ms() + (uint64_t)quiet_ms;
		} else {
			sleep_ms(1);
		}
	}
	text[size] = '\0';
	return text;
}

/* Lines that are whole: {"kind":"event" ... }. */
static size_t count_lines(const char *text, size_t *torn)
{
	size_t count = 0;
	*torn = 0;
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		cr_assert_eq(line[length], '\n', "the last line has no end: %s", line);
		if (length > sizeof TORN &&
		    strncmp(line + length - sizeof TORN + 1, TORN, sizeof TORN - 1) == 0) {
			++*torn;
		} else {
			cr_assert_eq(strncmp(line, "{\"kind\":\"", 9), 0, "%.*s", (int)length,
				     line);
			cr_assert_eq(strncmp(line + length - 2, "}}", 2), 0, "%.*s", (int)length,
				     line);
			count++;
		}
		line += length + 1;
	}
	return count;
}

/* Each line's hostname holds one letter only. */
static void expect_unmixed(const char *text, size_t count)
{
	size_t torn;
	cr_expect_eq(count_lines(text, &torn), count);
	cr_expect_eq(torn, 0);
	for (const char *p = text; (p = strstr(p, "hostname\":\"")); p++) {
		const char *value = p + 11;
		cr_assert_eq(value[strspn(value, (char[]){*value, '\0'})],
			     *value == '"' ? '}' : '"', "%.300s", p);
	}
}

/* What rill says while the test runs, when stderr is this file. */
static char *capture_diagnostics(const char *folder)
{
	char *path = format("%s/stderr", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	cr_assert_geq(fd, 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return path;
}

static size_t count_text(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

static struct rill_record *step(size_t padding)
{
	char *text = malloc(padding + 1);
	memset(text, 'x', padding);
	text[padding] = '\0';
	return RECORD(STEP, 1, item_string(STRING_KEY, text));
}

Test(out, a_reader_that_stops_delays_nobody)
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

Test(out, closing_does_not_wait_for_a_stuck_reader_for_ever)
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

Test(out, closing_writes_what_is_queued)
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

Test(out, a_reader_that_leaves_kills_nobody_and_may_come_back)
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

Test(out, long_lines_go_through_a_pipe_whole)
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
Test(out, lines_that_wrap_around_the_end_of_the_queue_stay_whole)
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

/* Writes until the device is full, makes room by `relieve`, writes again. */
static void fill_and_relieve(const char *folder, const char *path, void (*relieve)(const char *))
{
	char *diagnostics = capture_diagnostics(folder);
	struct sink *sink = open_sink(format("json:%s", path));
	struct sink_totals totals;
	size_t torn;
	for (int i = 0; i < 300; i++)
		write_record(sink, step(700 + (size_t)i % 13));
	sink_totals(sink, &totals);
	cr_expect_gt(totals.records.failed, 0);
	cr_expect_gt(totals.records.written, 0);
	cr_expect_eq(totals.records.written + totals.records.failed, 300);
	relieve(path);
	for (int i = 0; i < 10; i++)
		write_record(sink, step(50));
	sink_totals(sink, &totals);
	sink_close(sink);
	size_t lines = count_lines(file_load(path, NULL), &torn);
	cr_expect_eq(lines, totals.records.written, "%zu lines, %zu written", lines,
		     (size_t)totals.records.written);
	cr_expect_eq(torn, 1);
	cr_expect_eq(totals.records.written + totals.records.failed, 310);
	cr_expect_eq(count_text(file_load(diagnostics, NULL), "counted as failed"), 1);
}

static void raise_limit(const char *path)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	(void)path;
	setrlimit(RLIMIT_FSIZE, &limit);
}

Test(out, a_line_that_the_size_limit_tears_is_marked)
{
	char *folder = folder_make();
	struct rlimit limit = {100001, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN); /* the collector blocks it */
	setrlimit(RLIMIT_FSIZE, &limit);
	fill_and_relieve(folder, format("%s/log", folder), raise_limit);
	folder_remove(folder);
}

static void remove_ballast(const char *path)
{
	unlink(format("%s.ballast", path));
}

/* odygrd/quill#919: a full disk became a SIGSEGV. */
Test(out, a_full_disk_is_survived_and_the_torn_line_marked)
{
	char *folder = folder_make(), *disk = format("%s/disk", folder);
	char ballast[16384] = {0};
	mkdir(disk, 0700);
	if (mount("rill", disk, "tmpfs", 0, "size=64k") != 0)
		cr_skip("no tmpfs can be mounted here: %s", strerror(errno));
	file_store(format("%s/log.ballast", disk), ballast, sizeof ballast);
	fill_and_relieve(folder, format("%s/log", disk), remove_ballast);
	umount(disk);
	folder_remove(folder);
}

Test(out, the_line_that_a_crash_cut_is_not_glued_to_the_next)
{
	char *folder = folder_make(), *path = format("%s/log", folder);
	size_t torn;
	file_store_text(path, "{\"kind\":\"event\",\"ti");
	struct sink *sink = open_sink(format("json:%s", path));
	write_record(sink, step(1));
	write_record(sink, step(1));
	sink_close(sink);
	cr_expect_eq(count_lines(file_load(path, NULL), &torn), 2);
	cr_expect_eq(torn, 1);
	folder_remove(folder);
}

static void write_many(const char *spec, char letter, int count)
{
	struct sink *sink = open_sink(spec);
	char text[300];
	for (int i = 0; i < count; i++) {
		size_t length = (size_t)(i * 7 % 290);
		memset(text, letter, length);
		text[length] = '\0';
		write_record(sink, RECORD(STEP, 1, item_string(STRING_KEY, text)));
	}
	sink_close(sink);
}

Test(out, lines_of_two_processes_in_one_file_do_not_mix)
{
	char *folder = folder_make(), *path = format("%s/log", folder);
	for (int i = 0; i < 2; i++) {
		if (fork() == 0) {
			write_many(format("json:%s", path), (char)('a' + i), 4000);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	expect_unmixed(file_load(path, NULL), 8000);
	folder_remove(folder);
}

Test(out, lines_of_two_processes_in_one_pipe_do_not_mix)
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

Test(out, a_file_is_made_for_owner_and_group_only)
{
	char *folder = folder_make(), *path = format("%s/log", folder);
	struct stat status;
	umask(0);
	sink_close(open_sink(format("json:%s", path)));
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0640);
	folder_remove(folder);
}

Test(out, what_can_not_be_opened_says_why)
{
	char *folder = folder_make(), *fifo = format("%s/fifo", folder), error[512];
	struct sink *sink;
	mkfifo(fifo, 0600);
	cr_expect_eq(sink_open(&sink, format("json:%s", fifo), error, sizeof error), -ENXIO);
	cr_expect(strstr(error, "is a FIFO that nobody reads"), "%s", error);
	close(STDOUT_FILENO);
	cr_expect_eq(sink_open(&sink, "json:stdout", error, sizeof error), -EBADF);
	cr_expect_str_eq(error, "sink \"json:stdout\": stdout is closed");
	chmod(folder, 0700);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	else
		chmod(folder, 0500);
	cr_expect_eq(sink_open(&sink, format("json:%s/log", folder), error, sizeof error), -EACCES);
	cr_expect(strstr(error, "Permission denied"), "%s", error);
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	chmod(folder, 0700);
	folder_remove(folder);
}

Test(out, the_application_may_close_its_stderr)
{
	char *folder = folder_make(), *log = capture_diagnostics(folder);
	struct sink *sink = open_sink("json:stderr");
	close(STDERR_FILENO);
	int data = open(format("%s/data", folder), O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(data, STDERR_FILENO);
	write_record(sink, step(1));
	sink_close(sink);
	cr_expect_str_empty(file_load(format("%s/data", folder), NULL));
	cr_expect(strstr(file_load(log, NULL), "hostname"));
	close(data);
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

Test(out, the_thread_has_a_name_blocks_all_signals_and_sleeps)
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

Test(out, a_forked_child_forgets_without_a_word)
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

/* What a sink on a terminal writes with this environment. */
static char *on_terminal(const char *spec)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	int old = dup(STDOUT_FILENO);
	dup2(slave, STDOUT_FILENO);
	struct sink *sink = open_sink(spec);
	dup2(old, STDOUT_FILENO);
	fcntl(master, F_SETFL, O_NONBLOCK);
	write_record(sink, step(1));
	cr_expect_eq(sink_flush(sink), 0);
	sink_close(sink);
	char *text = drain(master, 50);
	close(slave);
	close(master);
	return text;
}

Test(out, a_terminal_has_color_unless_it_is_told_not_to)
{
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	cr_expect(strstr(on_terminal("text:stdout"), "\033["));
	cr_expect(!strstr(on_terminal("text:stdout?color=never"), "\033["));
	cr_expect(!strstr(on_terminal("json:stdout"), "\033["));
	setenv("NO_COLOR", "1", 1);
	cr_expect(!strstr(on_terminal("text:stdout"), "\033["));
	cr_expect(strstr(on_terminal("text:stdout?color=always"), "\033["));
	setenv("NO_COLOR", "", 1);
	cr_expect(strstr(on_terminal("text:stdout"), "\033["));
	setenv("TERM", "dumb", 1);
	cr_expect(!strstr(on_terminal("text:stdout"), "\033["));
}
