/*
 * unloads many TIMES PLUGIN...: a thread for each plugin loads it, lets it emit and unloads it,
 * while two others emit and one changes the filter. Says how many events the two emitted that were
 * on, and how much memory there was after a tenth of it and at the end, in KiB. unloads namespace
 * PLUGIN: the same once, in a namespace of its own. unloads abandoned PLUGIN: says how many ms it
 * takes to unload a plugin twice while a thread has left an event in the middle and sleeps. unloads
 * crowd N: registers N catalogs that differ, twice; says how many were taken.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rill/control.h>

static bool over;
static int times;
static uint64_t emitted;

static long rss_kib(void)
{
	long pages = 0;
	FILE *from = fopen("/proc/self/statm", "r");
	if (!from || fscanf(from, "%*d %ld", &pages) != 1)
		exit(9);
	fclose(from);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void fail(void)
{
	fprintf(stderr, "%s\n", dlerror());
	exit(9);
}

static void work(void *plugin, uint64_t number)
{
	void (*function)(uint64_t) = (void (*)(uint64_t))dlsym(plugin, "wares_work");
	if (!function)
		fail();
	function(number);
}

static void come_and_go(const char *path, int flags, uint64_t number)
{
	void *plugin = dlopen(path, RTLD_NOW | flags);
	if (!plugin)
		fail();
	work(plugin, number);
	if (dlclose(plugin) != 0)
		fail();
	if (dlopen(path, RTLD_NOW | RTLD_NOLOAD)) {
		fprintf(stderr, "%s is still there\n", path);
		exit(9);
	}
}

static void *loader(void *path)
{
	for (int i = 0; i < times; i++) {
#ifdef RTLD_DEEPBIND
		const int flags[] = {RTLD_LOCAL, RTLD_GLOBAL, RTLD_LOCAL | RTLD_DEEPBIND};
#else
		const int flags[] = {RTLD_LOCAL, RTLD_GLOBAL, RTLD_LOCAL};
#endif
		come_and_go(path, flags[i % (getenv("NO_DEEPBIND") ? 2 : 3)], (uint64_t)i);
		if (i == times / 10)
			printf("early %ld KiB\n", rss_kib());
	}
	return NULL;
}

static void *emitter(void *argument)
{
	uint64_t mine = 0;
	(void)argument;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		rill_event(smtp_noop, total(++mine));
		rill_event(smtp_rset, total(++mine));
		if (mine % 64 == 0)
			usleep(50);
	}
	__atomic_fetch_add(&emitted, mine, __ATOMIC_RELAXED);
	return NULL;
}

static void *filterer(void *argument)
{
	(void)argument;
	for (int i = 0; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
		rill_filter_apply(i % 2 ? "*=trace" : "*=trace,smtp.rset=off");
		usleep(500);
	}
	return NULL;
}

static int many(char **plugins, int n)
{
	pthread_t loaders[8], others[3];
	for (int i = 0; i < n && i < 8; i++)
		pthread_create(&loaders[i], NULL, loader, plugins[i]);
	for (int i = 0; i < 3; i++)
		pthread_create(&others[i], NULL, i < 2 ? emitter : filterer, NULL);
	for (int i = 0; i < n && i < 8; i++)
		pthread_join(loaders[i], NULL);
	long kib = rss_kib();
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(others[i], NULL);
	printf("emitted %llu late %ld KiB\n", (unsigned long long)emitted, kib);
	return 0;
}

/* --- an event that is left in the middle ------------------------------------------------------ */

static sigjmp_buf out;

static void jump(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

static void *abandon(void *argument)
{
	if (sigsetjmp(out, 1) == 0)
		rill_event(smtp_ehlo, hostname((const char *)8, (size_t)16));
	*(volatile bool *)argument = true;
	for (;;)
		pause();
	return NULL;
}

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int abandoned(const char *path)
{
	struct sigaction action = {.sa_handler = jump};
	volatile bool done = false;
	pthread_t thread;
	sigaction(SIGSEGV, &action, NULL);
	pthread_create(&thread, NULL, abandon, (void *)(uintptr_t)&done);
	while (!done)
		usleep(1000);
	long long start = now_ms();
	come_and_go(path, 0, 1);
	long long first = now_ms();
	come_and_go(path, 0, 2);
	printf("first %lld then %lld\n", first - start, now_ms() - first);
	return 0;
}

/* --- more catalogs than there can be ---------------------------------------------------------- */

static int crowd(unsigned n)
{
	static const struct rill_catalog_event events[] = {
		{.name = "a.b", .brief = "", .text = ""}};
	static const char *const subsystems[] = {"a"};
	struct rill_catalog *catalogs = calloc(n, sizeof *catalogs);
	struct rill__gate *gates = calloc(n, sizeof *gates);
	unsigned taken = 0, again = 0;
	for (unsigned i = 0; i < n; i++) {
		catalogs[i] = (struct rill_catalog){.layout = RILL_CATALOG_LAYOUT,
						    .size = sizeof *catalogs,
						    .hash = i + 1,
						    .name = "crowd",
						    .subsystems = subsystems,
						    .events = events,
						    .nsubsystems = 1,
						    .nevents = 1};
		gates[i].bits = rill__closed;
		rill__register(&gates[i], &catalogs[i], RILL_CATALOG_LAYOUT, sizeof *gates);
		taken += gates[i].registered && gates[i].bits != rill__closed;
		rill__unregister(&gates[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		rill__register(&gates[i], &catalogs[i], RILL_CATALOG_LAYOUT, sizeof *gates);
		again += gates[i].registered;
	}
	for (unsigned i = 0; i < n; i++)
		rill__unregister(&gates[i]);
	rill_event(smtp_noop, total(1));
	printf("taken %u again %u\n", taken, again);
	free(gates);
	free(catalogs);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	rill_event(smtp_noop, total(0));
	if (strcmp(how, "many") == 0 && argc > 3) {
		times = atoi(argv[2]);
		return many(argv + 3, argc - 3);
	}
	if (strcmp(how, "abandoned") == 0)
		return abandoned(argv[2]);
	if (strcmp(how, "crowd") == 0)
		return crowd((unsigned)atoi(argv[2]));
	if (strcmp(how, "namespace") != 0)
		return 9;
	void *plugin = dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW);
	if (!plugin)
		fail();
	work(plugin, 7);
	return dlclose(plugin) == 0 ? 0 : 9;
}
