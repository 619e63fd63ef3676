/* Loading, starting and stopping peers. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/common/common.h"

/* bench/peers.mk compiles each of these files with its own name for bench_peer. */
extern struct bench_peer bench_peer_loop, bench_peer_rdtsc, bench_peer_clock, bench_peer_ring,
	bench_peer_write, bench_peer_rill, bench_peer_compact;

static struct bench_peer *const built_in[] = {
	&bench_peer_loop,  &bench_peer_rdtsc, &bench_peer_clock,   &bench_peer_ring,
	&bench_peer_write, &bench_peer_rill,  &bench_peer_compact,
};

static bool wanted(const char *only, const char *name)
{
	size_t length = strlen(name);

	if (!only)
		return true;
	for (const char *at = only; (at = strstr(at, name)) != NULL; at += length) {
		if ((at == only || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

static void add(struct bench_peers *peers, const struct bench_options *options,
		struct bench_peer *peer)
{
	if (!wanted(options->only, peer->name))
		return;
	if (peers->count == MAX_PEERS) {
		fprintf(stderr, "%s: more than %d peers\n", peer->name, MAX_PEERS);
		peers->failed = true;
		return;
	}
	peers->at[peers->count++] = (struct bench_loaded){.peer = peer};
}

static void load(struct bench_peers *peers, const struct bench_options *options, const char *file)
{
	void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	struct bench_peer *peer = object ? dlsym(object, "bench_peer") : NULL;

	if (!peer) {
		fprintf(stderr, "%s\n", dlerror());
		peers->failed = true;
	} else if (peer->version != BENCH_PEER_VERSION) {
		fprintf(stderr, "%s: is of version %u of the interface, not %u\n", file,
			peer->version, BENCH_PEER_VERSION);
		peers->failed = true;
	} else {
		add(peers, options, peer);
	}
}

static int is_object(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".so") == 0;
}

/* BUILD/bench/AREA/PROGRAM runs; BUILD/bench/peers is searched. */
static void load_folder(struct bench_peers *peers, const struct bench_options *options)
{
	char self[PATH_MAX] = "", folder[PATH_MAX + 16], file[PATH_MAX + 300];
	struct dirent **entries;

	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return;
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');
		if (slash)
			*slash = 0;
	}
	snprintf(folder, sizeof folder, "%s/peers", self);
	int count = scandir(folder, &entries, is_object, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(file, sizeof file, "%s/%s", folder, entries[i]->d_name);
		load(peers, options, file);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

void peers_load(struct bench_peers *peers, const struct bench_options *options)
{
	const char *more = getenv("BENCH_PEER");

	*peers = (struct bench_peers){.count = 0};
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
		add(peers, options, built_in[i]);
	load_folder(peers, options);
	if (more && *more)
		load(peers, options, more);
	if (options->peer)
		load(peers, options, options->peer);
}

static bool is_in(pid_t task, const pid_t *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (tasks[i] == task)
			return true;
	}
	return false;
}

bool peer_start(struct bench_loaded *loaded, const struct bench_options *options, bool lossless,
		bool text)
{
	struct bench_peer *peer = loaded->peer;
	pid_t before[MAX_TASKS], after[MAX_TASKS];
	size_t nbefore = tasks_list(before, MAX_TASKS);
	static unsigned made;

	snprintf(loaded->dir, sizeof loaded->dir, "%s/%s-%u", options->dir, peer->name, made++);
	const struct bench_setup setup = {loaded->dir, lossless, text};
	int error = mkdir(loaded->dir, 0700) == 0 ? peer->init(&setup) : -errno;
	if (error) {
		fprintf(stderr, "%s: cannot be started: %s\n", peer->name, strerror(-error));
		loaded->failed = true;
		return false;
	}
	loaded->running = true;
	loaded->ntasks = 0;
	size_t nafter = tasks_list(after, MAX_TASKS);
	for (size_t i = 0; i < nafter; i++) {
		if (!is_in(after[i], before, nbefore))
			loaded->tasks[loaded->ntasks++] = after[i];
	}
	loaded->npids = peer->collectors ? peer->collectors(loaded->pids, MAX_TASKS) : 0;
	return true;
}

static void pin_process(pid_t pid, int cpu)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *folder = opendir(path);
	if (!folder)
		return;
	for (const struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] != '.')
			pin((pid_t)atoi(entry->d_name), cpu);
	}
	closedir(folder);
}

void peer_pin(const struct bench_loaded *loaded, int cpu)
{
	for (size_t i = 0; i < loaded->ntasks; i++)
		pin(loaded->tasks[i], cpu);
	for (size_t i = 0; i < loaded->npids; i++)
		pin_process(loaded->pids[i], cpu);
}

/* What the kernel has charged to a thread or, if it is not of this process, to a process: the clock
 * ids of clock_getcpuclockid(3), which has none for threads that others have started. */
static uint64_t cpu_ns(pid_t task, bool thread)
{
	struct timespec used;
	clockid_t clock = (clockid_t)(~(unsigned)task << 3 | (thread ? 6u : 2u));

	if (clock_gettime(clock, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

uint64_t peer_collector_ns(const struct bench_loaded *loaded)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < loaded->ntasks; i++)
		sum += cpu_ns(loaded->tasks[i], true);
	for (size_t i = 0; i < loaded->npids; i++)
		sum += cpu_ns(loaded->pids[i], false);
	return sum;
}

bool peer_stop(struct bench_loaded *loaded)
{
	int error = loaded->peer->close();

	loaded->running = false;
	if (error) {
		fprintf(stderr, "%s: could not be stopped: %s\n", loaded->peer->name,
			strerror(-error));
		loaded->failed = true;
	}
	return error == 0;
}

bool peers_stop(struct bench_peers *peers)
{
	bool good = !peers->failed;

	for (size_t i = 0; i < peers->count; i++) {
		if (peers->at[i].running)
			peer_stop(&peers->at[i]);
		good = good && !peers->at[i].failed;
	}
	return good;
}
