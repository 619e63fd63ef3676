/* forks.c where MADV_WIPEONFORK says yes and does nothing, as qemu-user did before version 8. */
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
