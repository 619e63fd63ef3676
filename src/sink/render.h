/* How numbers, times, addresses and characters look: what text and JSON have in common. */
#ifndef RILL_SINK_RENDER_H
#define RILL_SINK_RENDER_H

#include <rill/sink.h>

#include "core/characters.h"
#include "sink/buffer.h"
#include "sink/write.h"

#define ZONE_PREFIX 20u /* "2026-01-31T23:59:59." */

/* The time zone of time stamps, and how those of one second begin; zeroed: UTC. */
struct zone {
	bool local;
	bool known; /* offset_s is that of `quarter` */
	int32_t offset_s;
	uint64_t quarter;   /* zones change their offset at quarters of an hour only */
	uint64_t second_ns; /* when that second began */
	uint64_t valid_ns;  /* how long it lasts: 0, nothing is known yet */
	char prefix[ZONE_PREFIX];
	char suffix[8];
	uint32_t suffix_size;
};

/* What the functions below that write to memory take at most, WRITE_SLACK included. */
#define ROOM_TIME     72u
#define ROOM_NUMBER   64u
#define ROOM_DURATION 72u
#define ROOM_IP       72u /* INET6_ADDRSTRLEN is 46 */

void zone_move(struct zone *zone, uint64_t ns);

/* RFC 3339, section 5.6, with nine digits: 2026-01-31T23:59:59.000000001Z. */
static inline char *write_time(char *to, uint64_t ns, struct zone *zone)
{
	if (ns - zone->second_ns >= zone->valid_ns)
		zone_move(zone, ns);
	memcpy(to, zone->prefix, ZONE_PREFIX);
	to = write_digits9(to + ZONE_PREFIX, (uint32_t)(ns - zone->second_ns));
	memcpy(to, zone->suffix, sizeof zone->suffix);
	return to + zone->suffix_size;
}

static inline char *write_i64(char *to, int64_t value)
{
	*to = '-';
	return write_u64(to + (value < 0), value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Nanoseconds, exact, as Go writes them: 1.5us, 12.034ms, 1h2m3.000000001s. */
char *write_duration(char *to, int64_t ns);
char *write_ip(char *to, const struct rill_item *ip);
/* Exactly two characters a byte. */
char *write_hex(char *to, const unsigned char *bytes, size_t size);

void render_u64(struct buffer *to, uint64_t value);
void render_i64(struct buffer *to, int64_t value);
/* The shortest decimal that strtod() reads back as the same value, whatever the locale: always with
 * a point or an exponent. Neither infinite nor NaN. */
void render_f64(struct buffer *to, double value);
void render_duration(struct buffer *to, int64_t ns);
void render_time(struct buffer *to, uint64_t ns, struct zone *zone);
void render_hex(struct buffer *to, const unsigned char *bytes, size_t size);
void render_id(struct buffer *to, uint64_t id); /* 16 hexadecimal digits */
void render_ip(struct buffer *to, const struct rill_item *ip);

size_t utf8_write(char *to, uint32_t character); /* at most 4 bytes */

const char *level_name(unsigned level);
const char *type_name(unsigned type);
/* NULL: the catalog (which may be NULL) has no such key. */
const struct rill_catalog_key *find_key(const struct rill_catalog *catalog, uint16_t key);

/* Same key, type and value. */
bool items_equal(const struct rill_item *a, const struct rill_item *b);

#endif
