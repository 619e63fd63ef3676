#include "faults/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

static const char *const names[] = {
#define FAULT_TEXT(name) #name,
	FAULT_NAMES(FAULT_TEXT)};

static struct fault_page nowhere;
static struct fault_page *page = &nowhere;
static struct {
	enum fault_name name;
	unsigned phase;
	unsigned long from;
	unsigned long count;
	int how;
} plan = {.name = FAULT_COUNT};

static void map_page(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *mapped = MAP_FAILED;
	if (fd >= 0)
		mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		abort();
	close(fd);
	page = mapped;
}

/* Before the constructors of librill. */
__attribute__((constructor(101))) static void begin(void)
{
	const char *path = getenv("FAULTS_PAGE"), *text = getenv("FAULTS_PLAN");
	char name[32];
	if (path)
		map_page(path);
	if (!text)
		return;
	if (sscanf(text, "%31[^:]:%u:%lu:%lu:%d", name, &plan.phase, &plan.from, &plan.count,
		   &plan.how) != 5)
		abort();
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		if (strcmp(name, names[i]) == 0)
			plan.name = (enum fault_name)i;
	if (plan.name == FAULT_COUNT)
		abort();
}

void fault_phase(enum fault_phase phase)
{
	__atomic_store_n(&page->phase, phase, __ATOMIC_SEQ_CST);
}

/* Counts a call. True: it is to fail; errno says how, unless it is to do half its work. */
static bool fails(enum fault_name name)
{
	uint32_t phase = __atomic_load_n(&page->phase, __ATOMIC_RELAXED);
	__atomic_add_fetch(&page->calls[phase][name], 1, __ATOMIC_RELAXED);
	if (name != plan.name || phase < plan.phase)
		return false;
	unsigned long nth = __atomic_add_fetch(&page->seen, 1, __ATOMIC_RELAXED);
	if (nth < plan.from || (plan.count && nth >= plan.from + plan.count))
		return false;
	__atomic_add_fetch(&page->fired, 1, __ATOMIC_RELAXED);
	if (plan.how)
		errno = plan.how;
	return true;
}

static size_t half(size_t size)
{
	return size > 1 ? size / 2 : size;
}

/* Of a call that says -1 and sets errno; of one that says the error; of one that says NULL. */
#define FAULT_AS(failed, result, name, parameters, ...)                                            \
	result fault_##name parameters;                                                            \
	result fault_##name parameters                                                             \
	{                                                                                          \
		return fails(FAULT_##name) ? (failed) : name(__VA_ARGS__);                         \
	}
#define FAULT(result, name, parameters, ...) FAULT_AS(-1, result, name, parameters, __VA_ARGS__)
#define FAULT_CODE(name, parameters, ...)    FAULT_AS(plan.how, int, name, parameters, __VA_ARGS__)
#define FAULT_NULL(result, name, parameters, ...)                                                  \
	FAULT_AS(NULL, result, name, parameters, __VA_ARGS__)

/* clang-format off */
FAULT_NULL(void *, malloc, (size_t size), size)
FAULT_NULL(void *, calloc, (size_t count, size_t size), count, size)
FAULT_NULL(void *, realloc, (void *old, size_t size), old, size)
FAULT_NULL(char *, strdup, (const char *text), text)
FAULT_AS(MAP_FAILED, void *, mmap, (void *at, size_t size, int access, int how, int fd, off_t from),
	 at, size, access, how, fd, from)
FAULT(int, munmap, (void *at, size_t size), at, size)
FAULT(int, mprotect, (void *at, size_t size, int access), at, size, access)
FAULT(int, madvise, (void *at, size_t size, int advice), at, size, advice)
FAULT(int, memfd_create, (const char *name, unsigned flags), name, flags)
FAULT_CODE(posix_fallocate, (int fd, off_t from, off_t size), fd, from, size)
FAULT(int, ftruncate, (int fd, off_t size), fd, size)
FAULT(int, fdatasync, (int fd), fd)
FAULT(int, fsync, (int fd), fd)
FAULT(int, flock, (int fd, int how), fd, how)
FAULT(int, dup, (int fd), fd)
FAULT(int, fstat, (int fd, struct stat *to), fd, to)
FAULT(int, stat, (const char *path, struct stat *to), path, to)
FAULT(off_t, lseek, (int fd, off_t to, int from), fd, to, from)
FAULT(int, mkdir, (const char *path, mode_t mode), path, mode)
FAULT(int, rmdir, (const char *path), path)
FAULT(int, unlink, (const char *path), path)
FAULT(int, unlinkat, (int folder, const char *path, int flags), folder, path, flags)
FAULT_NULL(DIR *, opendir, (const char *path), path)
FAULT_NULL(DIR *, fdopendir, (int fd), fd)
FAULT_NULL(struct dirent *, readdir, (DIR *entries), entries)
FAULT(int, poll, (struct pollfd *fds, nfds_t count, int ms), fds, count, ms)
FAULT(int, gethostname, (char *to, size_t size), to, size)
FAULT(ssize_t, getrandom, (void *to, size_t size, unsigned flags), to, size, flags)
FAULT(int, adjtimex, (struct timex *time), time)
FAULT(int, clock_gettime, (clockid_t clock, struct timespec *to), clock, to)
FAULT(int, nanosleep, (const struct timespec *time, struct timespec *left), time, left)
FAULT(int, sigaltstack, (const stack_t *set, stack_t *old), set, old)
FAULT(int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *to), pid, size, to)
FAULT_CODE(pthread_attr_init, (pthread_attr_t *to), to)
FAULT_CODE(pthread_create, (pthread_t *to, const pthread_attr_t *how, void *(*run)(void *),
			    void *argument), to, how, run, argument)
