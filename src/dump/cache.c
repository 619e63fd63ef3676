/* Decoded chunks: those that are being read, and a few more that may be needed again. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dump/reader.h"

/* Segments of one chunk that lie far apart in time would decode it again and again. */
#define IDLE_MOST 4u

static void leave_idle(struct cache *cache, struct chunk *chunk)
{
	struct chunk *before = NULL;
	for (struct chunk *at = cache->oldest; at != chunk; at = at->newer)
		before = at;
	if (before)
		before->newer = chunk->newer;
	else
		cache->oldest = chunk->newer;
	if (cache->newest == chunk)
		cache->newest = before;
	cache->nidle--;
}

/* What comes to light about a chunk only when it is decoded: its check was right. */
static void tell(struct chunk *chunk, bool broken)
{
	if (!chunk->decoded && !chunk->cut && broken)
		file_damage(chunk->file,
			    "the chunk at byte %" PRIu64 " is broken: %" PRIu64
			    " bytes of records are lost",
			    chunk->position, chunk->raw_bytes - chunk->whole);
	chunk->decoded = true;
}

int cache_take(struct cache *cache, struct chunk *chunk)
{
	if (chunk->raw) {
		if (!chunk->users++)
			leave_idle(cache, chunk);
		return 0;
	}
	if (!cache->decoder)
		cache->decoder = decoder_new();
	if (!cache->decoder)
		return -ENOMEM;
	chunk->raw = malloc(chunk->raw_bytes + DECODER_SLACK);
	if (!chunk->raw)
		return -ENOMEM;
	int error = decoder_run(cache->decoder, chunk->body, chunk->available, chunk->raw,
				chunk->raw_bytes, &chunk->whole);
	if (error == -ENOMEM) {
		free(chunk->raw);
		chunk->raw = NULL;
		return error;
	}
	chunk->users = 1;
	tell(chunk, error != 0);
	return 0;
}

void cache_release(struct cache *cache, struct chunk *chunk)
{
	if (--chunk->users)
		return;
	chunk->newer = NULL;
	if (cache->newest)
		cache->newest->newer = chunk;
	else
		cache->oldest = chunk;
	cache->newest = chunk;
	cache->nidle++;
}

bool cache_is_full(const struct cache *cache)
{
	return cache->nidle > IDLE_MOST;
}

void cache_trim(struct cache *cache)
{
	while (cache_is_full(cache)) {
		struct chunk *chunk = cache->oldest;
		leave_idle(cache, chunk);
		free(chunk->raw);
		chunk->raw = NULL;
	}
}
