#include "control/broken.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/diagnose.h"

struct broken {
	char *spec;
	uint64_t failed;
};

static void broken_write(void *state, const struct rill_batch *batch)
{
	struct broken *broken = state;
	for (size_t i = 0; i < batch->count; i++)
		broken->failed += batch->entries[i].record != NULL;
}

static int broken_flush(void *state)
{
	(void)state;
	return 0;
}

static void broken_forget(void *state)
{
	(void)state;
}

static void broken_close(void *state)
{
	struct broken *broken = state;
	if (broken->failed)
		rill__diagnose(__func__,
			       "%llu events were not written to \"%s\", which could not be "
			       "opened",
			       (unsigned long long)broken->failed, broken->spec);
	free(broken->spec);
	free(broken);
}

bool broken_open(struct output *output, const char *spec)
{
	struct broken *broken = calloc(1, sizeof *broken);
	char *copy = strdup(spec);
	if (!broken || !copy) {
		free(broken);
		free(copy);
		return false;
	}
	broken->spec = copy;
	*output = (struct output){broken_write, broken_flush, broken_close, broken_forget, broken};
	// cppcheck-suppress memleak ; it is the output's state, which broken_close() frees
	return true;
}
