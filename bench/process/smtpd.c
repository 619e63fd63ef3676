/*
 * What tracing adds to examples/smtpd under the load of smtp-source: all events on, to a dump on
 * tmpfs, against the gate closed.
 *
 * Each round starts a server of either kind and sends both the same number of mails. They take
 * turns of 10 ms (the other is stopped), so that each has the producer's core for itself and
 * whatever else happens to the machine happens to both: one after the other, a round's ratio is
 * uncertain by ten percent, so by one. rill's collector and smtp-source run on the collector's
 * core. What counts is the CPU time, user and system, of the whole server process, its collector
 * included.
 *
 * smtpd.off, smtpd.on: CPU milliseconds a 1,000 mails, medians. smtpd.overhead: median of the
 * rounds' ratios, in percent; .low and .high: between them the true median lies with a probability
 * of 95 %. smtpd.events: events a mail, of which none is missing in the dump. smtpd.collector: the
 * part of the collector's thread, in percent of smtpd.off.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define MAX_ROUNDS 64u
#define AT_ONCE    "4"
#define MAIL_BYTES "2000"
#define WARM_MAILS 200u
#define TURN_NS    10000000u

static char program[4096], rill[4096];

struct server {
	bool on;
	pid_t pid;
	clockid_t clock;
	char folder[4096];
	char address[64];
};

static struct server servers[2];

static char *inside(const struct server *server, const char *name)
{
	static char path[4][4200];
	static unsigned next;
	char *to = path[next++ % 4];
	snprintf(to, sizeof path[0], "%s/%s", server->folder, name);
	return to;
}

static void wait_for_port(struct server *server)
{
	unsigned port = 0;
	for (int tries = 0; tries < 1000 && !port; tries++) {
		FILE *file = fopen(inside(server, "port"), "r");
		if (file) {
			if (fscanf(file, "%u", &port) != 1)
				port = 0;
			fclose(file);
		}
		if (!port)
			sleep_for(5000000);
		if (waitpid(server->pid, NULL, WNOHANG) != 0)
			give_up(program, ECHILD);
	}
	if (!port)
		give_up("no port", ETIMEDOUT);
	snprintf(server->address, sizeof server->address, "127.0.0.1:%u", port);
}

static void server_start(struct server *server, bool on, unsigned round)
{
	server->on = on;
	snprintf(server->folder, sizeof server->folder, "%s/%s-%u", scratch(), on ? "on" : "off",
		 round);
	if (mkdir(server->folder, 0700) != 0)
		give_up(server->folder, errno);
	server->pid = fork_bound();
	if (server->pid == 0) {
		char sink[4200];
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may be stopped, and deaf to SIGTERM */
		snprintf(sink, sizeof sink, "dump:%s", inside(server, "dump"));
		setenv("RILL_RUNTIME_DIR", server->folder, 1);
		setenv("RILL_POLICY", "block", 1); /* on a machine that others use, too */
		setenv("RILL_BLOCK_TIMEOUT", "5s", 1);
		if (on && (setenv("RILL_FILTER", "*=trace", 1) || setenv("RILL_SINKS", sink, 1)))
			_exit(127);
		pin_producer();
		execl(program, program, "--listen", "127.0.0.1:0", "--port-file",
		      inside(server, "port"), "--maildir", inside(server, "mail"), "--witness",
		      inside(server, "witness"), (char *)NULL);
		_exit(127);
	}
	wait_for_port(server);
	int error = clock_getcpuclockid(server->pid, &server->clock);
	if (error)
		give_up("clock_getcpuclockid", error);
}

static double cpu_ms(const struct server *server)
{
	struct timespec used;
	if (clock_gettime(server->clock, &used) != 0)
		give_up("the server's clock", errno);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static pid_t collector_of(const struct server *server)
{
	char path[64], name[32];
	pid_t found = 0;
	snprintf(path, sizeof path, "/proc/%d/task", (int)server->pid);
	DIR *tasks = opendir(path);
	for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;) {
		pid_t thread = atoi(entry->d_name);
		if (thread > 0 && thread_name(server->pid, thread, name) &&
		    strcmp(name, "rill-collector") == 0)
			found = thread;
	}
	if (tasks)
		closedir(tasks);
	if (!found)
		give_up("the server has no collector", ESRCH);
	return found;
}

/* By the scheduler's own account: the clock ticks of /proc/PID/stat miss what naps between them. */
static double thread_cpu_ms(const struct server *server, pid_t thread)
{
	char path[64], line[256];
	double ms = -1;
	snprintf(path, sizeof path, "/proc/%d/task/%d/sched", (int)server->pid, (int)thread);
	FILE *file = fopen(path, "r");
	while (file && ms < 0 && fgets(line, sizeof line, file))
		if (sscanf(line, "se.sum_exec_runtime : %lf", &ms) != 1)
			ms = -1;
	if (file)
		fclose(file);
	return ms;
}

