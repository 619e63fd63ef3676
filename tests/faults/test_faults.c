/*
 * Each call that librill makes fails in turn, in each phase of a program's life: the Nth, N = 1, 2,
 * ..., until there is no Nth, and all from the first one on. The program goes on as if nothing had
 * happened, nothing in its trace is wrong or comes twice, and what is missing was counted or told.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/faulty_run.h"
#include "support/files.h"
#include "support/run.h"

/* How a call fails: what its manual page has, and what disks and limits do. */
struct way {
	enum fault_name name;
	int how[4]; /* errno, up to a NEVER */
};

#define HALF  0
#define NEVER (-1)

static const struct way ways[] = {
	{FAULT_ZSTD_compress2, {ENOMEM, NEVER}},
	{FAULT_ZSTD_createCCtx, {ENOMEM, NEVER}},
	{FAULT_adjtimex, {EPERM, NEVER}},
	{FAULT_asprintf, {ENOMEM, NEVER}},
	{FAULT_calloc, {ENOMEM, NEVER}},
	{FAULT_clock_gettime, {EPERM, NEVER}},
	{FAULT_dup, {EMFILE, NEVER}},
	{FAULT_fcntl, {EMFILE, NEVER}},
	{FAULT_fdatasync, {EIO, ENOSPC, EINTR, NEVER}},
	{FAULT_fdopendir, {ENOMEM, NEVER}},
	{FAULT_flock, {EINTR, ENOLCK, EWOULDBLOCK, NEVER}},
	{FAULT_fstat, {EIO, NEVER}},
	{FAULT_fsync, {EIO, ENOSPC, EINTR, NEVER}},
	{FAULT_ftruncate, {EIO, EINTR, NEVER}},
	{FAULT_futex, {EINTR, EPERM, NEVER}},
	{FAULT_gethostname, {EPERM, NEVER}},
	{FAULT_getrandom, {EINTR, ENOSYS, NEVER}},
	{FAULT_gettid, {EPERM, NEVER}},
	{FAULT_lseek, {EIO, NEVER}},
	{FAULT_madvise, {EINVAL, ENOMEM, NEVER}},
	{FAULT_malloc, {ENOMEM, NEVER}},
	{FAULT_membarrier, {ENOSYS, EPERM, NEVER}},
	{FAULT_memfd_create, {EMFILE, ENOSYS, NEVER}},
	{FAULT_mkdir, {EACCES, ENOSPC, ENOENT, NEVER}},
	{FAULT_mmap, {ENOMEM, NEVER}},
	{FAULT_mprotect, {ENOMEM, NEVER}},
	{FAULT_munmap, {ENOMEM, NEVER}},
	{FAULT_nanosleep, {EINTR, NEVER}},
	{FAULT_open, {EMFILE, EACCES, ENOSPC, NEVER}},
	{FAULT_openat, {EMFILE, ENOENT, NEVER}},
	{FAULT_opendir, {EMFILE, NEVER}},
	{FAULT_poll, {EINTR, NEVER}},
	{FAULT_posix_fallocate, {ENOSPC, EINTR, EOPNOTSUPP, NEVER}},
	{FAULT_prctl, {EPERM, NEVER}},
	{FAULT_pread, {EIO, HALF, NEVER}},
	{FAULT_pthread_attr_init, {ENOMEM, NEVER}},
	{FAULT_pthread_create, {EAGAIN, NEVER}},
	{FAULT_pthread_key_create, {EAGAIN, NEVER}},
	{FAULT_pthread_setspecific, {ENOMEM, NEVER}},
	{FAULT_pwritev, {ENOSPC, EIO, EINTR, HALF}},
	{FAULT_read, {EIO, EINTR, HALF, NEVER}},
	{FAULT_readdir, {EIO, NEVER}},
	{FAULT_realloc, {ENOMEM, NEVER}},
	{FAULT_rmdir, {EBUSY, NEVER}},
	{FAULT_sched_getaffinity, {EPERM, NEVER}},
	{FAULT_sendmsg, {EPIPE, HALF, NEVER}},
	{FAULT_sigaltstack, {EPERM, NEVER}},
	{FAULT_stat, {EACCES, NEVER}},
	{FAULT_strdup, {ENOMEM, NEVER}},
	{FAULT_unlink, {EACCES, NEVER}},
	{FAULT_unlinkat, {EACCES, NEVER}},
	{FAULT_write, {EIO, EINTR, HALF, NEVER}},
	{FAULT_writev, {ENOSPC, EINTR, EIO, HALF}},
};

