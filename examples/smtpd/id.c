/* Ids for spans. */
#include "id.h"

#include <unistd.h>

#include "smtpd.h"

#define EPOCH_MS      1577836800000u /* 2020-01-01 */
#define SEQUENCE_BITS 6
#define THREAD_BITS   6
#define NODE_BITS     10

void ids_init(struct ids *ids, unsigned thread)
{
	char host[64] = "";
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	gethostname(host, sizeof(host) - 1);
	for (const char *p = host; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	hash = (hash ^ (uint64_t)getpid()) * 1099511628211u;
	hash ^= hash >> 32;
	ids->node = (hash & ((1u << NODE_BITS) - 1)) << (THREAD_BITS + SEQUENCE_BITS) |
		    (uint64_t)thread << SEQUENCE_BITS;
	ids->last_ms = 0;
	ids->sequence = 0;
}

uint64_t id_next(struct ids *ids)
{
	uint64_t now_ms = realtime_ns() / 1000000u - EPOCH_MS;

	if (now_ms > ids->last_ms) {
		ids->last_ms = now_ms;
		ids->sequence = 0;
	} else if (++ids->sequence == 1u << SEQUENCE_BITS) {
		ids->last_ms++;
		ids->sequence = 0;
	}
	return ids->last_ms << (NODE_BITS + THREAD_BITS + SEQUENCE_BITS) | ids->node |
	       ids->sequence;
}
