/*
 * LTTng-UST 2.13, with a session daemon of its own that init() starts and close() stops. Buffers as
 * large as rill's: four of 64 KiB for each processor, discarding, or blocking when lossless. A
 * caller that finds them full sleeps long before it looks again, so with BENCH_LTTNG_LARGE in the
 * environment this is lttng-large: eight of 4 MiB.
 *
 * As root the daemon's sockets are at one place for the whole machine, so init() gives this process
 * a mount namespace with an empty folder there. Where that is not allowed, another session daemon
 * of root's must not run.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/peers/lttng/sites.h"
#include "bench/peers/peer.h"

#define ROOTS_FOLDER "/run/lttng"
#define WAIT_MS      10000

static pid_t daemon_pid;
static bool lossless;
static uint64_t discarded;
static char folder[256], log_path[300], last[8192]; /* what the last command has printed */

static void wait_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

static pid_t start_program(const char *const *argv, int out)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (getppid() != parent || log < 0 || dup2(out < 0 ? log : out, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Runs a client of the daemon; its output is in `last`. False: it failed, told with its log. */
static bool lttng(const char *const *argv)
{
	int pipes[2], status = 0;
	size_t size = 0;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return false;
	pid_t pid = start_program(argv, pipes[1]);
	close(pipes[1]);
	for (ssize_t n; (n = read(pipes[0], last + size, sizeof last - 1 - size)) > 0;)
		size += (size_t)n;
	last[size] = 0;
	close(pipes[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "lttng: '%s %s' failed: %s (and see %s)\n", argv[0], argv[1], last,
			log_path);
		return false;
	}
	return true;
}
#define LTTNG(...) lttng((const char *const[]){"lttng", __VA_ARGS__, NULL})

/* The daemon's sockets, where nobody else's are. */
static void private_sockets(void)
{
	if (geteuid() != 0)
		return;
	mkdir(ROOTS_FOLDER, 0755);
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		mount("none", ROOTS_FOLDER, "tmpfs", 0, NULL);
}

static bool start_daemon(void)
{
	char path[320];

	snprintf(path, sizeof path, "%s/.home", folder);
	mkdir(path, 0700);
	setenv("LTTNG_HOME", path, 1);
	snprintf(log_path, sizeof log_path, "%s/.log", folder);
	/* A port for Java and Python agents, which it opens whether wanted or not: any free one. */
	daemon_pid = start_program((const char *const[]){"lttng-sessiond", "--no-kernel",
							 "--agent-tcp-port=5345-5999", NULL},
				   -1);
	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		if (waitpid(daemon_pid, NULL, WNOHANG) != 0)
			break;
		if (system("lttng --no-sessiond list >/dev/null 2>&1") == 0)
			return true;
		wait_ms(20);
	}
	fprintf(stderr, "lttng: lttng-sessiond did not start; see %s\n", log_path);
	return false;
}

static bool large(void)
{
	return getenv("BENCH_LTTNG_LARGE") != NULL;
}

static bool start_session(void)
{
	/* Not `off`; and by name: a list with --exclude makes lttng-sessiond 2.13.9 crash. */
	const char *events = "rill_bench:w*,rill_bench:start,rill_bench:end,rill_bench:mix*";
	const char *blocking = lossless ? "--blocking-timeout=inf" : "--blocking-timeout=0";
	char output[320];

	snprintf(output, sizeof output, "--output=%s/trace", folder);
	return LTTNG("create", "bench", output) &&
	       LTTNG("enable-channel", "-u", "-s", "bench", "--discard",
		     large() ? "--subbuf-size=4M" : "--subbuf-size=64k",
		     large() ? "--num-subbuf=8" : "--num-subbuf=4", blocking, "channel") &&
	       LTTNG("enable-event", "-u", "-s", "bench", "-c", "channel", events) &&
	       LTTNG("start", "bench");
}

/* The daemon has seen this process. */
static bool registered(void)
{
	char word[32];

	snprintf(word, sizeof word, "PID: %d ", (int)getpid());
	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		if (LTTNG("list", "-u") && strstr(last, word))
			return true;
		wait_ms(20);
	}
	fprintf(stderr, "lttng: this process does not become known to lttng-sessiond\n");
	return false;
}

static bool load_sites(void);

static int start(const struct bench_setup *setup)
{
	static bool before;

	lossless = setup->lossless;
	discarded = 0;
	snprintf(folder, sizeof folder, "%s", setup->dir);
	if (before)
		return -EBUSY; /* the sites look for the daemon in one place only */
	before = true;
	private_sockets();
	setenv("LTTNG_UST_ALLOW_BLOCKING", "1", 1);
	if (!start_daemon() || !load_sites() || !registered() || !start_session())
		return -EIO;
	return 0;
}

/* Lossless: everything is in the files. Else the consumer gets the time to empty the buffers. */
static int flush(void)
{
	if (lossless)
		return LTTNG("stop", "bench") ? 0 : -EIO;
	wait_ms(1);
	return 0;
}

static void stop_daemon(void)
{
	if (daemon_pid <= 0)
		return;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = 0;
}

static int stop(void)
{
	bool good = (lossless || LTTNG("stop", "bench")) && LTTNG("list", "bench");
	const char *word = "Discarded events: ", *at = strstr(last, word);

	/* 2.13 now and then shows the number with the highest bit set as well. */
	if (good && at)
		discarded = strtoull(at + strlen(word), NULL, 10) & (UINT64_MAX >> 1);
	if (good && !at)
		fprintf(stderr, "lttng: does not tell how many events it discarded\n");
	bool destroyed = LTTNG("destroy", "bench");
	stop_daemon();
	return good && at && destroyed ? 0 : -EIO;
}

static uint64_t lost(void)
{
	return discarded;
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *from = fopen(path, "re");
	if (from && fscanf(from, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	if (from)
		fclose(from);
	return parent;
}

/* The daemon, its helper and the consumer. */
static size_t collectors(pid_t *pids, size_t room)
{
	DIR *processes = opendir("/proc");
	size_t count = 0;

	if (!processes)
		return 0;
	for (const struct dirent *entry; (entry = readdir(processes)) && count < room;) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid > 0 && (pid == daemon_pid || parent_of(pid) == daemon_pid))
			pids[count++] = pid;
	}
	closedir(processes);
	return count;
}

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "lttng",
	.init = start,
	.flush = flush,
	.close = stop,
	.lost = lost,
	.collectors = collectors,
};

__attribute__((constructor)) static void choose_name(void)
{
	if (large())
		bench_peer.name = "lttng-large";
}

/* Beside this object, in a folder of its own. */
static bool load_sites(void)
{
	char path[PATH_MAX];
	Dl_info self;

	if (!dladdr(&bench_peer, &self) || !self.dli_fname)
		return false;
	const char *slash = strrchr(self.dli_fname, '/');
	int length = slash ? (int)(slash - self.dli_fname) : 0;
	snprintf(path, sizeof path, "%.*s/lttng/sites.so", length, self.dli_fname);
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct lttng_sites *sites = object ? dlsym(object, "lttng_sites") : NULL;
	if (!sites) {
		fprintf(stderr, "lttng: %s\n", dlerror());
		return false;
	}
	bench_peer.off = sites->off;
	bench_peer.w1 = sites->w1;
	bench_peer.w4 = sites->w4;
	bench_peer.w8 = sites->w8;
	bench_peer.pair = sites->pair;
	bench_peer.mix = sites->mix;
	return true;
}
