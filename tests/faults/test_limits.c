/*
 * Limits, full and missing file systems, signals that interrupt everything, and filters that forbid
 * what rill asks of the kernel (confined.c): the program comes to its end as it would without rill;
 * its trace has nothing that was not emitted, nothing twice, and what is missing was told or
 * counted.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "dump/dump.h"
#include "faults/confined.h"
#include "support/files.h"
#include "support/run.h"
#include "support/traced.h"

#define EXIT_CODE 7
#define SOURCES   100u /* threads, and the handler */
#define MOST_ARGS 16

/* What rill asks of the kernel once the program runs, itself or through the C library:
 * docs/reliability.md lists them. */
struct call {
	const char *name;
	long number;
};
#define CALL(name)                                                                                 \
	{                                                                                          \
#name, SYS_##name                                                                  \
	}
static const struct call calls[] = {CALL(clock_adjtime),
				    CALL(clock_nanosleep),
				    CALL(clone3),
				    CALL(close),
				    CALL(exit),
				    CALL(fallocate),
				    CALL(fcntl),
				    CALL(fdatasync),
				    CALL(flock),
				    CALL(fstat),
				    CALL(fsync),
				    CALL(ftruncate),
				    CALL(futex),
				    CALL(getdents64),
				    CALL(geteuid),
				    CALL(getpid),
				    CALL(getrandom),
				    CALL(gettid),
				    CALL(ioctl),
				    CALL(lseek),
				    CALL(madvise),
				    CALL(membarrier),
				    CALL(memfd_create),
				    CALL(mkdir),
				    CALL(mmap),
				    CALL(mprotect),
				    CALL(munmap),
				    CALL(newfstatat),
				    CALL(openat),
				    CALL(poll),
				    CALL(prctl),
				    CALL(pread64),
				    CALL(pwritev),
				    CALL(read),
				    CALL(readlink),
				    CALL(rmdir),

				    CALL(rt_sigpending),
				    CALL(rt_sigprocmask),
				    CALL(rt_sigtimedwait),
				    CALL(sched_get_priority_max),
				    CALL(sched_get_priority_min),
				    CALL(sched_getaffinity),
				    CALL(sched_setaffinity),
				    CALL(sched_setscheduler),
				    CALL(sched_yield),
				    CALL(set_robust_list),
				    CALL(sigaltstack),
				    CALL(uname),
				    CALL(unlink),
				    CALL(unlinkat),
				    CALL(write),
				    CALL(writev)};
#define NCALLS (sizeof calls / sizeof *calls)
/* Without these the C library itself ends the process, whoever starts a thread, takes memory or
 * waits for a lock. */
static const char *const needed[] = {"brk", "futex", "rseq"};

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

struct confined {
	char *folder;
	struct confined_page page;
	struct run_result run;
	uint64_t records;
	bool readable;
};

/* In order, each once. */
static void read_dump(struct confined *confined, const char *what)
{
	uint64_t next[SOURCES] = {0};
	char error[512];
	struct traced traced = {0};
	struct traced_record record;
	char *path = format("%s/kept", confined->folder);
	if (!file_exists(path))
		path = format("%s/dump", confined->folder);
	confined->readable = dump_open(&traced.dump, path, error, sizeof error) == 0;
	for (; confined->readable && traced_next(&traced, &record); confined->records++) {
		uint64_t id = traced_u64(&record, "spanId");
		cr_assert_lt(id >> 32, SOURCES);
		uint64_t *number = &next[id >> 32];
		cr_assert_geq((uint32_t)id, *number, "%s: %" PRIx64 " comes late", what, id);
		*number = (uint32_t)id + 1;
	}
	if (confined->readable)
		dump_reader_close(traced.dump);
	free(path);
}

/* prefix: what runs the program, or NULL; in it and in env, %s is the folder. */
static struct confined run_confined(const char *const *prefix, const char *runtime,
				    const char *const *limit)
{
	struct confined confined = {.folder = strdup("/dev/shm/rill-confined-XXXXXX")};
	cr_assert(mkdtemp(confined.folder));
	char *page = format("%s/page", confined.folder), *run = format("%s/run", confined.folder);
	cr_assert_eq(mkdir(run, 0755), 0);
	file_store(page, &confined.page, sizeof confined.page);
	const struct run_options options = {
		.env = ENV(format("CONFINED_PAGE=%s", page),
			   format("CONFINED_DUMP=dump:%s/dump?rotate=64KiB", confined.folder),
			   format("CONFINED_TEXT=text:%s/text", confined.folder),
			   "RILL_POLICY=block", "RILL_BLOCK_TIMEOUT=1s",
			   format("RILL_RUNTIME_DIR=%s", runtime ? runtime : run)),
		.directory = confined.folder,
		.timeout_ms = 30000};
	const char *argv[MOST_ARGS] = {NULL};
	size_t n = 0;
	while (prefix && *prefix)
		argv[n++] = *prefix++;
	argv[n++] = built("tests/programs/confined");
	while (*limit)
		argv[n++] = *limit++;
	confined.run = run_command(argv, &options);
	size_t size;
	char *bytes = file_load(page, &size);
	memcpy(&confined.page, bytes, sizeof confined.page);
	free(bytes);
	free(page);
	free(run);
	return confined;
}

