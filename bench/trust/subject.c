/*
 * subject HOW WITNESS [PLUGIN]: emits, and gets into trouble. WITNESS is a file of 64-bit words:
 * how many events each thread has emitted, stored when the call has returned.
 *
 *   run     one thread emits until somebody kills it
 *   crash   the same for 20 ms, then SIGSEGV
 *   fork    two threads emit while the first one forks 100 children, one after the other, of which
 *           each emits 100 events and calls exit(); says how many of them ended within 2 s
 *   unload  a thread emits while the first one loads, uses and unloads PLUGIN 1,000 times
 *   exit    5,000 events and "emitted"; after a byte from standard input "leaving NS", and it
 *           returns from main()
 *   main    the main thread ends by pthread_exit(), the other one 50 ms later
 */
#include "bench/trust/subject.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS    512
#define CHILDREN 100
#define OF_CHILD 100
#define LOADS    1000

static uint64_t *witness;
static bool over;

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void emit(uint64_t who)
{
	uint64_t number = witness[who] + 1;
	subject_emit(who, number);
	__atomic_store_n(&witness[who], number, __ATOMIC_RELEASE);
}

static void *emitter(void *who)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		emit((uintptr_t)who);
	return NULL;
}

/* So that what is read afterwards stays small, however long the children take. */
static void *calm_emitter(void *who)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		emit((uintptr_t)who);
		if (witness[(uintptr_t)who] % 16 == 0)
			nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return NULL;
}

static void *short_emitter(void *who)
{
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	for (int i = 0; i < 1000; i++)
		emit((uintptr_t)who);
	printf("leaving %llu\n", (unsigned long long)now_ns());
	fflush(stdout);
	return NULL;
}

static pthread_t start(void *(*run)(void *), uintptr_t who)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, (void *)who) != 0)
		exit(9);
	return thread;
}

static void crash(void)
{
	uint64_t until_ns = now_ns() + 20000000;
	while (now_ns() < until_ns)
		for (int i = 0; i < 100; i++)
			emit(0);
	raise(SIGSEGV);
}

static bool ends_soon(pid_t child)
{
	uint64_t until_ns = now_ns() + 2000000000;
	while (now_ns() < until_ns) {
		if (waitpid(child, NULL, WNOHANG) == child)
			return true;
		nanosleep(&(struct timespec){0, 500000}, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return false;
}

static void make_children(void)
{
	pthread_t threads[] = {start(calm_emitter, 1), start(calm_emitter, 2)};
	int ended = 0, hung = 0;
	for (uintptr_t child = 0; child < CHILDREN && hung < 5; child++) {
		pid_t pid = fork();
		if (pid == 0) {
			for (int i = 0; i < OF_CHILD; i++)
				emit(3 + child);
			exit(0);
		}
		bool soon = ends_soon(pid);
		ended += soon;
		hung += !soon;
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("children %d ended %d\n", ended + hung, ended);
}

static void load_and_unload(const char *path)
{
	pthread_t thread = start(calm_emitter, 1);
	int unloaded = 0;
	for (int i = 0; i < LOADS; i++) {
		void *plugin = dlopen(path, RTLD_NOW);
		void (*use)(uint64_t, uint64_t) =
			plugin ? (void (*)(uint64_t, uint64_t))dlsym(plugin, "plugin_emit") : NULL;
		if (!use) {
			fprintf(stderr, "%s\n", dlerror());
			exit(9);
		}
		use(2, witness[2] + 1);
		witness[2]++;
		dlclose(plugin);
		unloaded += !dlopen(path, RTLD_NOW | RTLD_NOLOAD);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("unloaded %d of %d\n", unloaded, LOADS);
}

static void emit_and_wait(void)
{
	char byte;
	for (int i = 0; i < 5000; i++)
		emit(0);
	printf("emitted\n");
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) != 1)
		exit(9);
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	if (fd < 0 || ftruncate(fd, WORDS * 8) != 0)
		return 9;
	witness = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (witness == MAP_FAILED)
		return 9;
	const char *how = argv[1];
	subject_open();
	if (strcmp(how, "run") == 0)
		emitter(NULL);
	else if (strcmp(how, "crash") == 0)
		crash();
	else if (strcmp(how, "fork") == 0)
		make_children();
	else if (strcmp(how, "unload") == 0 && argc > 3)
		load_and_unload(argv[3]);
	else if (strcmp(how, "exit") == 0)
		emit_and_wait();
	if (strcmp(how, "main") == 0) {
		emit(0);
		pthread_detach(start(short_emitter, 1));
		pthread_exit(NULL);
	}
	printf("leaving %llu\n", (unsigned long long)now_ns());
	fflush(stdout);
	return 0;
}
