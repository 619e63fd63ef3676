/*
 * A dump file block by block, as its bytes stand there: for info, which looks at headers only, and
 * for verify, which must not believe what the reader does.
 */
#ifndef RILL_DUMP_BLOCKS_H
#define RILL_DUMP_BLOCKS_H

#include "dump/format.h"

enum blocks_step {
	BLOCKS_BLOCK, /* its body may still be anything */
	BLOCKS_NOISE, /* [from, at) is no block */
	BLOCKS_CUT,   /* the file ends within what begins at `from` */
	BLOCKS_END,
	BLOCKS_ERROR, /* `error` */
};

struct blocks {
	int fd;
	int error; /* errno */
	uint64_t size;
	uint64_t from;
	uint64_t at; /* where to go on */
	struct block block;
	unsigned char header[FORMAT_HEADER_SIZE];
	bool padded_otherwise; /* what follows the body is not zero */
	unsigned char *stored; /* memory for bodies */
	size_t stored_room;
	unsigned char *raw;
	size_t raw_room;
	struct ZSTD_DCtx_s *zstd;
};

/* 0; a negative errno; -EBADMSG: no dump, or not of version 1. */
int blocks_open(struct blocks *blocks, const char *path);
void blocks_close(struct blocks *blocks);
enum blocks_step blocks_next(struct blocks *blocks);

enum blocks_body {
	BODY_WHOLE,
	BODY_CHECK, /* its check is wrong */
	BODY_SIZE,  /* more than any body has */
	BODY_ZSTD,  /* cannot be decompressed */
	BODY_TROUBLE,
};
/* The body of the block at hand, decompressed, until the next call. */
enum blocks_body blocks_body(struct blocks *blocks, const unsigned char **bytes, size_t *size);

const char *block_type_name(unsigned type);

#endif
