/* Bytes of a dump, as docs/dump-format.md specifies them: what its writer and its reader share. */
#ifndef RILL_DUMP_FORMAT_H
#define RILL_DUMP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump/arena.h"
#include "dump/dump.h"

#define FORMAT_MAGIC       "\x89rill\r\n\x1a"
#define FORMAT_MAJOR       1u
#define FORMAT_MINOR       0u
#define FORMAT_HEADER_SIZE 16u

#define BLOCK_MARK        0x4b4c4252u /* "RBLK" */
#define BLOCK_HEADER_SIZE 64u
#define BLOCK_COMPRESSED  1u         /* flag: the body is a frame of Zstandard */
#define BLOCK_MAX_RAW     (1u << 26) /* of a compressed body, before it was compressed */

enum block_type {
	BLOCK_PROCESS = 1,
	BLOCK_CATALOG = 2,
	BLOCK_CLOCK = 3,
	BLOCK_RECORDS = 4,
	BLOCK_COUNTS = 5,
	BLOCK_EPOCH = 6,
	BLOCK_OPEN = 7,
	BLOCK_SPANS = 8,
	BLOCK_INDEX = 9,
	BLOCK_END = 10,
};

#define CLOCK_POINT_SIZE   32u
#define COUNTS_HEADER_SIZE 8u
#define COUNT_SIZE         48u
#define SPANS_ENTRY_SIZE   560u
#define INDEX_HEADER_SIZE  24u
#define INDEX_ENTRY_SIZE   48u
#define INDEX_MAX_ENTRIES  65536u
#define END_SIZE           16u /* body */

/* Of a block without a time: first is greater than last. */
#define NO_TIME_FIRST UINT64_MAX
#define NO_TIME_LAST  0u

struct block {
	uint16_t type;
	uint16_t flags;
	uint32_t body_check;
	uint64_t size; /* of the body as it is stored, without what pads it to 8 bytes */
	uint64_t position;
	uint64_t first; /* ticks */
	uint64_t last;
	uint32_t sequence;
	uint32_t raw_size; /* of a compressed body, else 0 */
	uint16_t process;
};

/* What an INDEX says of a block. */
struct index_entry {
	uint64_t position;
	uint64_t first;
	uint64_t last;
	uint32_t size;    /* of the body as it is stored */
	uint32_t records; /* of COUNTS: events lost */
	uint32_t raw;     /* bytes of its records, unpacked */
	uint16_t type;
	uint16_t process;
	uint16_t events;  /* bytes */
	uint16_t filter8; /* size of the filter / 8 */
};

void index_entry_put(unsigned char *to, const struct index_entry *entry);
void index_entry_get(struct index_entry *entry, const unsigned char *from);

void block_header_put(unsigned char *to, const struct block *block);
/* False: no block's header stands at `from`, which is `position` bytes into the file. */
bool block_header_get(struct block *block, const unsigned char *from, uint64_t position);

/* CRC-32C (RFC 3720, appendix B.4). crc: of the bytes before, 0 when there are none. */
uint32_t format_crc(uint32_t crc, const void *bytes, size_t size);
/* The same without an instruction for it. */
uint32_t format_crc_table(uint32_t crc, const void *bytes, size_t size);

/* A body being put together. After a failed allocation everything else is ignored. */
struct packer {
	unsigned char *bytes;
	size_t size;
	size_t capacity;
	bool failed;
};

void pack_int(struct packer *packer, uint64_t value, size_t size);
void pack_bytes(struct packer *packer, const unsigned char *bytes, size_t size);
void pack_text(struct packer *packer, const char *text);

/* A body being taken apart. After a failed read everything else is zero. */
struct unpacker {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};

uint64_t unpack_int(struct unpacker *unpacker, size_t size);
/* A copy in the arena; "" when the body is at fault; NULL when there is no memory. */
const char *unpack_text(struct unpacker *unpacker, struct arena *arena);

void catalog_pack(struct packer *packer, uint8_t index, const struct rill_catalog *catalog);
/* 0; -EBADMSG: not what catalog_pack() writes; -ENOMEM. */
int catalog_unpack(struct unpacker *unpacker, struct arena *arena, uint8_t *index,
		   const struct rill_catalog **catalog);

#endif
