#include "parts.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "dump/unpack.h"
#include "support/blocks.h"
#include "support/files.h"

bool part_next(const struct part *part, size_t *at, struct part_block *block)
{
	if (*at + BLOCK_HEADER_SIZE > part->size || memcmp(part->bytes + *at, "RBLK", 4) != 0)
		return false;
	block->header = part->bytes + *at;
	block->type = (unsigned)block_get(block->header + 4, 2);
	block->size = block_get(block->header + 8, 8);
	block->body = block->header + BLOCK_HEADER_SIZE;
	*at += BLOCK_HEADER_SIZE + ((block->size + 7) & ~(size_t)7);
	return *at <= part->size;
}

void parts_load(struct parts *parts, const char *pattern)
{
	glob_t found;
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	cr_assert_leq(found.gl_pathc, MAX_PARTS);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct part *part = &parts->part[parts->count++];
		char error[512];
		part->path = strdup(found.gl_pathv[i]);
		part->bytes = (unsigned char *)file_load(part->path, &part->size);
		cr_assert_eq(dump_open(&part->dump, part->path, error, sizeof error), 0, "%s",
			     error);
	}
	globfree(&found);
}

struct parts *parts_run(const char *options, const char *const *env, const char *const *argv)
{
	struct parts *parts = calloc(1, sizeof *parts);
	parts->folder = strdup("/dev/shm/rill-test-XXXXXX");
	cr_assert(mkdtemp(parts->folder), "no folder in /dev/shm");
	const char *all[8] = {"RILL_FILTER=*=trace", format("RILL_RUNTIME_DIR=%s", parts->folder),
			      format("RILL_SINKS=dump:%s/dump?%s", parts->folder, options)};
	for (size_t i = 0; env && env[i]; i++)
		all[3 + i] = env[i];
	const struct run_options how = {.env = all};
	parts->run = run_command(argv, &how);
	parts_load(parts, format("%s/dump/*.rill", parts->folder));
	cr_assert_gt(parts->count, 0, "%s", parts->run.err);
	return parts;
}

void parts_end(struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		dump_reader_close(parts->part[i].dump);
	folder_remove(parts->folder);
}

uint64_t parts_number(const struct parts *parts, const char *word)
{
	const char *at = strstr(parts->run.out, format("%s ", word));
	cr_assert(at, "no '%s' in: %s", word, parts->run.out);
	return strtoull(at + strlen(word) + 1, NULL, 10);
}

const struct dump_file *part_file(const struct part *part)
{
	return dump_file(part->dump, 0);
}

struct parts_sums parts_sums(const struct parts *parts)
{
	struct parts_sums sums = {0};
	uint64_t last[4096][5] = {{0}};
	for (size_t p = 0; p < parts->count; p++) {
		size_t at = PART_FIRST;
		struct part_block block;
		while (part_next(&parts->part[p], &at, &block))
			for (uint64_t i = 8; block.type == BLOCK_COUNTS && i < block.size; i += 48)
				for (int n = 0; n < 5; n++)
					last[block_get(block.body + i, 2)][n] =
						block_get(block.body + i + 8 + 8 * n, 8);
	}
	for (size_t i = 0; i < 4096; i++) {
		sums.written += last[i][0];
		sums.filtered += last[i][1];
		sums.discarded += last[i][2];
		sums.failed += last[i][4];
	}
	return sums;
}

struct part_record *part_records(const struct part_block *block, size_t *count)
{
	struct chunk_view view;
	struct pack_segment segment;
	uint64_t whole, at = 0, n = 0;
	cr_assert_eq(chunk_view_open(&view, block->body, block->size), 0);
	while (chunk_view_next(&view, &segment) == 1)
		n += segment.records;
	struct part_record *records = calloc(n + 1, sizeof *records);
	unsigned char *raw = malloc(view.raw + DECODER_SLACK);
	struct decoder *decoder = decoder_new();
	cr_assert(records && raw && decoder);
	cr_assert_eq(decoder_run(decoder, block->body, block->size, raw, view.raw, &whole), 0);
	decoder_free(decoder);
	*count = 0;
	chunk_view_open(&view, block->body, block->size);
	while (chunk_view_next(&view, &segment) == 1) {
		for (uint64_t end = at + segment.size; at < end;
		     at += records[*count - 1].raw.size) {
			cr_assert_eq(raw_record_read(&records[*count].raw, raw + at, end - at), 0);
			records[(*count)++].tid = segment.tid;
		}
	}
	return records;
}
