/* What one IP address may do. */
#include "limits.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "witness.h"

struct limits_entry {
	struct limits_entry *next;
	TAILQ_ENTRY(limits_entry) order;
	uint64_t address[2];
	unsigned connections;
	unsigned loitered;
	uint64_t banned_until_ms; /* 0: not banned */
	uint64_t tokens;          /* mails, in 1/60000: a millisecond refills `rate` of them */
	uint64_t refilled_ms;
};

#define TOKEN 60000u

static void address_of(const struct sockaddr_storage *peer, uint64_t address[2])
{
	address[0] = peer->ss_family;
	address[1] = 0;
	if (peer->ss_family == AF_INET6) /* the /64 */
		memcpy(&address[1], &((const struct sockaddr_in6 *)peer)->sin6_addr, 8);
	else
		memcpy(&address[1], &((const struct sockaddr_in *)peer)->sin_addr, 4);
}

static uint64_t hash_of(const struct limits *limits, const uint64_t address[2])
{
	uint64_t hash = (address[1] ^ limits->seed) * 0x9e3779b97f4a7c15u;

	hash ^= hash >> 32;
	hash = (hash + address[0]) * 0xd6e8feb86659fd93u;
	return hash ^ hash >> 29;
}

void limits_init(struct limits *limits, unsigned connections_max, unsigned rate, uint64_t ban_ms)
{
	memset(limits, 0, sizeof(*limits));
	limits->connections_max = connections_max;
	limits->rate = rate;
	limits->ban_ms = ban_ms;
	if (getrandom(&limits->seed, sizeof(limits->seed), 0) < 0)
		limits->seed = (uint64_t)(uintptr_t)limits; /* still ASLR's */
	for (unsigned i = 0; i < LIMITS_SHARDS; i++) {
		pthread_mutex_init(&limits->shards[i].lock, NULL);
		TAILQ_INIT(&limits->shards[i].order);
	}
}

void limits_free(struct limits *limits)
{
	for (unsigned i = 0; i < LIMITS_SHARDS; i++) {
		struct limits_shard *shard = &limits->shards[i];
		struct limits_entry *entry;

		while ((entry = TAILQ_FIRST(&shard->order))) {
			TAILQ_REMOVE(&shard->order, entry, order);
			free(entry);
		}
		pthread_mutex_destroy(&shard->lock);
	}
}

static struct limits_entry **slot_of(struct limits_shard *shard, uint64_t hash,
				     const uint64_t address[2])
{
	struct limits_entry **slot = &shard->buckets[(hash >> 8) % LIMITS_BUCKETS];

	while (*slot && memcmp((*slot)->address, address, sizeof((*slot)->address)))
		slot = &(*slot)->next;
	return slot;
}

/* Forgets the oldest address without a connection or a ban; false if there is none. */
static bool make_room(struct limits *limits, struct limits_shard *shard, uint64_t now_ms)
{
	struct limits_entry *entry;

	for (entry = TAILQ_FIRST(&shard->order); entry; entry = TAILQ_NEXT(entry, order)) {
		if (entry->connections || entry->banned_until_ms > now_ms)
			continue;
		*slot_of(shard, hash_of(limits, entry->address), entry->address) = entry->next;
		TAILQ_REMOVE(&shard->order, entry, order);
		free(entry);
		shard->count--;
		return true;
	}
	return false;
}

