#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rill/control.h>

/* --- output -------------------------------------------------------------------------------- */

void figure(double value, const char *unit, const char *name, ...)
{
	va_list arguments;
	va_start(arguments, name);
	vprintf(name, arguments);
	va_end(arguments);
	printf("\trill\t%.6g\t%s\n", value, unit);
	fflush(stdout);
}

void figure_percentiles(uint64_t *samples_ns, size_t count, const char *name)
{
	if (count == 0)
		give_up(name, ENODATA);
	sort_u64(samples_ns, count);
	figure((double)percentile(samples_ns, count, 0.50) / 1e3, "us", "%s.p50", name);
	figure((double)percentile(samples_ns, count, 0.99) / 1e3, "us", "%s.p99", name);
}

void give_up(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
	exit(1);
}

bool is_quick(void)
{
	const char *text = getenv("BENCH_QUICK");
	return text && strcmp(text, "1") == 0;
}

/* --- where and when ------------------------------------------------------------------------ */

static char scratch_path[4000];
static bool scratch_is_ours;

const char *scratch(void)
{
	if (scratch_path[0])
		return scratch_path;
	const char *given = getenv("BENCH_DIR");
	snprintf(scratch_path, sizeof scratch_path, "%s/rill-process-XXXXXX",
		 given && given[0] ? given : "/dev/shm");
	if (!mkdtemp(scratch_path))
		give_up(scratch_path, errno);
	scratch_is_ours = true;
	return scratch_path;
}

void scratch_remove(void)
{
	if (scratch_is_ours)
		remove_tree(scratch_path);
	scratch_is_ours = false;
}

pid_t fork_bound(void)
{
	pid_t parent = getpid();
	fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		give_up("fork", errno);
	if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
		_exit(1);
	return child;
}

void run_apart(void (*run)(const void *), const void *argument)
{
	sigset_t awaited, before;
	int signal = 0, status = 0;
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &awaited, &before);
	pid_t child = fork_bound();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		run(argument);
		exit(0);
	}
	while (waitpid(child, &status, signal && signal != SIGCHLD ? 0 : WNOHANG) != child)
		if (sigwait(&awaited, &signal) == 0 && signal != SIGCHLD)
			kill(child, SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (status != 0) {
		scratch_remove();
		exit(signal && signal != SIGCHLD ? 128 + signal : 1);
	}
}

void sleep_until(uint64_t ns)
{
	struct timespec until = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

void sleep_for(uint64_t ns)
{
	sleep_until(now_ns() + ns);
}

/* --- rill ---------------------------------------------------------------------------------- */

void start_rill(const char *sink, const char *filter)
{
	int error = rill_sink_add(sink);
	if (!error)
		error = rill_filter_apply(filter);
	if (error)
		give_up(sink, -error);
}

static void ignore(void *context, const char *sentence)
{
	(void)context, (void)sentence;
}

void expect_losses(void)
{
	rill_on_diagnostic(ignore, NULL);
}

static unsigned core_of(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	if (text && text[0])
		return (unsigned)atoi(text);
	return sysconf(_SC_NPROCESSORS_ONLN) > (long)otherwise ? otherwise : 0;
}

static void pin_or_end(pid_t thread, unsigned core)
{
	cpu_set_t cores;
	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	if (sched_setaffinity(thread, sizeof cores, &cores) != 0)
		give_up("sched_setaffinity", errno);
}

void pin_producer(void)
{
	pin_or_end(0, core_of("BENCH_PRODUCER_CPU", 0));
}

void pin_to_collector(pid_t thread)
{
	pin_or_end(thread, core_of("BENCH_COLLECTOR_CPU", 1));
}

bool thread_name(pid_t process, pid_t thread, char name[32])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)process, (int)thread);
	FILE *file = fopen(path, "r");
	bool got = file && fgets(name, 32, file);
	if (file)
		fclose(file);
	if (got)
		name[strcspn(name, "\n")] = 0;
	return got;
}

pid_t pin_collector(void)
{
	pid_t collector = 0;
	for (int tries = 0; tries < 1000 && !collector; tries++) {
		DIR *tasks = opendir("/proc/self/task");
		if (!tasks)
			give_up("/proc/self/task", errno);
		for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
			char name[32];
			pid_t thread = atoi(entry->d_name);
			if (thread <= 0 || !thread_name(getpid(), thread, name) ||
			    strncmp(name, "rill-", 5) != 0)
				continue;
			pin_to_collector(thread);
			if (strcmp(name, "rill-collector") == 0)
				collector = thread;
		}
		closedir(tasks);
		if (!collector)
			sleep_for(1000000);
	}
	if (!collector)
		give_up("there is no collector", ESRCH);
	return collector;
}

uint64_t lost_events(void)
{
	struct rill_counts counts;
	rill_counts_get(&counts);
	return counts.discarded + counts.filtered + counts.bad;
}

/* The clock id that pthread_getcpuclockid() makes: posix-timers.h, CPUCLOCK_SCHED of a thread. */
uint64_t thread_cpu_ns(pid_t thread)
{
	struct timespec used;
	if (clock_gettime((clockid_t)((~(unsigned)thread << 3) | 6), &used) != 0)
		return 0; /* it has ended */
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static uint64_t switches_of(pid_t thread)
{
	char path[64], line[256];
	uint64_t sum = 0;
	snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		const char *at = strstr(line, "voluntary_ctxt_switches:"); /* and nonvoluntary */
		if (at)
			sum += strtoull(strchr(at, ':') + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return sum;
}

struct activity others_activity(void)
{
	struct activity sum = {0, 0, 0};
	DIR *tasks = opendir("/proc/self/task");
	if (!tasks)
		give_up("/proc/self/task", errno);
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		pid_t thread = atoi(entry->d_name);
		if (thread <= 0 || thread == gettid())
			continue;
		sum.threads++;
		sum.switches += switches_of(thread);
		sum.cpu_ns += thread_cpu_ns(thread);
	}
	closedir(tasks);
	return sum;
}

/* --- wakes --------------------------------------------------------------------------------- */

static __thread uint64_t wakes;
static bool parked;

uint64_t wakes_made(void)
{
	return wakes;
}

bool is_parked(void)
{
	return __atomic_load_n(&parked, __ATOMIC_ACQUIRE);
}

bool wait_parked(uint64_t timeout_ns)
{
	for (uint64_t until_ns = now_ns() + timeout_ns; !is_parked(); sleep_for(1000000))
		if (now_ns() > until_ns)
			return false;
	return true;
}

/* The linker leads librill's calls of syscall() here (-Wl,--wrap=syscall): so wakes are counted
 * without a tracer that would change what is measured. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list arguments;
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	int command = (int)a[1] & FUTEX_CMD_MASK;
	bool parks = number == SYS_futex && command == FUTEX_WAIT && !a[3];
	if (number == SYS_futex && command == FUTEX_WAKE)
		wakes++;
	if (parks)
		__atomic_store_n(&parked, true, __ATOMIC_RELEASE);
	long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (parks)
		__atomic_store_n(&parked, false, __ATOMIC_RELEASE);
	return result;
}
