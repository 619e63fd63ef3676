/* forks.c where MADV_WIPEONFORK says yes and does nothing, as qemu-user 7.2 does. */
#include <stddef.h>

int madvise(void *pages, size_t size, int advice);

int madvise(void *pages, size_t size, int advice)
{
	(void)pages;
	(void)size;
	(void)advice;
	return 0;
}

#include "forks.c"