FAULT_CODE(pthread_key_create, (pthread_key_t *to, void (*end)(void *)), to, end)
FAULT_CODE(pthread_setspecific, (pthread_key_t key, const void *value), key, value)
FAULT_NULL(ZSTD_CCtx *, ZSTD_createCCtx, (void), )
/* clang-format on */

size_t fault_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t room, const void *from,
			    size_t size);
size_t fault_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t room, const void *from,
			    size_t size)
{
	if (fails(FAULT_ZSTD_compress2))
		return ZSTD_compress2(context, to, 0, from, size); /* an error: no room */
	return ZSTD_compress2(context, to, room, from, size);
}

/* --- those that may do half of it ---------------------------------------------------------- */

ssize_t fault_read(int fd, void *to, size_t size);
ssize_t fault_read(int fd, void *to, size_t size)
{
	if (fails(FAULT_read)) {
		if (plan.how)
			return -1;
		size = half(size);
	}
	return read(fd, to, size);
}

ssize_t fault_pread(int fd, void *to, size_t size, off_t at);
ssize_t fault_pread(int fd, void *to, size_t size, off_t at)
{
	if (fails(FAULT_pread)) {
		if (plan.how)
			return -1;
		size = half(size);
	}
	return pread(fd, to, size, at);
}

ssize_t fault_write(int fd, const void *from, size_t size);
ssize_t fault_write(int fd, const void *from, size_t size)
{
	if (fails(FAULT_write)) {
		if (plan.how)
			return -1;
		size = half(size);
	}
	return write(fd, from, size);
}

#define MOST_PARTS 256

/* Half of the bytes. */
static int halve(struct iovec *to, const struct iovec *from, int count)
{
	size_t size = 0;
	int kept = 0;
	for (int i = 0; i < count; i++)
		size += from[i].iov_len;
	size = half(size);
	for (int i = 0; i < count && i < MOST_PARTS && size; i++) {
		to[kept] = from[i];
		if (to[kept].iov_len > size)
			to[kept].iov_len = size;
		size -= to[kept++].iov_len;
	}
	return kept;
}

ssize_t fault_pwritev(int fd, const struct iovec *parts, int count, off_t at);
ssize_t fault_pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	struct iovec some[MOST_PARTS];
	if (fails(FAULT_pwritev)) {
		if (plan.how)
			return -1;
		count = halve(some, parts, count);
		parts = some;
	}
	return pwritev(fd, parts, count, at);
}

ssize_t fault_writev(int fd, const struct iovec *parts, int count);
ssize_t fault_writev(int fd, const struct iovec *parts, int count)
{
	struct iovec some[MOST_PARTS];
	if (fails(FAULT_writev)) {
		if (plan.how)
			return -1;
		count = halve(some, parts, count);
		parts = some;
	}
	return writev(fd, parts, count);
}

ssize_t fault_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t fault_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct iovec some[MOST_PARTS];
	struct msghdr less = *message;
	if (fails(FAULT_sendmsg)) {
		if (plan.how)
			return -1;
		less.msg_iovlen = (size_t)halve(some, message->msg_iov, (int)message->msg_iovlen);
		less.msg_iov = some;
	}
	return sendmsg(fd, &less, flags);
}

/* --- those with more arguments than they name ---------------------------------------------- */

int fault_open(const char *path, int flags, ...);
int fault_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return fails(FAULT_open) ? -1 : open(path, flags, mode);
}

int fault_openat(int folder, const char *path, int flags, ...);
int fault_openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return fails(FAULT_openat) ? -1 : openat(folder, path, flags, mode);
}

int fault_fcntl(int fd, int command, ...);
int fault_fcntl(int fd, int command, ...)
{
	va_list arguments;
	va_start(arguments, command);
	long argument = command == F_GETFL ? 0 : va_arg(arguments, int);
	va_end(arguments);
	return fails(FAULT_fcntl) ? -1 : fcntl(fd, command, argument);
}

int fault_prctl(int option, ...);
int fault_prctl(int option, ...)
{
	va_list arguments;
	va_start(arguments, option);
	unsigned long argument = option == PR_GET_SECCOMP ? 0 : va_arg(arguments, unsigned long);
	va_end(arguments);
	return fails(FAULT_prctl) ? -1 : prctl(option, argument, 0, 0, 0);
}

int fault_asprintf(char **to, const char *pattern, ...);
int fault_asprintf(char **to, const char *pattern, ...)
{
	va_list arguments;
	if (fails(FAULT_asprintf))
		return -1;
	va_start(arguments, pattern);
	int size = vasprintf(to, pattern, arguments);
	va_end(arguments);
	return size;
}

long fault_syscall(long number, ...);
long fault_syscall(long number, ...)
{
	long a[6];
	va_list arguments;
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_gettid  ? fails(FAULT_gettid)
	    : number == SYS_futex ? fails(FAULT_futex)
				  : fails(FAULT_membarrier))
		return -1;
	return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