/* The address's entry, made if need be, its shard locked; NULL, unlocked, when there is no room. */
static struct limits_entry *entry_lock(struct limits *limits, struct limits_shard **shard_out,
				       const struct sockaddr_storage *peer, uint64_t now_ms)
{
	uint64_t address[2];
	uint64_t hash;
	struct limits_shard *shard;
	struct limits_entry *entry;

	address_of(peer, address);
	hash = hash_of(limits, address);
	*shard_out = shard = &limits->shards[hash % LIMITS_SHARDS];
	pthread_mutex_lock(&shard->lock);
	entry = *slot_of(shard, hash, address);
	if (entry) {
		TAILQ_REMOVE(&shard->order, entry, order);
		TAILQ_INSERT_TAIL(&shard->order, entry, order);
		return entry;
	}
	if (shard->count == LIMITS_SHARD_MAX && !make_room(limits, shard, now_ms))
		goto none;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		goto none;
	memcpy(entry->address, address, sizeof(address));
	entry->tokens = (uint64_t)limits->rate * TOKEN;
	entry->refilled_ms = now_ms;
	*slot_of(shard, hash, address) = entry;
	TAILQ_INSERT_TAIL(&shard->order, entry, order);
	shard->count++;
	return entry;
none:
	pthread_mutex_unlock(&shard->lock);
	return NULL;
}

enum limits_verdict limits_connect(struct limits *limits, const struct sockaddr_storage *peer,
				   uint64_t now_ms)
{
	enum limits_verdict verdict = LIMITS_OK;
	struct limits_shard *shard;
	struct limits_entry *entry = entry_lock(limits, &shard, peer, now_ms);
	bool expired = false;

	if (!entry)
		return LIMITS_CONNECTIONS;
	if (entry->banned_until_ms > now_ms) {
		verdict = LIMITS_BANNED;
	} else {
		if (entry->banned_until_ms) {
			entry->banned_until_ms = 0;
			entry->loitered = 0;
			expired = true;
		}
		if (entry->connections >= limits->connections_max)
			verdict = LIMITS_CONNECTIONS;
		else
			entry->connections++;
	}
	pthread_mutex_unlock(&shard->lock);
	if (expired)
		rill_event(security_ip_block_expired,
			   details(rill_list(rill_ip(counted((const struct sockaddr *)peer)))));
	return verdict;
}

void limits_disconnect(struct limits *limits, const struct sockaddr_storage *peer)
{
	struct limits_shard *shard;
	struct limits_entry *entry = entry_lock(limits, &shard, peer, 0);

	if (entry) {
		entry->connections--;
		pthread_mutex_unlock(&shard->lock);
	}
}

bool limits_mail(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms)
{
	struct limits_shard *shard;
	struct limits_entry *entry;
	uint64_t full = (uint64_t)limits->rate * TOKEN;
	bool allowed;

	if (!limits->rate)
		return true;
	entry = entry_lock(limits, &shard, peer, now_ms);
	if (!entry)
		return false;
	if (now_ms - entry->refilled_ms >= TOKEN)
		entry->tokens = full;
	else
		entry->tokens += (now_ms - entry->refilled_ms) * limits->rate;
	if (entry->tokens > full)
		entry->tokens = full;
	entry->refilled_ms = now_ms;
	allowed = entry->tokens >= TOKEN;
	if (allowed)
		entry->tokens -= TOKEN;
	pthread_mutex_unlock(&shard->lock);
	return allowed;
}

static bool ban(const struct limits *limits, struct limits_entry *entry, uint64_t now_ms)
{
	bool fresh = entry->banned_until_ms <= now_ms;

	entry->banned_until_ms = now_ms + limits->ban_ms;
	return fresh;
}

bool limits_abuse(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms)
{
	struct limits_shard *shard;
	struct limits_entry *entry;
	bool fresh;

	if (!limits->ban_ms || !(entry = entry_lock(limits, &shard, peer, now_ms)))
		return false;
	fresh = ban(limits, entry, now_ms);
	pthread_mutex_unlock(&shard->lock);
	return fresh;
}

bool limits_loiter(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms)
{
	struct limits_shard *shard;
	struct limits_entry *entry;
	bool fresh = false;

	if (!limits->ban_ms || !(entry = entry_lock(limits, &shard, peer, now_ms)))
		return false;
	if (++entry->loitered >= LIMITS_LOITER_MAX)
		fresh = ban(limits, entry, now_ms);
	pthread_mutex_unlock(&shard->lock);
	return fresh;
}
