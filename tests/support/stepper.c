#include "support/stepper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

/* Why a thread stands. */
enum why {
	WHY_NOTHING, /* a stop that we asked for, a new thread: nobody's matter */
	WHY_STEP,
	WHY_MARK,
	WHY_CALL,
	WHY_EXEC,
	WHY_SIGNAL, /* it is about to be handed one */
};

static void fail(const char *what)
{
	perror(what);
	abort();
}

static long trace(int request, pid_t tid, uint64_t data)
{
	return ptrace(request, tid, NULL, (void *)(uintptr_t)data);
}

/* --- threads ------------------------------------------------------------------------------- */

static struct stepper_thread *thread_of(struct stepper *s, pid_t tid)
{
	for (size_t i = 0; i < s->nthreads; i++)
		if (s->thread[i].tid == tid)
			return &s->thread[i];
	return NULL;
}

static struct stepper_thread *thread_add(struct stepper *s, pid_t tid)
{
	if (s->nthreads == STEPPER_MAX_THREADS) {
		fputs("stepper: too many threads\n", stderr);
		abort();
	}
	s->thread[s->nthreads] = (struct stepper_thread){.tid = tid};
	return &s->thread[s->nthreads++];
}

static void thread_remove(struct stepper *s, pid_t tid)
{
	struct stepper_thread *thread = thread_of(s, tid);
	if (thread)
		*thread = s->thread[--s->nthreads];
}

pid_t stepper_find(const struct stepper *s, const char *name)
{
	for (size_t i = 0; i < s->nthreads; i++) {
		char path[64], comm[32] = "";
		snprintf(path, sizeof path, "/proc/%d/task/%d/comm", s->pid, s->thread[i].tid);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(comm, sizeof comm, file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
		if (strcmp(comm, name) == 0)
			return s->thread[i].tid;
	}
	return 0;
}

/* --- stops --------------------------------------------------------------------------------- */

static void read_call(struct stepper_thread *thread)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof info, &info) < 0)
		fail("PTRACE_GET_SYSCALL_INFO");
	if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		thread->call.result = info.exit.rval;
		thread->call.over = true;
		return;
	}
	thread->call = (struct stepper_call){.number = info.entry.nr};
	for (int i = 0; i < 6; i++)
		thread->call.argument[i] = info.entry.args[i];
}

static enum why why_trapped(struct stepper_thread *thread)
{
	siginfo_t info;
	if (ptrace(PTRACE_GETSIGINFO, thread->tid, NULL, &info) != 0)
		fail("PTRACE_GETSIGINFO");
	if (info.si_code != SI_QUEUE)
		return WHY_STEP;
	thread->mark = info.si_value.sival_int;
	return WHY_MARK;
}

static enum why why_stopped(struct stepper *s, struct stepper_thread *thread, int status)
{
	int signal = WSTOPSIG(status);
	unsigned long born;
	switch (status >> 16) {
	case 0:
		break;
	case PTRACE_EVENT_EXEC:
		return WHY_EXEC;
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, thread->tid, NULL, &born) == 0 &&
		    !thread_of(s, (pid_t)born))
			thread_add(s, (pid_t)born);
		return WHY_NOTHING;
	default:
		return WHY_NOTHING;
	}
	if (signal == (SIGTRAP | 0x80)) {
		read_call(thread);
		return WHY_CALL;
	}
	if (signal == SIGTRAP)
		return why_trapped(thread);
	thread->signal = signal;
	return WHY_SIGNAL;
}

static volatile sig_atomic_t time_up;

static void on_alarm(int signal)
{
	(void)signal;
	time_up = 1;
}

