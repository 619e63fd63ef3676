/* Where lines go when things go wrong with files: full disks, torn lines, missing rights. */
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
#include <unistd.h>

#include "../support/entries.h"
#include "../support/files.h"
#include "../support/streams.h"

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
