/*
 * urcu CHILDREN: an application that uses liburcu itself, of the flavour FLAVOUR_memb or
 * FLAVOUR_bp: two threads emit inside its read-side sections, one waits for grace periods and
 * emits, and the main thread forks children, which do both. Prints what was emitted, counted here.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#ifdef FLAVOUR_memb
#include <urcu/urcu-memb.h>
#else
#include <urcu/urcu-bp.h>
#define urcu_memb_read_lock           urcu_bp_read_lock
#define urcu_memb_read_unlock         urcu_bp_read_unlock
#define urcu_memb_synchronize_rcu     urcu_bp_synchronize_rcu
#define urcu_memb_register_thread()   ((void)0)
#define urcu_memb_unregister_thread() ((void)0)
#endif

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int over;
static uint64_t emitted;

static uint64_t counted(uint64_t *count)
{
	return ++*count;
}

static void *read_and_emit(void *argument)
{
	uint64_t count = 0;
	urcu_memb_register_thread();
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		urcu_memb_read_lock();
		for (int i = 0; i < 32; i++)
			rill_event(smtp_ehlo, total(counted(&count)));
		urcu_memb_read_unlock();
		usleep(50);
	}
	urcu_memb_unregister_thread();
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return argument;
}

static void *wait_and_emit(void *argument)
{
	uint64_t count = 0;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		urcu_memb_synchronize_rcu();
		rill_event(smtp_rset, total(counted(&count)));
		usleep(50);
	}
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	return argument;
}

/* Without liburcu's part in fork() a child of the memb flavour may read only: it registers anew. */
static void be_child(void)
{
	for (unsigned i = 0; i < 20; i++) {
#ifdef FLAVOUR_bp
		urcu_memb_read_lock();
#endif
		rill_event(smtp_noop, total(i));
#ifdef FLAVOUR_bp
		urcu_memb_read_unlock();
#endif
	}
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	int children = argc > 1 ? atoi(argv[1]) : 1;
	pthread_create(&threads[0], NULL, read_and_emit, NULL);
	pthread_create(&threads[1], NULL, read_and_emit, NULL);
	pthread_create(&threads[2], NULL, wait_and_emit, NULL);
	for (int i = 0; i < children; i++) {
		int status = 1;
#ifdef FLAVOUR_bp
		urcu_bp_before_fork();
#endif
		pid_t pid = fork();
#ifdef FLAVOUR_bp
		if (pid == 0)
			urcu_bp_after_fork_child();
		else
			urcu_bp_after_fork_parent();
#endif
		if (pid == 0)
			be_child();
		if (waitpid(pid, &status, 0) != pid || status != 0)
			return 1;
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("emitted %llu children %d\n", (unsigned long long)emitted, children);
	return 0;
}