/* From here on waiting ends after so long. */
static void patience(unsigned milliseconds)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
	/* Again and again: the first may come just before the wait. */
	struct itimerval timer = {{0, 10000}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
	time_up = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void patience_over(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
	time_up = 0;
}

/* The next thread that stops. NULL: time is up, or a thread has ended, or all. */
static struct stepper_thread *next_stop(struct stepper *s)
{
	int status;
	pid_t tid = time_up ? -1 : waitpid(-s->pid, &status, __WALL);
	if (tid < 0) {
		if (!time_up && errno != EINTR)
			fail("waitpid");
		return NULL;
	}
	if (!WIFSTOPPED(status)) {
		thread_remove(s, tid);
		if (tid == s->pid) {
			s->status = status;
			s->ended = true;
		}
		return NULL;
	}
	struct stepper_thread *thread = thread_of(s, tid);
	if (!thread)
		thread = thread_add(s, tid);
	thread->stopped = true;
	thread->interrupted =
		false; /* whatever it stops for, the kernel forgets that it was asked */
	thread->stop = (int)why_stopped(s, thread, status);
	return thread;
}

/* --- going on and standing still ----------------------------------------------------------- */

static void resume(struct stepper_thread *thread, int request)
{
	int signal = thread->signal;
	thread->signal = 0;
	thread->stop = WHY_NOTHING;
	thread->stopped = false;
	/* ESRCH: it is being killed; waitpid() will say so. */
	if (trace(request, thread->tid, (uint64_t)signal) != 0 && errno != ESRCH)
		fail("PTRACE_CONT");
}

static void resume_all_but(struct stepper *s, pid_t but)
{
	for (size_t i = 0; i < s->nthreads; i++)
		if (s->thread[i].tid != but && s->thread[i].stopped)
			resume(&s->thread[i], PTRACE_CONT);
}

/* False: it is gone without a word, which happens to one that is killed while it is being born. */
static bool interrupt(struct stepper *s, struct stepper_thread *thread)
{
	thread->interrupted = true;
	return trace(PTRACE_INTERRUPT, thread->tid, 0) == 0 ||
	       syscall(SYS_tgkill, s->pid, thread->tid, 0) == 0;
}

void stepper_halt(struct stepper *s)
{
	for (bool running = true; running && !s->ended;) {
		running = false;
		for (size_t i = s->nthreads; i-- > 0;) {
			struct stepper_thread *thread = &s->thread[i];
			if (!thread->stopped && !thread->interrupted && !interrupt(s, thread))
				thread_remove(s, thread->tid);
			else if (!thread->stopped)
				running = true;
		}
		if (running)
			next_stop(s);
	}
}

/* --- starting and ending ------------------------------------------------------------------- */

static void become(const char *const *argv, const char *const *env, const char *output, int go)
{
	char byte;
	setpgid(0, 0);
	if (read(go, &byte, 1) != 1)
		_exit(127);
	if (output) {
		int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(127);
	}
	for (; env && *env; env++)
		putenv((char *)(uintptr_t)*env);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

struct stepper *stepper_start(const char *const *argv, const char *const *env, const char *output)
{
	const uint64_t options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD |
				 PTRACE_O_EXITKILL;
	struct stepper *s = calloc(1, sizeof *s);
	int go[2];
	if (!s || pipe2(go, O_CLOEXEC) != 0)
		fail("stepper");
	fflush(NULL);
	s->patience_ms = STEPPER_PATIENCE_MS;
	s->pid = fork();
	if (s->pid < 0)
		fail("fork");
	if (s->pid == 0)
		become(argv, env, output, go[0]);
	setpgid(s->pid, s->pid); /* whoever comes first; the other one's fails harmlessly */
	if (trace(PTRACE_SEIZE, s->pid, options) != 0)
		fail("PTRACE_SEIZE");
	thread_add(s, s->pid);
	if (write(go[1], "", 1) != 1)
		fail("write");
	close(go[0]);
	close(go[1]);
	while (!s->ended) {
		struct stepper_thread *thread = next_stop(s);
		if (thread && thread->stop == WHY_EXEC)
			return s;
		if (thread)
			resume(thread, PTRACE_CONT);
	}
	fprintf(stderr, "stepper: %s does not start\n", argv[0]);
	abort();
}

void stepper_kill(struct stepper *s)
{
	if (!s->ended)
		kill(s->pid, SIGKILL);
	while (!s->ended)
		next_stop(s);
}

void stepper_end(struct stepper *s)
{
	stepper_kill(s);
	free(s);
}

/* --- leading ------------------------------------------------------------------------------- */

/* A thread that stands at this mark, and nobody was told. */
static pid_t standing_at(struct stepper *s, int mark)
{
	for (size_t i = 0; i < s->nthreads; i++) {
		struct stepper_thread *thread = &s->thread[i];
		if (thread->stopped && thread->stop == WHY_MARK && thread->mark == mark) {
			thread->stop = WHY_NOTHING;
			s->mark = mark;
			return thread->tid;
		}
	}
	return 0;
}

pid_t stepper_run_to(struct stepper *s, int mark)
{
	pid_t found = standing_at(s, mark);
	if (found || s->ended)
		return found;
	patience(s->patience_ms);
	resume_all_but(s, 0);
	while (!s->ended && !time_up && !found) {
		struct stepper_thread *thread = next_stop(s);
		found = standing_at(s, mark);
		if (thread && !found)
			resume(thread, PTRACE_CONT);
	}
	patience_over();
	stepper_halt(s);
	return s->ended ? 0 : found;
}

bool stepper_run_for(struct stepper *s, unsigned milliseconds)
{
	if (s->ended)
		return false;
	patience(milliseconds);
	resume_all_but(s, 0);
	while (!s->ended && !time_up) {
		struct stepper_thread *thread = next_stop(s);
		if (thread)
			resume(thread, PTRACE_CONT);
	}
	patience_over();
	stepper_halt(s);
	return !s->ended;
}

enum stepper_result stepper_finish(struct stepper *s)
{
	return stepper_run_for(s, s->patience_ms) ? STEPPER_STUCK : STEPPER_ENDED;
}

/* What a thread stands for, as whoever leads it is told. False: it goes on. */
static bool told(struct stepper *s, struct stepper_thread *thread, enum stepper_result *result)
{
	int stop = thread->stop;
	if (stop == WHY_STEP)
		*result = STEPPER_STEPPED;
	else if (stop == WHY_MARK)
		*result = STEPPER_MARKED;
	else if (stop == WHY_CALL)
		*result = thread->call.over ? STEPPER_AT_EXIT : STEPPER_AT_ENTRY;
	else
		return false;
	thread->stop = WHY_NOTHING;
	s->mark = thread->mark;
	s->call = thread->call;
	return true;
}

/* This thread goes on by `request` until it stops for something that it was led to. */
static enum stepper_result lead(struct stepper *s, pid_t tid, int request, bool others)
{
	enum stepper_result result = STEPPER_STUCK;
	struct stepper_thread *thread = thread_of(s, tid);
	patience(s->patience_ms);
	if (others)
		resume_all_but(s, tid);
	if (thread && thread->stopped)
		resume(thread, request);
	while (!time_up && !s->ended && thread_of(s, tid)) {
		thread = next_stop(s);
		if (thread && thread->tid == tid) {
			if (told(s, thread, &result))
				break;
			resume(thread, request); /* with its signal: it stops in the handler */
		} else if (thread && others) {
			resume(thread, PTRACE_CONT);
		}
	}
	patience_over();
	if (s->ended)
		return STEPPER_ENDED;
	return thread_of(s, tid) ? result : STEPPER_GONE;
}

enum stepper_result stepper_step(struct stepper *s, pid_t tid, bool others)
{
	return lead(s, tid, PTRACE_SINGLESTEP, others);
}

enum stepper_result stepper_syscall(struct stepper *s, pid_t tid, bool others)
{
	return lead(s, tid, PTRACE_SYSCALL, others);
}

enum stepper_result stepper_run(struct stepper *s, pid_t tid, bool others)
{
	return lead(s, tid, PTRACE_CONT, others);
}

void stepper_signal(struct stepper *s, pid_t tid, int signal)
{
	if (syscall(SYS_tgkill, s->pid, tid, signal) != 0)
		fail("tgkill");
}