#define NWAYS    (sizeof ways / sizeof *ways)
#define MAX_HOWS 4u

/* Calls of a phase beyond the first dozen fail at growing distances. */
#define ALL_UP_TO 12u

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct {
	unsigned runs;
	unsigned fired;
	unsigned bad;
} tried;

/* Whether the call failed at all. *calls: how many there were in the phase. */
static bool try(const struct fault_plan *plan, uint64_t *calls)
{
	struct faulty_run run = faulty_run(plan, NULL);
	bool fired = run.page.fired > 0;
	*calls = run.page.calls[plan->phase][plan->name];
	tried.runs++;
	tried.fired += fired;
	if (*run.wrong) {
		tried.bad++;
		fprintf(stderr, "%s, %s, number %lu%s, errno %d:\n%s%s\n", fault_names[plan->name],
			fault_phases[plan->phase], plan->from,
			plan->count ? "" : " and all that follow", plan->how, run.wrong, run.said);
	}
	faulty_run_free(&run);
	return fired;
}

static void try_all_of(const struct way *way, int how, enum fault_phase phase)
{
	uint64_t calls = 0;
	struct fault_plan plan = {.name = way->name, .phase = phase, .from = 1, .how = how};
	if (!try(&plan, &calls))
		return;
	plan.count = 1;
	do {
		try(&plan, &calls);
		plan.from += plan.from < ALL_UP_TO ? 1 : plan.from / 2;
	} while (plan.from <= calls);
}

/* A fixed sample: of each name and phase the first call and all, each way of failing in turn. */
static void try_sample(const struct fault_page *usual)
{
	unsigned turn = 0;
	for (size_t w = 0; w < NWAYS; w++) {
		unsigned hows = 0;
		while (hows < MAX_HOWS && ways[w].how[hows] != NEVER)
			hows++;
		for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
			if (!usual->calls[phase][ways[w].name])
				continue;
			if (turn++ % 2)
				continue;
			struct fault_plan plan = {.name = ways[w].name,
						  .phase = (enum fault_phase)phase,
						  .from = 1 + turn % 3,
						  .count = turn % 4 ? 1 : 0,
						  .how = ways[w].how[turn / 2 % hows]};
			uint64_t calls;
			try(&plan, &calls);
		}
	}
}

static void report(double start_s)
{
	fprintf(stderr, "%u runs, in %u of them a call failed, %u went wrong; %.0f s\n", tried.runs,
		tried.fired, tried.bad, now_s() - start_s);
	cr_expect_eq(tried.bad, 0);
}

Test(faults, each_call_fails_in_turn, .timeout = 900)
{
	double start_s = now_s();
	struct faulty_run usual = faulty_run(NULL, NULL);
	const char *only = getenv("FAULTS_ONLY");
	cr_expect_str_empty(usual.wrong, "%s%s", usual.wrong, usual.said);
	if (is_short() && !only) {
		try_sample(&usual.page);
	} else {
		for (size_t w = 0; w < NWAYS; w++)
			for (unsigned h = 0; h < MAX_HOWS && ways[w].how[h] != NEVER; h++)
				for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
					if (!only || strcmp(only, fault_names[ways[w].name]) == 0)
						try_all_of(&ways[w], ways[w].how[h],
							   (enum fault_phase)phase);
	}
	cr_expect_gt(tried.fired, 0);
	report(start_s);
	faulty_run_free(&usual);
}
