/*
 * pages: a process whose page has $PAGE_SIZE bytes, as far as librill sees it: what it asks of the
 * kernel must be aligned to that, or it ends with what was wrong. Emits, from three threads,
 * strings of many lengths through rings that wrap many times; prints how many.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* librill takes memory before main(). */
static size_t page_size(void)
{
	static size_t size;
	const char *text = getenv("PAGE_SIZE");
	if (!size)
		size = text ? strtoul(text, NULL, 10) : 4096;
	return size;
}

static void expect_aligned(const char *what, uint64_t value)
{
	if (value % page_size() == 0)
		return;
	fprintf(stderr, "%s: %llx is within a page\n", what, (unsigned long long)value);
	_exit(3);
}

/* The C library's own calls do not come here. */
long sysconf(int name)
{
	static long (*real)(int);
	if (!real)
		real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
	return name == _SC_PAGESIZE ? (long)page_size() : real(name);
}

static void *real_mmap(void *at, size_t size, int access, int how, int fd, off_t from)
{
	static void *(*real)(void *, size_t, int, int, int, off_t);
	if (!real)
		real = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
	return real(at, size, access, how, fd, from);
}

/* Where the kernel puts it, a page of that size begins. */
void *mmap(void *at, size_t size, int access, int how, int fd, off_t from)
{
	expect_aligned("mmap's offset", (uint64_t)from);
	if (how & MAP_FIXED) {
		expect_aligned("mmap's address", (uintptr_t)at);
		/* The kernel would replace whole pages. */
		expect_aligned("mmap's size", size);
		return real_mmap(at, size, access, how, fd, from);
	}
	char *wide =
		real_mmap(NULL, size + page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (wide == MAP_FAILED)
		return wide;
	wide += -(uintptr_t)wide % page_size();
	return real_mmap(wide, size, access, how | MAP_FIXED, fd, from);
}

int munmap(void *at, size_t size)
{
	static int (*real)(void *, size_t);
	if (!real)
		real = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
	expect_aligned("munmap's address", (uintptr_t)at);
	return real(at, size);
}

int madvise(void *at, size_t size, int advice)
{
	static int (*real)(void *, size_t, int);
	if (!real)
		real = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "madvise");
	expect_aligned("madvise's address", (uintptr_t)at);
	return real(at, size, advice);
}

#define COUNT 20000

static void *emit(void *argument)
{
	static const char text[4096] = "a";
	for (uint64_t i = 0; i < COUNT; i++)
		rill_event(smtp_ehlo, total(i), hostname(text, i * 37 % sizeof text));
	return argument;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, emit, NULL);
	emit(NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("emitted %d\n", 3 * COUNT);
	return 0;
}