static void end(struct confined *confined)
{
	run_free(&confined->run);
	folder_remove(confined->folder);
	free(confined->folder);
}

/* The C library's own locks wait by futex(2), and it ends the process where that fails. */
static bool libc_gave_up(const char *const *limit, const struct run_result *run)
{
	return limit[0] && limit[1] && strcmp(limit[1], format("%ld", (long)SYS_futex)) == 0 &&
	       run->signal == SIGABRT && strstr(run->err, "The futex facility returned an");
}

/* whole: nothing may be lost. Returns whether anything was. */
static bool expect_unharmed(const char *const *prefix, const char *runtime, bool whole,
			    const char *const *limit)
{
	char what[256] = "";
	for (size_t i = 0; limit[i]; i++)
		snprintf(what + strlen(what), sizeof what - strlen(what), " %s", limit[i]);
	struct confined confined = run_confined(prefix, runtime, limit);
	const struct run_result *run = &confined.run;
	if (libc_gave_up(limit, run)) {
		end(&confined);
		return true;
	}
	cr_expect_eq(run->code, EXIT_CODE, "%s: ended with %d, signal %d%s: %s", what, run->code,
		     run->signal, run->timed_out ? ", by its time limit" : "", run->err);
	cr_expect_eq(confined.page.over, 1, "%s", what);
	read_dump(&confined, what);
	bool told = strstr(run->err, "rill: ") != NULL;
	bool lost = confined.records < confined.page.emitted;
	cr_expect_leq(confined.records, confined.page.emitted, "%s", what);
	cr_expect(!lost || (!whole && (told || strstr(what, "deaf"))),
		  "%s: %" PRIu64 " of %" PRIu64 " in the dump; it said: %s", what, confined.records,
		  confined.page.emitted, run->err);
	if (!told)
		cr_expect_eq(confined.page.drained + confined.page.lost, confined.page.emitted,
			     "%s: %" PRIu64 " drained, %" PRIu64 " lost of %" PRIu64, what,
			     confined.page.drained, confined.page.lost, confined.page.emitted);
	end(&confined);
	return lost;
}
#define LIMIT(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(limits, none, .timeout = 60)
{
	expect_unharmed(NULL, NULL, true, LIMIT("none"));
}

/* The signal of RLIMIT_FSIZE is not the program's. */
Test(limits, files_may_not_grow, .timeout = 120)
{
	static const char *const bytes[] = {"0", "1000", "100000", "280000"};
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		cr_expect_eq(expect_unharmed(NULL, NULL, false, LIMIT("fsize", bytes[i])), i < 3,
			     "%s", bytes[i]);
}

Test(limits, no_more_descriptors, .timeout = 120)
{
	for (int i = 3; i < 12; i += is_short() ? 2 : 1)
		expect_unharmed(NULL, NULL, false, LIMIT("nofile", format("%d", i)));
}

Test(limits, no_more_addresses, .timeout = 200)
{
	for (unsigned long bytes = 100000; bytes < 20000000;
	     bytes = bytes * (is_short() ? 4 : 5) / (is_short() ? 1 : 4))
		expect_unharmed(NULL, NULL, false, LIMIT("as", format("%lu", bytes)));
}

/* 5,000 signals a second, whose handler emits and does not restart what it interrupted. */
Test(limits, everything_is_interrupted, .timeout = 60)
{
	for (int i = 0; i < (is_short() ? 3 : 50); i++)
		expect_unharmed(NULL, NULL, true, LIMIT("interrupts"));
}

/* A pipe for stderr that nobody reads, and something to say there. */
Test(limits, nobody_hears, .timeout = 60)
{
	expect_unharmed(NULL, "/nowhere", false, LIMIT("deaf"));
}

/* --- file systems -------------------------------------------------------------------------- */

/* What is in the folder of the dump then is gone with the namespace, unless it is kept. */
#define MOUNTED(how)                                                                               \
	((const char *const[]){"unshare", "-m", "sh", "-c",                                        \
			       "mkdir dump; mount -t tmpfs " how                                   \
			       " && \"$@\"; code=$?; cp -r dump kept; exit $code",                 \
			       "sh", NULL})

