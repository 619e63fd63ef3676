/*
 * What one IP address may do: connections at a time, mails a minute, and for how long it is
 * banned after abuse. An IPv6 client counts by its /64.
 *
 * The table is split into shards with a lock each, taken once a connection and once a mail. It
 * is bounded; a full shard forgets its oldest address that has no connection open.
 */
#ifndef SMTPD_LIMITS_H
#define SMTPD_LIMITS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define LIMITS_SHARDS     64u
#define LIMITS_SHARD_MAX  1024u /* addresses */
#define LIMITS_BUCKETS    256u
#define LIMITS_LOITER_MAX 3u /* time-outs that make a loiterer */

struct limits_entry;
TAILQ_HEAD(limits_order, limits_entry);

struct limits_shard {
	pthread_mutex_t lock;
	struct limits_entry *buckets[LIMITS_BUCKETS];
	struct limits_order order; /* by last use, oldest first */
	unsigned count;
};

struct limits {
	unsigned connections_max;
	unsigned rate; /* mails a minute; 0: no limit */
	uint64_t ban_ms;
	uint64_t seed; /* of the hash, so that no client can choose its bucket */
	struct limits_shard shards[LIMITS_SHARDS];
};

enum limits_verdict { LIMITS_OK, LIMITS_CONNECTIONS, LIMITS_BANNED };

void limits_init(struct limits *limits, unsigned connections_max, unsigned rate, uint64_t ban_ms);
void limits_free(struct limits *limits);

/* LIMITS_OK takes a connection, which limits_disconnect() gives back. Any thread. */
enum limits_verdict limits_connect(struct limits *limits, const struct sockaddr_storage *peer,
				   uint64_t now_ms);
void limits_disconnect(struct limits *limits, const struct sockaddr_storage *peer);

/* May this address send one mail more now? Any thread; needs an open connection. */
bool limits_mail(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms);

/* Both return true if the address is now banned and was not before. Need an open connection. */
bool limits_abuse(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms);
bool limits_loiter(struct limits *limits, const struct sockaddr_storage *peer, uint64_t now_ms);

#endif
