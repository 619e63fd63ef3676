/* Records of one ring, into a dump. */
#ifndef TESTS_CHUNKS_H
#define TESTS_CHUNKS_H

#include "dump/dump.h"

/* Packs them and puts the pack. 0; the writer's error; -EBADMSG: they are no records. */
int chunk_put(struct dump_writer *writer, const struct dump_chunk *chunk, const void *bytes);

#endif
