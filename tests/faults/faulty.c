/*
 * faulty FOLDER: a life in phases (faults.h), in which calls of librill fail. It counts what it
 * emits, does some work of its own that must come out right, and ends with 7. Its own report goes
 * to FOLDER/said, a line for each process, whatever became of its outputs:
 *
 *     PID emitted N drained N filtered N discarded N open N work N
 *
 * drained to discarded: what rill says before the runtime is stopped; open: 0 if no event was
 * recorded after it.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/faults.h"
#include "faults/faulty.h"

#define EXIT_CODE 7
#define WORKERS   2
#define ROUNDS    4 /* of the workers */
#define FLUSH_NS  UINT64_C(3000000000)

static const char *folder;
static uint64_t emitted;
static pthread_barrier_t between;

/* An argument is evaluated once, and only when the event is on: so this counts emitted events. */
static uint64_t counted(uint64_t value)
{
	__atomic_add_fetch(&emitted, 1, __ATOMIC_RELAXED);
	return value;
}

/* Events of one thread in order: their numbers, and a text that each number has for its own. */
static void emit(struct faulty_thread *thread, unsigned count)
{
	char text[FAULTY_TEXT + 1];
	for (unsigned i = 0; i < count; i++) {
		uint64_t id = (uint64_t)thread->number << 32 | thread->next;
		faulty_text(text, id);
		if (thread->next % 16 == 0)
			rill_event(smtp_connection_start, spanId(counted(id)));
		else if (thread->next % 16 == 15)
			rill_event(smtp_connection_end, spanId(counted(id)), total(id - 15));
		else
			rill_event(smtp_ehlo, spanId(counted(id)), hostname(text));
		thread->next++;
	}
}

/* What the program is there for: rill's troubles must not show here. */
static uint64_t work(void)
{
	char path[4096], text[64] = "";
	snprintf(path, sizeof path, "%s/work-%d", folder, getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *memory = malloc(1 << 16);
	if (fd < 0 || !memory || write(fd, "work", 4) != 4 || pread(fd, text, 4, 0) != 4)
		abort();
	close(fd);
	free(memory);
	errno = 4711;
	emit(&(struct faulty_thread){.number = FAULTY_WORK + (unsigned)(getpid() & 0xffff)}, 1);
	if (errno != 4711)
		abort();
	return strcmp(text, "work") == 0;
}

/* Waits at each barrier until the main thread has gone to the next phase. */
static void *worker(void *argument)
{
	struct faulty_thread thread = {.number = (unsigned)(uintptr_t)argument};
	static const unsigned counts[ROUNDS] = {64, 32, 32, 400};
	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&between);
		emit(&thread, counts[round]);
		pthread_barrier_wait(&between);
	}
	return NULL;
}

static void *brief(void *argument)
{
	struct faulty_thread thread = {.number = (unsigned)(uintptr_t)argument};
	emit(&thread, 3);
	return NULL;
}

static void churn(void)
{
	for (unsigned i = 0; i < 24; i += 4) {
		pthread_t threads[4];
		for (unsigned k = 0; k < 4; k++)
			if (pthread_create(&threads[k], NULL, brief,
					   (void *)(uintptr_t)(FAULTY_BRIEF + i + k)) != 0)
				abort();
		for (unsigned k = 0; k < 4; k++)
			pthread_join(threads[k], NULL);
		usleep(12000); /* they are found to have left, and their rings are given back */
	}
}

static void say(uint64_t worked)
{
	struct rill_counts counts;
	char path[4096], line[256];
	rill_flush(FLUSH_NS);
	rill_counts_get(&counts);
	fault_phase(PHASE_STOP);
	rill_stop();
	fault_phase(PHASE_AFTER);
	uint64_t before = emitted;
	emit(&(struct faulty_thread){.number = FAULTY_AFTER}, 3);
	int size = snprintf(line, sizeof line,
			    "%d emitted %" PRIu64 " drained %" PRIu64 " filtered %" PRIu64
			    " discarded %" PRIu64 " open %" PRIu64 " work %" PRIu64 "\n",
			    getpid(), before, counts.drained, counts.filtered, counts.discarded,
			    emitted - before, worked);
	snprintf(path, sizeof path, "%s/said", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || write(fd, line, (size_t)size) != size)
		abort();
	close(fd);
}

__attribute__((unused)) static bool in_child;

/* What the parent's collector had in hand when the child was made is nobody's there. */
#ifdef __SANITIZE_ADDRESS__
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return in_child;
}
#endif

static void child(void)
{
	struct faulty_thread thread = {.number = FAULTY_CHILD};
	in_child = true;
	emitted = 0;
	emit(&thread, 40);
	say(work());
	exit(EXIT_CODE);
}

int main(int argc, char **argv)
{
	struct faulty_thread mine = {.number = FAULTY_MAIN};
	pthread_t threads[WORKERS];
	char spec[4096];
	if (argc != 2)
		return 2;
	folder = argv[1];
	pthread_barrier_init(&between, NULL, WORKERS + 1);
	emit(&mine, 5);
	for (uintptr_t i = 0; i < WORKERS; i++)
		if (pthread_create(&threads[i], NULL, worker, (void *)(i + 1)) != 0)
			abort();
	for (int round = 0; round < ROUNDS; round++) {
		fault_phase((enum fault_phase)(PHASE_STEADY + round));
		pthread_barrier_wait(&between);
		emit(&mine, 5);
		if (round == PHASE_FILTER - PHASE_STEADY) {
			rill_filter_apply("*=trace,smtp.ehlo=off");
			emit(&mine, 16);
			rill_filter_apply("*=trace");
		} else if (round == PHASE_SINK - PHASE_STEADY) {
			snprintf(spec, sizeof spec, "json:%s/added", folder);
			rill_sink_add(spec);
		}
		pthread_barrier_wait(&between);
	}
	fault_phase(PHASE_CHURN);
	churn();
	fault_phase(PHASE_FORK);
	pid_t pid = fork();
	if (pid == 0)
		child();
	emit(&mine, 10);
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != EXIT_CODE) {
		fprintf(stderr, "child %x\n", (unsigned)status);
		return 1;
	}
	fault_phase(PHASE_FLUSH);
	rill_flush(FLUSH_NS);
	emit(&mine, 10);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	say(work());
	return EXIT_CODE;
}
