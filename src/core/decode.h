/* From the bytes of a record, as a ring or a dump holds them, to values. */
#ifndef RILL_CORE_DECODE_H
#define RILL_CORE_DECODE_H

#include <rill/sink.h>

/* Fixed fields of a record. Every one is checked against `available`: the bytes may be hostile. */
struct raw_record {
	uint64_t ticks;
	uint16_t event;
	uint8_t nslots;
	uint8_t catalog;
	uint32_t size;
	const unsigned char *bytes;
};

/* 0; -EBADMSG: no whole record stands at `bytes`. */
int raw_record_read(struct raw_record *raw, const unsigned char *bytes, size_t available);

/* Whether raw_record_items() would decode it, to items with keys below `nkeys`. */
bool raw_record_decodes(const struct raw_record *raw, uint32_t nkeys);

/* The first slot with this key. 1; 0: none; -EBADMSG. */
int raw_record_item(const struct raw_record *raw, uint16_t key, struct rill_item *item);

/* Decodes the slots into items, RILL_MAX_ITEMS of them at most. Returns how many; -EBADMSG. */
int raw_record_items(const struct raw_record *raw, struct rill_item *items);

#endif
