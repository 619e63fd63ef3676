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
	.remains_bytes = UINT64_C(256) << 20,
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
	snprintf(path, sizeof path, "%s/" REMAINS_LOCK, made->directory);
	made->lock_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (made->lock_fd >= 0)
		flock(made->lock_fd, LOCK_EX); /* a sweeper has it for a moment only */
}

/* Addresses for the losses of so many events; those of more are counted in memory only. */
#define LOSSES_ROOM 65536u

static size_t file_bytes(uint32_t nlosses)
{
	return sizeof(struct process_file) + nlosses * sizeof(struct event_loss);
}

/* Without it the rings can still be recovered, but neither times nor all losses. */
static void make_file(struct process *made)
{
	char path[sizeof made->directory + 8];
	uint32_t nlosses = registry_events() < LOSSES_ROOM ? registry_events() : LOSSES_ROOM;
	void *address;
	if (!made->directory[0])
		return;
	snprintf(path, sizeof path, "%s/" REMAINS_PROCESS, made->directory);
	int error = prim_shared_file(path, file_bytes(nlosses), file_bytes(LOSSES_ROOM), &address);
	if (error) {
		rill__diagnose(__func__, "cannot make %s (%s): after a crash times are not known",
			       path, strerror(-error));
		return;
	}
	struct process_file *file = address;
	file->version = REMAINS_VERSION;
	file->header_bytes = sizeof *file;
	file->pid = made->pid;
	file->nlosses = nlosses;
	memcpy(file->id, made->id, sizeof file->id);
	file->start_ns = made->start_ns;
	file->start_ticks = made->start_ticks;
	__atomic_signal_fence(__ATOMIC_RELEASE); /* a file without the magic was being made */
	memcpy(file->magic, PROCESS_MAGIC, sizeof file->magic);
	__atomic_store_n(&made->file, file, __ATOMIC_RELEASE);
}

void process_grow_losses(void)
{
	struct process *made = process_peek();
	char path[sizeof made->directory + 8];
	uint32_t nlosses = registry_events() < LOSSES_ROOM ? registry_events() : LOSSES_ROOM;
	if (!made || !made->directory[0] || !made->file || nlosses <= made->file->nlosses)
		return;
	snprintf(path, sizeof path, "%s/" REMAINS_PROCESS, made->directory);
	if (prim_grow_file(path, file_bytes(nlosses)) == 0)
		__atomic_store_n(&made->file->nlosses, nlosses, __ATOMIC_RELEASE);
}

void process_note_clock(struct process *noting, const struct clock_point *point)
{
	struct process_file *file = __atomic_load_n(&noting->file, __ATOMIC_ACQUIRE);
	if (!file)
		return;
	uint64_t npoints = file->npoints;
	if (!npoints)
		file->first = *point;
	file->last[npoints % 2] = *point;
	__atomic_store_n(&file->npoints, npoints + 1, __ATOMIC_RELEASE);
}

void process_remove_directory(struct process *made)
{
	if (!made->directory[0])
		return;
	char path[sizeof made->directory + 32];
	for (uint32_t i = 0; i < made->ncatalog_files; i++) {
		snprintf(path, sizeof path, "%s/" REMAINS_CATALOGS "%u.rill", made->directory, i);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/" REMAINS_PROCESS, made->directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/" REMAINS_DUMPS, made->directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/" REMAINS_LOCK, made->directory);
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
	make_file(memory);
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

/*
 * The pages are wiped already, unless the kernel cannot (before Linux 4.14) or only claims that it
 * has: qemu-user 7.2 does. fork() holds the lock: where it has an owner still, nothing
 * was wiped.
 */
static void wipe(void)
{
	if (!process || (uint32_t)process->control == 0)
		return;
	for (uint32_t i = 0; i < MAX_RINGS; i++)
		if (process->rings[i])
			memset(process->rings[i], 0, sizeof *process->rings[i]);
	memset(process, 0, sizeof *process);
}

bool process_is_child(void)
{
	const struct process *made = process_peek();
	return made ? made->is_child : made_before;
}

void process_in_child(void)
{
	wipe();
	if (process) /* else nothing was ever on: it may be made in any process */
		process->forked_pid = prim_pid();
}
