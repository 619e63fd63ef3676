/* What emit.c needs of the values of a record: looked at, measured, cut. */
#ifndef RILL_CORE_ENCODE_H
#define RILL_CORE_ENCODE_H

#include <rill/static/encode.h>

#define SITE_EVENT(site) ((site)->head & UINT16_MAX)
#define SITE_SLOTS(site) ((site)->head >> 16 & 0xff)
#define SITE_WORDS(site) ((site)->head >> 24)

/* A slot on its way into a record. */
struct slot {
	uint32_t tag;                  /* as in the record */
	uint64_t word;                 /* as in the record; of what has a length: that, uncut */
	uint64_t length;               /* bytes of the tail that it takes */
	const void *data;              /* those; list, event: in body */
	const struct rill_value *body; /* list, event */
};

#define SLOT_TYPE(slot) ((slot)->tag >> 16)

/* Lengths that together cannot make a record too large for the smallest ring: they need no look at
 * the ring. Powers of two less one, so that the lengths can be tested with one OR. */
#define EASY_LENGTH(nslots)                                                                        \
	((nslots) <= 1 ? 4095u : (nslots) <= 3 ? 2047u : (nslots) <= 7 ? 1023u : 255u)

static inline struct rill_value encode_sockaddr(const void *address)
{
	struct sockaddr any;
	if (!address)
		return rill__val_word(0);
	memcpy(&any.sa_family, (const char *)address + offsetof(struct sockaddr, sa_family),
	       sizeof any.sa_family);
	if (any.sa_family == AF_INET)
		return rill__val_in4_value(((const struct sockaddr_in *)address)->sin_addr);
	if (any.sa_family == AF_INET6)
		return rill__value(0, RILL__IP_WORD(16),
				   &((const struct sockaddr_in6 *)address)->sin6_addr);
	return rill__val_word(0);
}

/* Measures a list or an event: its slot's length and word. */
void encode_measure(struct slot *slot);
/* Writes a list's or an event's `length` bytes: the same walk as the one that measured them. */
void encode_body(unsigned char *to, const struct slot *slot);
/* Cuts what together is too long for a record, and counts that: strings at a UTF-8 boundary, lists
 * and events at an element. */
void encode_shorten(struct slot *slots, uint32_t nslots);

#endif
