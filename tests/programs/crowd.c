/*
 * crowd ROUNDS AT_ONCE EVENTS: so many times, so many threads are started, emit so many events
 * each, wait until all have, and end. Prints what was emitted, counted here; what rill says of
 * losses; and before, while all live in the last round, and after they have ended: the process's
 * memory and shared memory in KiB, its mappings, and its rings with memory.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 20000
#define STACK_BYTES 32768

static pthread_barrier_t all_emitted, all_seen;
static uint64_t events, emitted;

static uint64_t counted(uint64_t *count)
{
	return ++*count;
}

static void *member(void *argument)
{
	uint64_t count = 0;
	while (count < events)
		rill_event(smtp_ehlo, spanId((uint64_t)(uintptr_t)argument),
			   total(counted(&count)));
	__atomic_add_fetch(&emitted, count, __ATOMIC_RELAXED);
	pthread_barrier_wait(&all_emitted);
	pthread_barrier_wait(&all_seen);
	return NULL;
}

static unsigned long value_of(const char *path, const char *name)
{
	char line[256];
	unsigned long value = 0;
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoul(line + strlen(name), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static unsigned mappings(void)
{
	unsigned lines = 0;
	int c;
	FILE *file = fopen("/proc/self/maps", "r");
	while (file && (c = getc(file)) != EOF)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

/* Files of rings in the process's runtime directory. */
static unsigned rings(void)
{
	const char *where = getenv("RILL_RUNTIME_DIR");
	char path[600], name[64];
	unsigned count = 0;
	snprintf(name, sizeof name, "rill-%u-%u-", (unsigned)geteuid(), (unsigned)getpid());
	DIR *directory = opendir(where ? where : "/dev/shm");
	for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
		if (strncmp(entry->d_name, name, strlen(name)) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", where ? where : "/dev/shm", entry->d_name);
		DIR *own = opendir(path);
		while (own && (entry = readdir(own)) != NULL)
			count += strncmp(entry->d_name, "ring-", 5) == 0;
		if (own)
			closedir(own);
		break;
	}
	if (directory)
		closedir(directory);
	return count;
}

static void tell(const char *when)
{
	printf("%s-rss %lu %s-shared %lu %s-mappings %u %s-rings %u\n", when,
	       value_of("/proc/self/status", "RssAnon:"), when,
	       value_of("/proc/self/status", "RssShmem:"), when, mappings(), when, rings());
}

static void one_round(unsigned at_once, bool last)
{
	static pthread_t threads[MAX_THREADS];
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned i = 0; i < at_once; i++) {
		int error = pthread_create(&threads[i], &attributes, member, (void *)(uintptr_t)i);
		if (error) {
			printf("thread %u: %s\n", i, strerror(error));
			exit(3);
		}
	}
	pthread_attr_destroy(&attributes);
	pthread_barrier_wait(&all_emitted);
	if (last)
		tell("during");
	pthread_barrier_wait(&all_seen);
	for (unsigned i = 0; i < at_once; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	unsigned rounds = (unsigned)atoi(argv[1]), at_once = (unsigned)atoi(argv[2]);
	events = strtoull(argv[3], NULL, 10);
	if (at_once > MAX_THREADS)
		return 2;
	rill_event(smtp_noop, total(0));
	rill_flush(UINT64_C(10000000000));
	tell("before");
	pthread_barrier_init(&all_emitted, NULL, at_once + 1);
	pthread_barrier_init(&all_seen, NULL, at_once + 1);
	for (unsigned round = 1; round <= rounds; round++)
		one_round(at_once, round == rounds);
	struct rill_counts counts, later;
	rill_flush(UINT64_C(60000000000));
	/* The collector gives the memory back by and by. */
	for (int i = 0; i < 2000 && rings() > 40; i++)
		usleep(10000);
	tell("after");
	rill_counts_get(&counts);
	/* And there is room again. */
	pthread_barrier_init(&all_emitted, NULL, 11);
	pthread_barrier_init(&all_seen, NULL, 11);
	one_round(10, false);
	rill_flush(UINT64_C(10000000000));
	rill_counts_get(&later);
	printf("emitted %llu discarded %llu later %llu\n", (unsigned long long)emitted,
	       (unsigned long long)counts.discarded,
	       (unsigned long long)(later.discarded - counts.discarded));
	return 0;
}
