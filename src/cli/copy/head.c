/* What a dump says besides records, taken over as it stands in the sources. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/copy/copy.h"
#include "dump/blocks.h"
#include "dump/format.h"

/* One file, as far as it is of one process. */
struct source {
	struct copy *copy;
	const struct dump_file *file;
	struct blocks blocks;
	bool first;         /* no earlier part is here */
	bool followed;      /* spans that are open where the cut begins are found otherwise */
	bool records_begun; /* there was a RECORDS block */
	uint64_t *lost;     /* by catalog and event: what was lost so far */
	int error;
};

#define FOLLOWED_SPANS (1u << 17)
#define LOST_PLACES    (256u * RILL_CATALOG_MAX_EVENTS)

/* By how much the numbers of lost events are more than before. */
static uint64_t newly_lost(struct source *source, const unsigned char *body, size_t size)
{
	struct unpacker from = {.at = body, .end = body + size};
	uint64_t sum = 0;
	unpack_int(&from, 8);
	while (!from.failed && from.at < from.end) {
		uint32_t event = (uint32_t)unpack_int(&from, 2);
		uint32_t catalog = (uint32_t)unpack_int(&from, 1);
		unpack_int(&from, 5);
		unpack_int(&from, 8);
		unpack_int(&from, 8);
		uint64_t lost = unpack_int(&from, 8);
		lost += unpack_int(&from, 8);
		lost += unpack_int(&from, 8);
		if (from.failed || event >= RILL_CATALOG_MAX_EVENTS)
			continue;
		uint64_t *before = &source->lost[catalog * RILL_CATALOG_MAX_EVENTS + event];
		sum += lost > *before ? lost - *before : 0;
		*before = lost > *before ? lost : *before;
	}
	return sum;
}

static void take_block(struct source *source)
{
	const struct block *block = &source->blocks.block;
	const unsigned char *body;
	size_t size;
	if (block->process != source->file->number)
		return;
	source->records_begun |= block->type == BLOCK_RECORDS;
	bool open = block->type == BLOCK_OPEN && source->first && !source->records_begun &&
		    source->file->process.part > 0 && !source->followed;
	if (!open && block->type != BLOCK_CLOCK && block->type != BLOCK_COUNTS &&
	    block->type != BLOCK_EPOCH)
		return;
	enum blocks_body state = blocks_body(&source->blocks, &body, &size);
	if (state == BODY_TROUBLE)
		source->error = -source->blocks.error;
	/* Of damage the reader tells. */
	if (state == BODY_WHOLE)
		source->error = dump_put_copy(
			source->copy->writer, block, body, size,
			block->type == BLOCK_COUNTS ? newly_lost(source, body, size) : 0);
}

static int take_blocks(struct source *source)
{
	enum blocks_step step;
	while (!source->error && !target_stopped &&
	       ((step = blocks_next(&source->blocks)) == BLOCKS_BLOCK || step == BLOCKS_NOISE))
		if (step == BLOCKS_BLOCK)
			take_block(source);
	return source->error;
}

static int take_file(struct copy *copy, const struct dump_file *file, bool first, uint64_t *lost)
{
	struct source source = {.copy = copy,
				.file = file,
				.first = first,
				.followed = copy->before[file->origin].open != NULL,
				.lost = lost};
	int error = blocks_open(&source.blocks, file->path);
	if (!error)
		error = take_blocks(&source);
	blocks_close(&source.blocks);
	/* What cannot be read the reader has told of. */
	return error == -EBADMSG ? 0 : error;
}

/* The file of this process whose part is the next one after `part`; NULL: there is none. */
static const struct dump_file *next_part(const struct dump_reader *reader, uint32_t origin,
					 int64_t part)
{
	const struct dump_file *found = NULL;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (file->origin == origin && file->process.part > part &&
		    (!found || file->process.part < found->process.part))
			found = file;
	}
	return found;
}

/* Ticks are times enough to tell what comes before what. */
static int follow_spans(struct copy *copy, uint32_t origin)
{
	struct before *before = &copy->before[origin];
	const struct open_options options = {.max_spans = FOLLOWED_SPANS};
	line_add(&before->line, &(struct clock_point){.rate = UINT64_C(1) << 32}, 0);
	before->open = open_new(&options, &dump_origin(copy->reader, origin)->catalogs);
	return before->open ? 0 : -ENOMEM;
}

static int take_origin(struct copy *copy, uint32_t index, uint64_t *lost)
{
	const struct dump_origin *origin = dump_origin(copy->reader, index);
	const struct dump_file *file = next_part(copy->reader, index, -1);
	struct dump_process process = file ? file->process : origin->process;
	int error = dump_put_process(copy->writer, &process);
	error = error < 0 ? error : 0;
	for (uint32_t i = 0; i < origin->catalogs.count && !error; i++)
		if (origin->catalogs.catalog[i])
			error = dump_put_catalog(copy->writer, (uint8_t)i,
						 origin->catalogs.catalog[i]);
	memset(lost, 0, LOST_PLACES * sizeof *lost);
	if (!error && file && copy->since_ns > file->first_ns)
		error = follow_spans(copy, index);
	for (bool first = true; file && !error; first = false) {
		error = take_file(copy, file, first, lost);
		file = next_part(copy->reader, index, file->process.part);
	}
	return error;
}

int copy_heads(struct copy *copy)
{
	size_t count = dump_origin_count(copy->reader);
	uint64_t *lost = malloc(LOST_PLACES * sizeof *lost);
	int error = lost ? 0 : -ENOMEM;
	for (size_t i = 0; i < count && !error; i++)
		error = target_stopped ? -EINTR : take_origin(copy, (uint32_t)i, lost);
	free(lost);
	return error;
}

static int count_origin(struct copy *copy, uint32_t index)
{
	const struct dump_file *file = NULL, *last = NULL;
	for (int64_t part = -1; (file = next_part(copy->reader, index, part)); last = file)
		part = file->process.part;
	for (size_t i = 0; last && i < last->ncounts; i++) {
		struct dump_count counted = last->counts[i];
		const uint64_t *events = copy->taken[index].events[counted.catalog];
		uint64_t kept = events ? events[counted.event] : 0;
		if (kept >= counted.written)
			continue;
		counted.filtered += counted.written - kept;
		counted.written = kept;
		int error = dump_put_counts(copy->writer, &counted, 1, last->values_cut, NULL);
		if (error)
			return error;
	}
	return 0;
}

int copy_counts(struct copy *copy)
{
	int error = 0;
	for (uint32_t i = 0; i < dump_origin_count(copy->reader) && !error; i++) {
		dump_turn_to(copy->writer, (uint16_t)i);
		error = count_origin(copy, i);
	}
	return error;
}
