/*
 * confined LIMIT: threads that exist already emit, under limits that hold for the whole process:
 *
 *     none
 *     fsize BYTES    RLIMIT_FSIZE, whose signal would end the program
 *     nofile COUNT   RLIMIT_NOFILE
 *     as BYTES       RLIMIT_AS, so much more than what is mapped
 *     call NAME ERRNO, late NAME ERRNO
 *                    seccomp(2) gives that error for the call; late: when rill is at work already
 *     interrupts     a timer's signals, whose handler does not restart calls
 *     deaf           standard error is a pipe that nobody reads
 *
 * It says what it emitted, and that it came to its end, on the page of CONFINED_PAGE, for it may
 * not even be able to write. Before and after the stretch in which all system calls are rill's it
 * calls getppid().
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "faults/confined.h"

#define THREADS   2
#define EVENTS    400u
#define EXIT_CODE 7
#define FLUSH_NS  UINT64_C(3000000000)

static struct confined_page *page;
static uint32_t stage; /* threads wait for 1, then for 2, then for 3 */
static uint32_t arrived;

static uint64_t counted(uint64_t value)
{
	__atomic_add_fetch(&page->emitted, 1, __ATOMIC_RELAXED);
	return value;
}

static void emit(uint64_t thread, uint64_t from, uint64_t to)
{
	char text[300];
	memset(text, 'a' + (int)thread, sizeof text);
	for (uint64_t i = from; i < to; i++)
		rill_event(smtp_ehlo, spanId(counted(thread << 32 | i)),
			   hostname(text, sizeof text));
}

/* Without a system call. */
static void wait_for(const uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
		__asm__ __volatile__("" ::: "memory");
}

static void *run(void *argument)
{
	uint64_t thread = (uint64_t)(uintptr_t)argument;
	for (uint32_t turn = 1; turn <= 2; turn++) {
		wait_for(&stage, turn);
		emit(thread, (turn - 1) * EVENTS, turn * EVENTS);
		__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
	}
	wait_for(&stage, 3);
	return NULL;
}

static void let_emit(uint32_t turn)
{
	__atomic_store_n(&stage, turn, __ATOMIC_RELEASE);
	wait_for(&arrived, turn * THREADS);
}

static void set_limit(__rlimit_resource_t which, unsigned long most)
{
	struct rlimit limit;
	getrlimit(which, &limit);
	limit.rlim_cur = most;
	setrlimit(which, &limit);
}

static unsigned long mapped_bytes(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	if (!statm || fscanf(statm, "%lu", &pages) != 1)
		abort();
	fclose(statm);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void forbid(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		abort();
}

static void interrupted(int number)
{
	(void)number;
	rill_event(smtp_noop, spanId(counted(UINT64_C(77) << 32 | page->interrupts++)));
}

static void interrupt(void)
{
	const struct sigaction action = {.sa_handler = interrupted};
	const struct itimerval often = {{0, 200}, {0, 200}};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void go_deaf(void)
{
	int ends[2];
	if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		abort();
	close(ends[0]);
	close(ends[1]);
}

static void confine(char **limit, bool late)
{
	const char *what = limit[0];
	if (late != (strcmp(what, "late") == 0))
		return;
	if (strcmp(what, "fsize") == 0)
		set_limit(RLIMIT_FSIZE, strtoul(limit[1], NULL, 10));
	else if (strcmp(what, "nofile") == 0)
		set_limit(RLIMIT_NOFILE, strtoul(limit[1], NULL, 10));
	else if (strcmp(what, "as") == 0)
		set_limit(RLIMIT_AS, mapped_bytes() + strtoul(limit[1], NULL, 10));
	else if (strcmp(what, "call") == 0 || late)
		forbid(strtol(limit[1], NULL, 10), atoi(limit[2]));
	else if (strcmp(what, "interrupts") == 0)
		interrupt();
	else if (strcmp(what, "deaf") == 0)
		go_deaf();
}

static void map_page(void)
{
	const char *path = getenv("CONFINED_PAGE");
	int fd = path ? open(path, O_RDWR) : -1;
	page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		abort();
	close(fd);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	struct rill_counts counts;
	char *sinks[4] = {getenv("CONFINED_DUMP"), getenv("CONFINED_TEXT")};
	if (argc < 2)
		return 2;
	map_page();
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)(i + 1)) != 0)
			return 2;
	confine(argv + 1, false);
	getppid();
	for (int i = 0; i < 2 && sinks[i]; i++)
		rill_sink_add(sinks[i]);
	rill_filter_apply("*=trace");
	emit(THREADS + 1, 0, 10);
	let_emit(1);
	rill_flush(FLUSH_NS);
	confine(argv + 1, true);
	rill_filter_apply("*=debug");
	emit(THREADS + 1, 10, 20);
	let_emit(2);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
	rill_flush(FLUSH_NS);
	rill_counts_get(&counts);
	page->drained = counts.drained;
	page->lost = counts.filtered + counts.discarded;
	rill_stop();
	getppid();
	page->over = 1;
	__atomic_store_n(&stage, 3, __ATOMIC_RELEASE);
	_exit(EXIT_CODE);
}
