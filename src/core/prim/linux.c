/* Linux: futex, membarrier, madvise, memfd, signals and scheduling. */
#include "core/prim/prim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

#include <rill/static/prim.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool prim_membarrier_register(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool prim_membarrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void prim_block_signals(sigset_t *before)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void prim_restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static const int write_signals[] = {SIGPIPE, SIGXFSZ};
#define WRITE_SIGNALS (sizeof write_signals / sizeof *write_signals)

void prim_quiet_begin(struct prim_quiet *quiet)
{
	int saved_errno = errno;
	sigset_t both;
	sigemptyset(&both);
	for (size_t i = 0; i < WRITE_SIGNALS; i++)
		sigaddset(&both, write_signals[i]);
	pthread_sigmask(SIG_BLOCK, &both, &quiet->before);
	sigemptyset(&quiet->pending);
	sigpending(&quiet->pending);
	errno = saved_errno;
}

void prim_quiet_end(const struct prim_quiet *quiet)
{
	int saved_errno = errno;
	const struct timespec at_once = {0, 0};
	sigset_t now, one;
	sigemptyset(&now);
	sigpending(&now);
	for (size_t i = 0; i < WRITE_SIGNALS; i++) {
		if (sigismember(&now, write_signals[i]) != 1 ||
		    sigismember(&quiet->pending, write_signals[i]) == 1)
			continue;
		sigemptyset(&one);
		sigaddset(&one, write_signals[i]);
		sigtimedwait(&one, NULL, &at_once);
	}
	pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
	errno = saved_errno;
}

void prim_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = {(time_t)(timeout_ns / 1000000000u),
				   (long)(timeout_ns % 1000000000u)};
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
		timeout_ns == UINT64_MAX ? NULL : &timeout, NULL, 0);
}

void prim_futex_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void *prim_wiped_pages(size_t size_bytes)
{
	void *pages =
		mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	if (madvise(pages, size_bytes, MADV_WIPEONFORK) != 0) {
		munmap(pages, size_bytes);
		return NULL;
	}
	return pages;
}

int prim_ring_file(const char *path, size_t size_bytes)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
		      : memfd_create("rill-ring", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* A hole in a full tmpfs would be a SIGBUS in the traced program's next store. */
	struct prim_quiet quiet; /* RLIMIT_FSIZE */
	prim_quiet_begin(&quiet);
	int error = posix_fallocate(fd, 0, (off_t)size_bytes);
	prim_quiet_end(&quiet);
	if (error) {
		close(fd);
		if (path)
			unlink(path);
		return -error;
	}
	return fd;
}

/* 0.1 ms at a thread's first event, when no spare ring is ready. */
#define MAX_POPULATED ((size_t)512 * 1024)

int prim_map_ring(int fd, size_t head_bytes, size_t data_bytes, void **address)
{
	size_t total = head_bytes + 2 * data_bytes;
	char *base = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	const int access = PROT_READ | PROT_WRITE;
	/* Its pages exist; entering them now costs less than a fault for each in the hot path. */
	const int how = MAP_SHARED | MAP_FIXED | (data_bytes <= MAX_POPULATED ? MAP_POPULATE : 0);
	if (mmap(base, head_bytes + data_bytes, access, how, fd, 0) == MAP_FAILED ||
	    mmap(base + head_bytes + data_bytes, data_bytes, access, how, fd, (off_t)head_bytes) ==
		    MAP_FAILED) {
		int error = errno;
		munmap(base, total);
		return -error;
	}
	*address = base;
	return 0;
}

void prim_unmap_ring(void *address, size_t head_bytes, size_t data_bytes)
{
	munmap(address, head_bytes + 2 * data_bytes);
}

uint32_t prim_pid(void)
{
	return (uint32_t)getpid();
}

uint32_t prim_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

void prim_random(void *to, size_t size_bytes)
{
	if (getrandom(to, size_bytes, GRND_NONBLOCK) == (ssize_t)size_bytes)
		return;
	/* Early boot: unique is enough, unpredictable is not needed. */
	uint64_t seed = prim_realtime_ns() ^ (uint64_t)getpid() << 40;
	for (size_t i = 0; i < size_bytes; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		((unsigned char *)to)[i] = (unsigned char)(seed >> 56);
	}
}

void prim_sleep(uint64_t ns)
{
	struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	nanosleep(&time, NULL);
}

size_t prim_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool prim_on_other_signal_stack(uint64_t address)
{
	stack_t stack;
	if (sigaltstack(NULL, &stack) != 0 || !(stack.ss_flags & SS_ONSTACK))
		return false;
	uint64_t from = (uint64_t)(uintptr_t)stack.ss_sp;
	return address < from || address >= from + stack.ss_size;
}

