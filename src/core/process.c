/* The state of this process, which a child finds wiped. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
static bool made_before;            /* in this process or one that it comes from */
static struct process without_wipe; /* the kernel has no MADV_WIPEONFORK, or no memory is left */

struct process *process_page(void)
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

/* The other half of the mappings is the program's: without them it could start no thread. */
static uint32_t max_rings(void)
{
	uint32_t most = prim_max_mappings() / 2 / PRIM_RING_MAPPINGS;
	return most < MAX_RINGS ? most : MAX_RINGS;
}

struct process *process_get(void)
{
	struct process *memory = process_page();
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
	/* A child of vfork() shares the memory of the process whose it is. */
	memory->pid = memory->forked_pid ? memory->forked_pid : prim_pid();
	memory->is_child = made_before;
	if (made_before) {
		registry_count_anew();
		encode_count_anew();
	}
	made_before = true;
	memory->max_rings = max_rings();
	memory->start_ns = prim_realtime_ns();
	memory->start_ticks = clock_now_ticks();
	prim_random(memory->id, sizeof memory->id);
	make_directory(memory);
	producer_new_process();
	__atomic_store_n(&memory->stage, PROCESS_READY, __ATOMIC_RELEASE);
	prim_restore_signals(&before);
	return memory;
}

bool process_is(const uint64_t id[2])
{
	const struct process *made = process_peek();
	return made && memcmp(made->id, id, sizeof made->id) == 0;
}

bool process_is_child(void)
{
	const struct process *made = process_peek();
	return made ? made->is_child : made_before;
}

void process_in_child(void)
{
	if (process == &without_wipe)
		memset(&without_wipe, 0, sizeof without_wipe);
	if (process) /* else nothing was ever on: it may be made in any process */
		process->forked_pid = prim_pid();
}
