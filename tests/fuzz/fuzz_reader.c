/* A whole file: read from its beginning to its end, and block by block. */
#include <stdlib.h>
#include <string.h>

#include "dump/blocks.h"
#include "fuzz/fuzz.h"

const size_t fuzz_prefix = 0;

/* Blocks that are compressed say more than their bytes. */
static bool may_be_compressed(const uint8_t *data, size_t size)
{
	for (size_t at = FORMAT_HEADER_SIZE; at + BLOCK_HEADER_SIZE <= size; at += 8)
		if (memcmp(data + at, "RBLK", 4) == 0 && data[at + 6] & BLOCK_COMPRESSED)
			return true;
	return false;
}

static size_t read_records(struct dump_reader *reader)
{
	struct dump_record record;
	size_t count = 0;
	int more;
	while ((more = dump_next(reader, &record)) == 1) {
		FUZZ_CHECK(record.file < dump_file_count(reader));
		FUZZ_CHECK(record.origin < dump_origin_count(reader));
		fuzz_values(&record, &dump_origin(reader, record.origin)->catalogs);
		count++;
	}
	FUZZ_CHECK(more == 0);
	return count;
}

static void look(const struct dump_reader *reader)
{
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		FUZZ_CHECK(file->origin < dump_origin_count(reader));
		fuzz_follow(&file->catalogs);
		for (size_t k = 0; k < file->nepochs; k++)
			FUZZ_CHECK(strlen(file->epochs[k].expression) < SIZE_MAX);
		if (file->damage)
			fuzz_message(file->damage);
	}
}

/* Block by block, as `rill verify` does. */
static void step(const char *path)
{
	struct blocks blocks;
	enum blocks_step step;
	uint64_t before = 0;
	if (blocks_open(&blocks, path))
		return;
	while ((step = blocks_next(&blocks)) == BLOCKS_BLOCK || step == BLOCKS_NOISE) {
		const unsigned char *bytes;
		size_t size;
		uint64_t sum = 0;
		FUZZ_CHECK(blocks.from >= before && blocks.at > blocks.from);
		before = blocks.from;
		if (step == BLOCKS_BLOCK && blocks_body(&blocks, &bytes, &size) == BODY_WHOLE)
			for (size_t i = 0; i < size; i++)
				sum += bytes[i];
		FUZZ_CHECK(sum < UINT64_MAX);
	}
	blocks_close(&blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct dump_reader *reader;
	char error[512] = "";
	if (dump_open(&reader, path, error, sizeof error)) {
		fuzz_message(error);
	} else {
		look(reader);
		size_t count = read_records(reader);
		/* Two bytes a record at least, and none comes twice. */
		FUZZ_CHECK(count <= size / 2 || may_be_compressed(data, size));
		look(reader);
		FUZZ_CHECK(dump_refresh(reader) >= 0);
		FUZZ_CHECK(read_records(reader) == 0);
		dump_reader_close(reader);
	}
	step(path);
	return 0;
}