/* 0: a filter forbids the call where the kernel has no vDSO for it. */
static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;
	if (clock_gettime(clock, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t prim_monotonic_ns(void)
{
	uint64_t now_ns = read_clock(CLOCK_MONOTONIC);
	/* What is waited for must come to an end: about the right time, at some GHz. */
	return now_ns ? now_ns : rill__ticks() / 2;
}

uint64_t prim_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t prim_steady_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/*
 * adjtimex(2) is not for everybody: where the process is confined, a filter may end it for the
 * call, so it is not made.
 */
uint32_t prim_clock_error_us(void)
{
	struct timex time = {.modes = 0};
	if (prctl(PR_GET_SECCOMP) != 0 || adjtimex(&time) < 0 || (time.status & STA_UNSYNC) ||
	    time.maxerror < 0 || time.maxerror >= (long)UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)time.maxerror;
}

void prim_host_name(char *name, size_t size)
{
	if (gethostname(name, size) != 0)
		name[0] = 0;
	name[size - 1] = 0;
}

/* "01234567-89ab-cdef-0123-456789abcdef": its 16 bytes, as the format has them. */
void prim_boot_id(uint64_t id[2])
{
	char text[64];
	unsigned char bytes[16];
	size_t n = 0;
	id[0] = id[1] = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	const char *at = text;
	for (unsigned value; n < 16 && sscanf(at, "%2x", &value) == 1; at += 2 + (at[2] == '-'))
		bytes[n++] = (unsigned char)value;
	if (n == 16)
		memcpy(id, bytes, sizeof bytes);
}

#if defined(__x86_64__)
const char *prim_counter_name(void)
{
	return "tsc";
}

/* Linux, Documentation/timers/timekeeping: where its watchdog, or its look at the cores at boot,
 * finds that the TSC is not to be trusted, the kernel takes one of these as its own clock. */
static bool kernel_distrusts_counter(void)
{
	static const char *const slow[] = {"hpet\n", "acpi_pm\n", "refined-jiffies\n", "jiffies\n"};
	char name[32];
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, name, sizeof name - 1);
	close(fd);
	name[size > 0 ? size : 0] = 0;
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
		if (strcmp(name, slow[i]) == 0)
			return true;
	return false;
}

/* Intel SDM volume 3, 18.17.1: CPUID.80000007H:EDX[8], the invariant TSC. */
bool prim_counter_invariant(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & 1u << 8) &&
	       !kernel_distrusts_counter();
}

/* Intel SDM volume 3, 18.7.3: CPUID.15H gives the crystal's frequency and the TSC's ratio to it. */
uint64_t prim_counter_hz(void)
{
	unsigned a, b, c, d;
	if (__get_cpuid_max(0, NULL) < 0x15 || !__get_cpuid(0x15, &a, &b, &c, &d) || !a || !b || !c)
		return 0;
	return (uint64_t)c * b / a;
}
#elif defined(__aarch64__)
const char *prim_counter_name(void)
{
	return "cntvct";
}

bool prim_counter_invariant(void)
{
	return true;
}

uint64_t prim_counter_hz(void)
{
	uint64_t hz;
	__asm__ __volatile__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}
#else
const char *prim_counter_name(void)
{
	return "time"; /* the CSR of that name */
}

bool prim_counter_invariant(void)
{
	return true; /* RISC-V unprivileged specification, Zicntr: the time CSR is constant-rate */
}

uint64_t prim_counter_hz(void)
{
	return 0;
}
#endif

struct start {
	void (*run)(void *);
	void *argument;
	char name[16];
};

static void *thread_main(void *argument)
{
	struct start *start = argument;
	void (*run)(void *) = start->run;
	void *run_argument = start->argument;
	prctl(PR_SET_NAME, start->name);
	prctl(PR_SET_TIMERSLACK, 1000ul); /* it sleeps for tens of microseconds, and means it */
	free(start);
	run(run_argument);
	return NULL;
}

/* The cores of the whole process: the thread that starts another one may be pinned. */
static void set_process_affinity(pthread_attr_t *attributes)
{
	cpu_set_t cores;
	if (sched_getaffinity(getpid(), sizeof cores, &cores) == 0)
		pthread_attr_setaffinity_np(attributes, sizeof cores, &cores);
}

int prim_thread_start(void (*run)(void *), void *argument, const char *name)
{
	struct start *start = malloc(sizeof *start);
	if (!start)
		return -ENOMEM;
	start->run = run;
	start->argument = argument;
	snprintf(start->name, sizeof start->name, "%s", name);

	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error) {
		free(start);
		return -error;
	}
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	struct sched_param normal = {0};
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
	pthread_attr_setschedparam(&attributes, &normal);
	set_process_affinity(&attributes);

	sigset_t before;
	prim_block_signals(&before);
	pthread_t thread;
	error = pthread_create(&thread, &attributes, thread_main, start);
	prim_restore_signals(&before);
	pthread_attr_destroy(&attributes);
	if (error)
		free(start);
	return -error;
}
