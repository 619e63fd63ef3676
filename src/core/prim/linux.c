/* Linux: futex, membarrier, madvise, memfd, signals and scheduling. */
#include "core/prim/prim.h"

#include <dirent.h>
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

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

/* A hole in a full tmpfs would be a SIGBUS in the traced program's next store; and beyond
 * RLIMIT_FSIZE a signal comes. */
static int take_space(int fd, size_t size_bytes)
{
	struct prim_quiet quiet;
	prim_quiet_begin(&quiet);
	int error = posix_fallocate(fd, 0, (off_t)size_bytes);
	prim_quiet_end(&quiet);
	return error;
}

int prim_ring_file(const char *path, size_t size_bytes)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
		      : memfd_create("rill-ring", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = take_space(fd, size_bytes);
	if (error) {
		close(fd);
		if (path)
			unlink(path);
		return -error;
	}
	return fd;
}

uint32_t prim_max_mappings(void)
{
	char text[32];
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[size > 0 ? size : 0] = 0;
	unsigned long count = strtoul(text, NULL, 10);
	return count ? count < UINT32_MAX ? (uint32_t)count : UINT32_MAX : 65530;
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
	/* No child has it: what one would write there by mistake would be the parent's trace. */
	madvise(base, total, MADV_DONTFORK);
	*address = base;
	return 0;
}

bool prim_private_memory(void *address, size_t size_bytes)
{
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	void *at = mmap(address, size_bytes, PROT_READ | PROT_WRITE, how, -1, 0);
	if (at != MAP_FAILED && at != address)
		munmap(at, size_bytes); /* a kernel that does not know the last flag */
	return at == address;
}

void prim_unmap_ring(void *address, size_t head_bytes, size_t data_bytes)
{
	munmap(address, head_bytes + 2 * data_bytes);
}

int prim_shared_file(const char *path, size_t size_bytes, size_t room_bytes, void **address)
{
	int fd = prim_ring_file(path, size_bytes);
	if (fd < 0)
		return fd;
	void *mapped = mmap(NULL, room_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int error = mapped == MAP_FAILED ? -errno : 0;
	close(fd);
	if (error)
		unlink(path);
	else
		*address = mapped;
	return error;
}

int prim_grow_file(const char *path, size_t size_bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	int error = take_space(fd, size_bytes);
	close(fd);
	return -error;
}

uint32_t prim_pid(void)
{
	return (uint32_t)getpid();
}

uint32_t prim_tid(void)
{
	/* Locks are owned by it: where a filter forbids the call, any number that is the thread's.
	 */
	for (int i = 0; i < 2; i++) {
		long tid = syscall(SYS_gettid);
		if (tid > 0)
			return (uint32_t)tid;
	}
	return (uint32_t)((uintptr_t)pthread_self() >> 6) | 1u << 31;
}

/* proc(5): "TID (NAME) STATE ...". A name may hold anything but is at most 15 bytes. */
struct thread_state {
	char name[16];
	char state;
};

static bool thread_state(const char *tid, struct thread_state *thread)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	const char *name = strchr(text, '('), *name_end = strrchr(text, ')');
	if (!name || !name_end || name_end[1] != ' ')
		return false;
	snprintf(thread->name, sizeof thread->name, "%.*s", (int)(name_end - name - 1), name + 1);
	thread->state = name_end[2];
	return true;
}

bool prim_thread_runs(uint32_t tid)
{
	char text[16];
	struct thread_state thread;
	snprintf(text, sizeof text, "%u", tid);
	return thread_state(text, &thread) && thread.state == 'R';
}

bool prim_thread_exists(uint32_t tid)
{
	return syscall(SYS_tgkill, getpid(), (pid_t)tid, 0) == 0 || errno != ESRCH;
}

bool prim_alone(void)
{
	struct thread_state thread;
	bool alone = true;
	DIR *threads = opendir("/proc/self/task");
	if (!threads)
		return false;
	for (struct dirent *entry; alone && (entry = readdir(threads)) != NULL;)
		alone = entry->d_name[0] == '.' || !thread_state(entry->d_name, &thread) ||
			thread.state == 'Z' || thread.state == 'X' ||
			strncmp(thread.name, "rill-", 5) == 0;
	closedir(threads);
	return alone;
}

/* The clock's number is part of the system call's interface: CPUCLOCK_PERTHREAD (4) and
 * CPUCLOCK_SCHED (2) below the inverted id. */
uint64_t prim_thread_cpu_ns(uint32_t tid)
{
	struct timespec time;
	if (clock_gettime((clockid_t)(~tid << 3 | 6), &time) != 0)
		return 0;
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
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

struct start {
	void (*run)(void *);
	void *argument;
	char name[16];
};

void prim_use_all_cores(void)
{
	cpu_set_t cores;
	if (sched_getaffinity(getpid(), sizeof cores, &cores) == 0)
		sched_setaffinity(0, sizeof cores, &cores);
}

static void *thread_main(void *argument)
{
	struct start *start = argument;
	void (*run)(void *) = start->run;
	void *run_argument = start->argument;
	prctl(PR_SET_NAME, start->name);
	prim_use_all_cores();
	prctl(PR_SET_TIMERSLACK, 1000ul); /* it sleeps for tens of microseconds, and means it */
	free(start);
	run(run_argument);
	return NULL;
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

#define COPY_LOOK_NS 200000u

bool prim_returns_in_copy(void (*function)(void), uint64_t timeout_ns)
{
	int status = 0;
	sigset_t before;
	prim_block_signals(&before);
	/* clone(2): without a signal at its end, only who asks for such children sees it. */
	long pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		function();
		syscall(SYS_exit_group, 0);
	}
	prim_restore_signals(&before);
	if (pid < 0)
		return false;
	uint64_t deadline_ns = prim_monotonic_ns() + timeout_ns;
	long ended;
	while ((ended = syscall(SYS_wait4, pid, &status, __WALL | WNOHANG, NULL)) == 0 &&
	       prim_monotonic_ns() < deadline_ns)
		prim_sleep(COPY_LOOK_NS);
	if (ended == 0) {
		kill((pid_t)pid, SIGKILL);
		syscall(SYS_wait4, pid, &status, __WALL, NULL);
		return false;
	}
	return ended == pid && status == 0;
}
