#include "chunks.h"

#include <errno.h>

int chunk_put(struct dump_writer *writer, const struct dump_chunk *chunk, const void *bytes)
{
	struct dump_pack *pack = dump_pack_new();
	struct dump_chunk rest = *chunk;
	int error = pack ? 0 : -ENOMEM;
	while (!error && rest.from < rest.to) {
		bool bad;
		const unsigned char *at = bytes;
		at += rest.from - chunk->from;
		dump_pack_begin(pack);
		rest.from = dump_pack_add(pack, &rest, at, &bad);
		error = bad ? -EBADMSG : dump_put_pack(writer, pack);
	}
	dump_pack_free(pack);
	return error;
}
