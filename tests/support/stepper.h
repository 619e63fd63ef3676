/*
 * Leading a program to a chosen instruction or system call of one of its threads, by ptrace(2), and
 * doing something to it there: killing it, handing a thread a signal, looking at what its files
 * hold.
 *
 *     struct stepper *s = stepper_start(argv, env);
 *     pid_t tid = stepper_run_to(s, 1);              // the program: stepper_mark(1);
 *     for (unsigned i = 0; i < k; i++)
 *             if (stepper_step(s, tid, false) == STEPPER_MARKED && s->mark == 2)
 *                     break;                         // the end: stepper_mark(2);
 *     stepper_kill(s);
 *     stepper_end(s);
 *
 * Between two calls every thread stands still, but for those that a call with `others` has let
 * run. Threads that the program starts are led as well; processes that it starts are not, and
 * must not come to a mark. One test has one stepper at a time, from one thread, and SIGALRM is the
 * stepper's. Whatever ptrace cannot do aborts the test; a thread that does not come to where it
 * should within `patience_ms` is a result, STEPPER_STUCK. Marks of threads that nobody waits for
 * are passed over.
 */
#ifndef TESTS_STEPPER_H
#define TESTS_STEPPER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* A place in a program that runs under a stepper: anywhere else it dies here. */
static inline void stepper_mark(int number)
{
	siginfo_t info = {.si_signo = SIGTRAP, .si_code = SI_QUEUE};
	info.si_value.sival_int = number;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGTRAP, &info);
}

#define STEPPER_PATIENCE_MS 20000
#define STEPPER_MAX_THREADS 64

enum stepper_result {
	STEPPER_STEPPED,  /* one instruction is done, or handed a signal's handler */
	STEPPER_MARKED,   /* it has passed a mark: `mark` */
	STEPPER_AT_ENTRY, /* of a system call: `call` */
	STEPPER_AT_EXIT,  /* of a system call: `call`, with its result */
	STEPPER_GONE,     /* this thread has ended */
	STEPPER_ENDED,    /* the process has ended: `status` */
	STEPPER_STUCK,    /* the thread waits for something that does not come */
};

struct stepper_call {
	uint64_t number; /* SYS_... */
	uint64_t argument[6];
	bool over;
	int64_t result; /* once it is over */
};

struct stepper_thread {
	pid_t tid;
	bool stopped;
	bool interrupted; /* asked to stop, and has not said yet that it did */
	int signal;       /* to be handed over when it goes on */
	int stop;         /* why it stands, if nobody was told yet: enum why */
	int mark;
	struct stepper_call call;
};

struct stepper {
	pid_t pid;
	unsigned patience_ms; /* STEPPER_PATIENCE_MS, unless the test sets another */
	bool ended;
	int status; /* as of waitpid(2), once it has ended */
	int mark;   /* of the last STEPPER_MARKED */
	struct stepper_call call;
	size_t nthreads;
	struct stepper_thread thread[STEPPER_MAX_THREADS];
};

/* Starts argv[0] with "NAME=value" of env added (NULL at its end; or NULL), standing at its first
 * instruction. Its output goes where the test's goes; `output` (NULL: no) names a file for it. */
struct stepper *stepper_start(const char *const *argv, const char *const *env, const char *output);
/* Kills what still lives and frees. */
void stepper_end(struct stepper *stepper);

/* All threads run until one passes this mark: its id. 0: the process ended or no one came. */
pid_t stepper_run_to(struct stepper *stepper, int mark);

/* All threads run for so long, at least. False: the process has ended. */
bool stepper_run_for(struct stepper *stepper, unsigned milliseconds);

/* The thread of that name (PR_SET_NAME). 0: there is none. */
pid_t stepper_find(const struct stepper *stepper, const char *name);

/* One instruction of this thread; a system call is one, and so is each round of a string
 * instruction. Others stand still, or run on. Aborts the test where the CPU cannot step (riscv64).
 */
enum stepper_result stepper_step(struct stepper *stepper, pid_t tid, bool others);

/* This thread runs to its next entry into a system call, or to the exit of the one it is in. */
enum stepper_result stepper_syscall(struct stepper *stepper, pid_t tid, bool others);

/* This thread runs until it passes a mark, whichever. */
enum stepper_result stepper_run(struct stepper *stepper, pid_t tid, bool others);

/* This thread is handed a signal: its handler runs before the thread's next instruction. */
void stepper_signal(struct stepper *stepper, pid_t tid, int signal);

/* All stand still (after calls with `others`). */
void stepper_halt(struct stepper *stepper);

/* All run until the process ends, or time is up: STEPPER_STUCK. */
enum stepper_result stepper_finish(struct stepper *stepper);

/* kill -9: returns when the process is gone, with everything that the kernel does then. */
void stepper_kill(struct stepper *stepper);

#endif