static pid_t send_mails(const struct server *server, unsigned mails)
{
	char count[16];
	snprintf(count, sizeof count, "%u", mails);
	pid_t pid = fork_bound();
	if (pid == 0) {
		pin_to_collector(0);
		setenv("PATH", "/usr/sbin:/usr/bin:/bin", 1);
		execlp("smtp-source", "smtp-source", "-s", AT_ONCE, "-m", count, "-l", MAIL_BYTES,
		       "-f", "sender@example.org", "-t", "reader@example.org", server->address,
		       (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* False: it has ended. */
static bool still_sends(pid_t *source)
{
	int status;
	if (*source && waitpid(*source, &status, WNOHANG) == *source) {
		if (status != 0)
			give_up("smtp-source (package postfix)", ECHILD);
		*source = 0;
	}
	return *source != 0;
}

/* CPU time of both servers for as many mails each; the collector gets the time to finish. */
static void batch(unsigned first, unsigned mails, double ms[2])
{
	pid_t sources[2];
	for (unsigned i = 0; i < 2; i++) {
		kill(servers[i].pid, SIGSTOP);
		ms[i] = -cpu_ms(&servers[i]);
		sources[i] = send_mails(&servers[i], mails);
	}
	for (unsigned turn = first; still_sends(&sources[0]) | still_sends(&sources[1]); turn++) {
		if (!sources[turn % 2])
			continue;
		kill(servers[turn % 2].pid, SIGCONT);
		sleep_for(TURN_NS);
		kill(servers[turn % 2].pid, SIGSTOP);
	}
	for (unsigned i = 0; i < 2; i++)
		kill(servers[i].pid, SIGCONT);
	sleep_for(100000000);
	for (unsigned i = 0; i < 2; i++)
		ms[i] += cpu_ms(&servers[i]);
}

struct totals {
	double mails, emitted;
};

static struct totals server_stop(struct server *server)
{
	struct totals totals = {0, 0};
	char line[256];
	int status;
	kill(server->pid, SIGTERM);
	if (waitpid(server->pid, &status, 0) != server->pid || status != 0)
		give_up("smtpd did not end well", ECHILD);
	FILE *file = fopen(inside(server, "witness"), "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line,
			   "total connections %*u refused %*u commands %*u mails %lf emitted %lf",
			   &totals.mails, &totals.emitted) == 2)
			break;
	if (file)
		fclose(file);
	return totals;
}

struct result {
	double off_ms, on_ms, collector_ms, events;
};

/* Records in a dump, as rill itself counts them. */
static double records_in(const char *dump)
{
	char command[9000], line[512];
	double records = 0, some;
	snprintf(command, sizeof command, "'%s' stats '%s'", rill, dump);
	FILE *stats = popen(command, "re");
	while (stats && fgets(line, sizeof line, stats))
		if (sscanf(line, " records %lf", &some) == 1)
			records += some;
	if (!stats || pclose(stats) != 0)
		give_up(command, ECHILD);
	return records;
}

static struct result measure(unsigned round, unsigned mails)
{
	double ms[2], warm[2], collector, thousands = mails / 1e3;
	for (unsigned i = 0; i < 2; i++)
		server_start(&servers[i], i == 1, round);
	batch(round % 2, WARM_MAILS, warm);
	pid_t thread = collector_of(&servers[1]);
	pin_to_collector(thread);
	collector = thread_cpu_ms(&servers[1], thread);
	batch(round % 2, mails, ms);
	collector = thread_cpu_ms(&servers[1], thread) - collector;
	struct totals off = server_stop(&servers[0]), on = server_stop(&servers[1]);
	if (off.mails != mails + WARM_MAILS || on.mails != off.mails || off.emitted != 0 ||
	    on.emitted == 0 || records_in(inside(&servers[1], "dump")) != on.emitted)
		give_up("mails or events are missing", EPROTO);
	return (struct result){ms[0] / thousands, ms[1] / thousands, collector / thousands,
			       on.emitted / on.mails};
}

static void compare(const void *quick)
{
	unsigned rounds = *(const bool *)quick ? 6 : 20, mails = *(const bool *)quick ? 500 : 2000;
	double off[MAX_ROUNDS], on[MAX_ROUNDS], ratios[MAX_ROUNDS], collector_ms = 0;
	struct result result = {0, 0, 0, 0};
	for (unsigned round = 0; round < rounds; round++) {
		result = measure(round, mails);
		off[round] = result.off_ms;
		on[round] = result.on_ms;
		ratios[round] = result.on_ms / result.off_ms;
		if (getenv("SM_SHOW"))
			fprintf(stderr, "%g %g %g %g\n", off[round], on[round], ratios[round],
				result.collector_ms);
		collector_ms += result.collector_ms;
	}
	double off_ms = estimate(off, rounds).median;
	struct estimate found = estimate(ratios, rounds);
	figure(off_ms, "ms", "smtpd.off");
	figure(estimate(on, rounds).median, "ms", "smtpd.on");
	figure(100 * (found.median - 1), "%", "smtpd.overhead");
	figure(100 * (found.low - 1), "%", "smtpd.overhead.low");
	figure(100 * (found.high - 1), "%", "smtpd.overhead.high");
	figure(100 * collector_ms / rounds / off_ms, "%", "smtpd.collector");
	figure(result.events, "count", "smtpd.events");
}

/* Those of the same build: BUILD/bench/process/smtpd is this program. */
static void find_programs(void)
{
	char path[3000];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0)
		give_up("/proc/self/exe", errno);
	path[length] = 0;
	const char *build = dirname(dirname(dirname(path)));
	snprintf(program, sizeof program, "%s/examples/smtpd", build);
	snprintf(rill, sizeof rill, "%s/rill", build);
}

int main(void)
{
	bool quick = is_quick();
	find_programs();
	unsetenv("RILL_FILTER");
	unsetenv("RILL_SINKS");
	scratch();
	run_apart(compare, &quick);
	scratch_remove();
	return 0;
}
