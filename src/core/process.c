/* The state of this process, which a child finds wiped, and the control lock, which it finds free.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/core.h"
#include "core/diagnose.h"

struct settings rill__settings = {
	.ring_size_bytes = 256 << 10,
	.ring_memory_bytes = UINT64_C(1) << 30,
	.block_timeout_ns = 100000000,
	.policy = RILL_DISCARD,
	.max_open_spans = 65536,
};

void rill__broken(const char *file, int line, const char *message)
{
	char text[256];
	int length = snprintf(text, sizeof text, "rill: broken: %s (%s:%d)\n", message, file, line);
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		abort();
	abort();
}

/* --- the wiped page ------------------------------------------------------------------------ */

static struct process *process;
static struct process without_wipe; /* the kernel has no MADV_WIPEONFORK, or no memory is left */

static struct process *process_memory(void)
{
	struct process *memory = __atomic_load_n(&process, __ATOMIC_ACQUIRE);
	if (memory)
		return memory;
	memory = prim_wiped_pages(sizeof *memory);
	if (!memory)
		memory = &without_wipe;
	struct process *expected = NULL;
	if (!__atomic_compare_exchange_n(&process, &expected, memory, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return expected; /* a thread or handler was first; the pages are lost, once */
	return memory;
}

const char *runtime_prefix(void)
{
	return rill__settings.runtime_directory[0] ? rill__settings.runtime_directory : "/dev/shm";
}

/* PREFIX/rill-UID-PID-START, 0700. A crash leaves it behind; sweep.c removes it one day. */
static void make_directory(struct process *made)
{
	const char *prefix = runtime_prefix();
	snprintf(made->directory, sizeof made->directory, "%s/rill-%u-%u-%llx", prefix,
		 (unsigned)geteuid(), made->pid, (unsigned long long)made->start_ns);
	made->lock_fd = -1;
	if (mkdir(made->directory, 0700) != 0) {
		rill__diagnose(__func__,
			       "cannot create the runtime directory %s (%s): rings are kept in "
			       "anonymous memory, which a crash loses; set RILL_RUNTIME_DIR",
			       made->directory, strerror(errno));
		made->directory[0] = 0;
		return;
	}
	char path[sizeof made->directory + 8];
	snprintf(path, sizeof path, "%s/lock", made->directory);
	made->lock_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (made->lock_fd >= 0)
		flock(made->lock_fd, LOCK_EX); /* a sweeper has it for a moment only */
}

void process_remove_directory(struct process *made)
{
	if (!made->directory[0])
		return;
	char path[sizeof made->directory + 8];
	snprintf(path, sizeof path, "%s/lock", made->directory);
	unlink(path);
	rmdir(made->directory);
	made->directory[0] = 0;
	if (made->lock_fd >= 0)
		close(made->lock_fd);
	made->lock_fd = -1;
}

struct process *process_peek(void)
{
	struct process *memory = __atomic_load_n(&process, __ATOMIC_ACQUIRE);
	if (!memory || __atomic_load_n(&memory->stage, __ATOMIC_ACQUIRE) != PROCESS_READY)
		return NULL;
	return memory;
}

/* Whose the counts are that no wiped page holds: a child begins with none. */
static uint32_t counted_pid;

struct process *process_get(void)
{
	struct process *memory = process_memory();
	sigset_t before;
	for (;;) {
		uint32_t stage = __atomic_load_n(&memory->stage, __ATOMIC_ACQUIRE);
		if (stage == PROCESS_READY)
			return memory;
		/* A handler that emitted while this thread makes it would wait for itself. */
		prim_block_signals(&before);
		if (stage == PROCESS_NEW &&
		    __atomic_compare_exchange_n(&memory->stage, &stage, PROCESS_MAKING, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			break;
		prim_restore_signals(&before);
		prim_sleep(50000);
	}
	memory->pid = prim_pid();
	if (counted_pid && counted_pid != memory->pid) {
		registry_count_anew();
		encode_count_anew();
	}
	counted_pid = memory->pid;
	memory->start_ns = prim_realtime_ns();
	memory->start_ticks = clock_now_ticks();
	prim_random(memory->id, sizeof memory->id);
	make_directory(memory);
	producer_new_process();
	__atomic_store_n(&memory->stage, PROCESS_READY, __ATOMIC_RELEASE);
	prim_restore_signals(&before);
	return memory;
}

/* --- the control lock ---------------------------------------------------------------------- */

static pthread_mutex_t control = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int control_depth;        /* under the lock */
static int control_cancel_state; /* the owner's, before it took the lock */

/* A thread that is cancelled in here would leave the lock taken for ever. */
static void control_locked(int cancel_state)
{
	if (control_depth++ == 0)
		control_cancel_state = cancel_state;
}

void control_lock(void)
{
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&control);
	control_locked(cancel_state);
}

bool control_trylock(void)
{
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (pthread_mutex_trylock(&control) != 0) {
		pthread_setcancelstate(cancel_state, NULL);
		return false;
	}
	control_locked(cancel_state);
	return true;
}

void control_unlock(void)
{
	int cancel_state = control_cancel_state;
	/* 0 already: in a child that was forked under the lock, which is fresh there. */
	if (control_depth == 0)
		return;
	bool last = --control_depth == 0;
	pthread_mutex_unlock(&control);
	if (last)
		pthread_setcancelstate(cancel_state, NULL);
}

static void before_fork(void)
{
	control_lock();
	producer_before_fork();
}

/* The mutex is recursive and so knows its owner by thread id, which a child's thread has anew. */
static void control_in_child(void)
{
	pthread_mutex_t fresh = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	memcpy(&control, &fresh, sizeof control);
	control_depth = 0;
	producer_in_child();
	pthread_setcancelstate(control_cancel_state, NULL);
	if (process == &without_wipe)
		memset(&without_wipe, 0, sizeof without_wipe);
}

__attribute__((constructor(101))) static void hold_lock_over_fork(void)
{
	pthread_atfork(before_fork, control_unlock, control_in_child);
}
