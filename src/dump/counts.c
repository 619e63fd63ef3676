/* What a process counted: COUNTS blocks, read when somebody asks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dump/reader.h"

int counts_note(struct share *share, uint64_t position, bool lost)
{
	struct dump_reader *reader = share->file->reader;
	if (reader->ncounts == MOST_COUNTS)
		return 0;
	void *grown =
		array_grow(share->count_blocks, share->ncount_blocks, sizeof *share->count_blocks);
	if (!grown)
		return -ENOMEM;
	share->count_blocks = grown;
	/* Positions are multiples of 8. */
	share->count_blocks[share->ncount_blocks++] = position | lost;
	share->counted = false;
	reader->ncounts++;
	return 0;
}

struct counting {
	struct share *share;
	struct dump_count *tables[MAX_CATALOGS]; /* by event; NULL until there are some */
	struct dump_loss *losses;
	size_t nlosses;
	uint64_t values_cut;
	/* Of the block at hand. */
	bool lost;
	uint64_t from_ns;
	uint64_t to_ns;
};

static int add_loss(struct counting *counting, const struct dump_count *was,
		    const struct dump_count *is)
{
	struct dump_reader *reader = counting->share->file->reader;
	if (is->discarded + is->overwritten + is->failed <=
	    was->discarded + was->overwritten + was->failed)
		return 0;
	if (reader->nlosses == MOST_LOSSES)
		return 0;
	void *grown = array_grow(counting->losses, counting->nlosses, sizeof *counting->losses);
	if (!grown)
		return -ENOMEM;
	counting->losses = grown;
	reader->nlosses++;
	counting->losses[counting->nlosses++] =
		(struct dump_loss){.from_ns = counting->from_ns,
				   .to_ns = counting->to_ns,
				   .catalog = is->catalog,
				   .event = is->event,
				   .discarded = is->discarded - was->discarded,
				   .overwritten = is->overwritten - was->overwritten,
				   .failed = is->failed - was->failed};
	return 0;
}

static struct dump_count take_count(struct unpacker *body)
{
	struct dump_count count;
	count.event = (uint16_t)unpack_int(body, 2);
	count.catalog = (uint8_t)unpack_int(body, 1);
	unpack_int(body, 5);
	count.written = unpack_int(body, 8);
	count.filtered = unpack_int(body, 8);
	count.discarded = unpack_int(body, 8);
	count.overwritten = unpack_int(body, 8);
	count.failed = unpack_int(body, 8);
	return count;
}

/* 0; -EBADMSG; -ENOMEM. */
static int read_counts(struct counting *counting, struct unpacker *body)
{
	const struct share *share = counting->share;
	bool unknown = false;
	uint64_t cut = unpack_int(body, 8);
	while (!body->failed && body->at < body->end) {
		struct dump_count count = take_count(body);
		const struct rill_catalog *catalog =
			count.catalog < share->ncatalogs ? share->catalogs[count.catalog] : NULL;
		if (body->failed)
			return -EBADMSG;
		if (!catalog || count.event >= catalog->nevents) {
			unknown = true;
			continue;
		}
		struct dump_count **table = &counting->tables[count.catalog];
		if (!*table)
			*table = calloc(catalog->nevents, sizeof count);
		/* counts_read() frees all of them. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (!*table)
			return -ENOMEM;
		int error = 0;
		if (counting->lost)
			error = add_loss(counting, &(*table)[count.event], &count);
		if (error)
			return error;
		(*table)[count.event] = count;
	}
	if (body->failed)
		return -EBADMSG;
	counting->values_cut = cut;
	return unknown ? -EBADMSG : 0;
}

static int read_block(struct counting *counting, uint64_t position)
{
	struct share *share = counting->share;
	const unsigned char *bytes;
	struct block block;
	size_t size;
	int error = file_header(share->file, position, &block);
	if (!error)
		error = file_body(share->file, &block, &bytes, &size);
	if (!error) {
		struct time_range times = {0, 0, true};
		if (block.first <= block.last)
			times = share_times(share, block.first, block.last);
		counting->from_ns = times.min_ns;
		counting->to_ns = times.max_ns;
		struct unpacker body = {bytes, bytes + size, false};
		error = read_counts(counting, &body);
	}
	if (error && error != -ENOMEM) {
		file_damage(share->file, "the block at byte %" PRIu64 " is broken", position);
		error = 0;
	}
	return error;
}

static bool is_zero(const struct dump_count *count)
{
	return !(count->written | count->filtered | count->discarded | count->overwritten |
		 count->failed);
}

/* The tables as one list of what is not zero. */
static int compact(struct counting *counting)
{
	struct share *share = counting->share;
	size_t count = 0;
	struct dump_count *counts = NULL;
	for (uint32_t c = 0; c < share->ncatalogs; c++) {
		const struct dump_count *table = counting->tables[c];
		for (uint32_t e = 0; table && e < share->catalogs[c]->nevents; e++) {
			if (is_zero(&table[e]))
				continue;
			struct dump_count *grown = array_grow(counts, count, sizeof *counts);
			if (!grown) {
				free(counts);
				return -ENOMEM;
			}
			counts = grown;
			counts[count++] = table[e];
		}
	}
	if (!reader_charge(share->file->reader, count * sizeof *counts)) {
		file_damage(share->file, "its counts are too many to be kept");
		free(counts);
		counts = NULL;
		count = 0;
	}
	free(share->counts);
	share->info.counts = share->counts = counts;
	share->info.ncounts = count;
	share->info.values_cut = counting->values_cut;
	return 0;
}

int counts_read(struct share *share)
{
	struct counting counting = {.share = share};
	int error = 0;
	if (share->counted || !share->ncount_blocks)
		return 0;
	share->file->reader->nlosses -= share->info.nlosses;
	for (size_t i = 0; !error && i < share->ncount_blocks; i++) {
		uint64_t position = share->count_blocks[i] & ~UINT64_C(7);
		/* In a later part the first ones say what was lost before it. */
		counting.lost = share->info.process.part == 0 || position > share->first_records;
		error = read_block(&counting, position);
	}
	if (!error)
		error = compact(&counting);
	free(share->losses);
	share->info.losses = share->losses = counting.losses;
	share->info.nlosses = counting.nlosses;
	for (size_t c = 0; c < MAX_CATALOGS; c++)
		free(counting.tables[c]);
	share->counted = !error;
	return error;
}