static bool may_mount(void)
{
	struct run_result run = RUN(NULL, "unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt");
	bool may = run.code == 0;
	run_free(&run);
	return may;
}

Test(limits, full_and_missing_file_systems, .timeout = 120)
{
	expect_unharmed(NULL, "/nowhere/at/all", true, LIMIT("none"));
	if (!may_mount())
		cr_skip_test("no mount namespace of its own here");
	/* The dump has no room for a catalog, or for its records. */
	cr_expect(expect_unharmed(MOUNTED("-o size=64k none dump"), NULL, false, LIMIT("none")));
	expect_unharmed(MOUNTED("-o size=160k none dump"), NULL, false, LIMIT("none"));
	expect_unharmed(MOUNTED("-o ro none dump"), NULL, false, LIMIT("none"));
	/* The rings have no room: anonymous memory instead, and nothing is lost. */
	expect_unharmed(MOUNTED("-o size=64k none run"), NULL, true, LIMIT("none"));
	expect_unharmed(MOUNTED("-o size=800k none run"), NULL, true, LIMIT("none"));
	expect_unharmed(MOUNTED("-o nr_inodes=4 none run"), NULL, true, LIMIT("none"));
	expect_unharmed(MOUNTED("-o ro none run"), NULL, true, LIMIT("none"));
}

/* --- forbidden calls ----------------------------------------------------------------------- */

static bool is_listed(const char *name)
{
	for (size_t i = 0; i < NCALLS; i++)
		if (strcmp(calls[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (strcmp(needed[i], name) == 0)
			return true;
	return false;
}

/* What a trace of the program shows between its two getppid() is on the list, and on the page. */
Test(limits, the_list_of_calls_is_whole, .timeout = 120)
{
#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__)
	cr_skip_test("the calls of a sanitizer, or of another CPU");
#endif
	char *page = file_load(source("docs/reliability.md"), NULL);
	for (size_t i = 0; i < NCALLS; i++)
		cr_expect(strstr(page, format("`%s`", calls[i].name)), "%s is not on the page",
			  calls[i].name);
	struct confined confined =
		run_confined(LIMIT("strace", "-f", "-o", "calls"), NULL, LIMIT("none"));
	cr_assert_eq(confined.run.code, EXIT_CODE, "%s", confined.run.err);
	char *trace = file_load(format("%s/calls", confined.folder), NULL);
	unsigned marks = 0, seen = 0;
	for (char *line = strtok(trace, "\n"); line; line = strtok(NULL, "\n")) {
		char name[64];
		if (sscanf(line, "%*d %63[a-z0-9_](", name) != 1)
			continue;
		marks += strcmp(name, "getppid") == 0;
		if (marks != 1 || strcmp(name, "getppid") == 0 || strcmp(name, "setitimer") == 0)
			continue;
		cr_expect(is_listed(name), "%s is not listed", name);
		seen++;
	}
	cr_expect_eq(marks, 2);
	cr_expect_gt(seen, 100);
	end(&confined);
}

/* Each in turn, from before rill's start, and from when it is at work. */
Test(limits, each_call_is_forbidden_in_turn, .timeout = 280)
{
	for (size_t i = 0; i < NCALLS; i++) {
		const char *number = format("%ld", calls[i].number);
		const char *error = format("%d", i % 2 ? EPERM : ENOSYS);
		const char *other = format("%d", i % 2 ? ENOSYS : EPERM);
		expect_unharmed(NULL, NULL, false, LIMIT("call", number, error));
		if (is_short() && i % 3)
			continue;
		expect_unharmed(NULL, NULL, false, LIMIT("late", number, other));
		if (is_short())
			continue;
		expect_unharmed(NULL, NULL, false, LIMIT("call", number, other));
		expect_unharmed(NULL, NULL, false, LIMIT("late", number, error));
	}
}

/* What rill needs for speed only: without it nothing is lost, and that is said. */
Test(limits, without_membarrier_nothing_is_lost, .timeout = 60)
{
	static const char *const when[] = {"call", "late"};
	const char *number = format("%ld", (long)SYS_membarrier);
	for (int i = 0; i < 4; i++) {
		const char *error = format("%d", i % 2 ? EPERM : ENOSYS);
		expect_unharmed(NULL, NULL, true, LIMIT(when[i / 2], number, error));
		struct confined confined =
			run_confined(NULL, NULL, LIMIT(when[i / 2], number, error));
		cr_expect(strstr(confined.run.err, "membarrier(2)"), "%s", confined.run.err);
		end(&confined);
	}
}
