/*
 * Where what stands in a file: by its INDEX blocks, or, where there are none that can be used, by
 * going from block to block. Of each group of blocks only a few words stay in memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "dump/reader.h"

/* A file without an end is searched for its last INDEX when it is larger than this, that far back.
 */
#define SEARCH_LEAST (8u << 20)
#define SEARCH_MOST  (256u << 20)
#define SEARCH_PIECE (1u << 20)

static struct group *group_new(struct file *file, uint64_t from)
{
	struct group **grown = array_grow(file->groups, file->ngroups, sizeof(struct group *));
	if (!grown)
		return NULL;
	file->groups = grown;
	struct group *group = calloc(1, sizeof *group);
	if (!group)
		return NULL;
	group->file = file;
	group->from = group->to = from;
	group->first = UINT64_MAX;
	file->groups[file->ngroups++] = group;
	return group;
}

bool block_is_body(uint16_t type)
{
	return type == BLOCK_PROCESS || type == BLOCK_CATALOG || type == BLOCK_CLOCK ||
	       type == BLOCK_EPOCH;
}

/* Takes note of a block of a group that is being made. lost: of COUNTS. 0; -ENOMEM. */
static int group_note(struct group *group, const struct block *block, bool lost, bool *after_open)
{
	bool is_open = block->type == BLOCK_OPEN;
	if (is_open && !*after_open)
		group->open = block->position;
	*after_open = is_open;
	group->nblocks++;
	if (block->type == BLOCK_RECORDS && block->first < group->first)
		group->first = block->first;
	if (block->type == BLOCK_RECORDS && block->last > group->last)
		group->last = block->last;
	if (block_is_body(block->type))
		return file_take(group->file, block);
	/* The file may say nothing of the process whose it is. */
	struct share *share;
	if (block->type > BLOCK_SPANS)
		return 0;
	int error = file_share_get(group->file, block->process, &share);
	if (error == -EBADMSG)
		file_damage(group->file, "the block at byte %" PRIu64 " is broken",
			    block->position);
	if (error)
		return error == -EBADMSG ? 0 : error;
	if (block->type == BLOCK_RECORDS && !share->first_records)
		share->first_records = block->position;
	return block->type == BLOCK_COUNTS ? counts_note(share, block->position, lost) : 0;
}

/* --- by INDEX blocks ----------------------------------------------------------------------- */

int index_head_read(struct file *file, uint64_t position, struct index_head *head)
{
	unsigned char bytes[INDEX_HEADER_SIZE];
	int error = file_header(file, position, &head->block);
	if (!error && (head->block.type != BLOCK_INDEX || head->block.size < sizeof bytes ||
		       head->block.size > INDEX_MOST || head->block.flags & BLOCK_COMPRESSED))
		error = -EBADMSG;
	if (!error)
		error = file_read(file, bytes, sizeof bytes, position + BLOCK_HEADER_SIZE);
	if (error)
		return error;
	struct unpacker body = {bytes, bytes + sizeof bytes, false};
	head->before = unpack_int(&body, 8);
	head->count = (uint32_t)unpack_int(&body, 4);
	head->events_size = (uint32_t)unpack_int(&body, 4);
	head->filters_size = (uint32_t)unpack_int(&body, 4);
	if (head->count > INDEX_MAX_ENTRIES || head->before >= position ||
	    sizeof bytes + (uint64_t)head->count * INDEX_ENTRY_SIZE + head->events_size +
			    head->filters_size !=
		    head->block.size)
		return -EBADMSG;
	return 0;
}

bool index_entry_follows(const struct index_entry *entry, uint64_t *position)
{
	if (entry->position != *position)
		return false;
	*position += BLOCK_HEADER_SIZE + (((uint64_t)entry->size + 7) & ~UINT64_C(7));
	return true;
}

/* Makes the group of an INDEX from its entries. 0; -EBADMSG: they contradict each other; -ENOMEM.
 */
static int group_from_index(struct file *file, const struct index_head *head)
{
	struct buffer *buffer = &file->reader->input.listing;
	size_t size = (size_t)head->count * INDEX_ENTRY_SIZE;
	struct group *group = group_new(file, file->end);
	if (!group || buffer_room(buffer, size + 1))
		return -ENOMEM;
	int error = file_read(file, buffer->bytes, size,
			      head->block.position + BLOCK_HEADER_SIZE + INDEX_HEADER_SIZE);
	uint64_t position = file->end;
	bool after_open = false;
	for (uint32_t i = 0; !error && i < head->count; i++) {
		struct index_entry entry;
		index_entry_get(&entry, buffer->bytes + (size_t)i * INDEX_ENTRY_SIZE);
		if (!index_entry_follows(&entry, &position))
			return -EBADMSG;
		struct block block = {.type = entry.type,
				      .size = entry.size,
				      .position = entry.position,
				      .first = entry.first,
				      .last = entry.last,
				      .process = entry.process};
		/* What is read of it is checked as it stands in the file. */
		if (block_is_body(block.type) &&
		    (file_header(file, entry.position, &block) || block.type != entry.type ||
		     block.size != entry.size))
			return -EBADMSG;
		error = group_note(group, &block, entry.records > 0, &after_open);
		struct share *share = file_share(file, entry.process);
		if (!error && entry.type == BLOCK_RECORDS && share) {
			share->info.nrecords += entry.records;
			group->nrecords += entry.records;
		}
	}
	if (error)
		return error;
	if (position != head->block.position ||
	    head->block.sequence != (uint32_t)(file->sequence + head->count) ||
	    ((group->first <= group->last || head->block.first <= head->block.last) &&
	     (group->first != head->block.first || group->last != head->block.last)))
		return -EBADMSG;
	group->index = head->block.position;
	group->to = file->end = block_end(&head->block);
	file->sequence += head->count + 1;
	return 0;
}

/* The last block of a file that was closed in order. False: there is none. */
static bool end_read(struct file *file, uint64_t *index, struct block *end)
{
	unsigned char body[END_SIZE];
	if (file->size < FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE + END_SIZE)
		return false;
	uint64_t position = file->size - BLOCK_HEADER_SIZE - END_SIZE;
	if (file_header(file, position, end) || end->type != BLOCK_END || end->size != END_SIZE ||
	    file_read(file, body, sizeof body, position + BLOCK_HEADER_SIZE) ||
	    format_crc(0, body, sizeof body) != end->body_check)
		return false;
	struct unpacker unpacker = {body, body + sizeof body, false};
	uint64_t blocks = unpack_int(&unpacker, 8);
	*index = unpack_int(&unpacker, 8);
	return (uint32_t)blocks == end->sequence;
}

/* The last INDEX of a file without an end. 0: none was found. */
static uint64_t index_search(struct file *file)
{
	struct buffer *buffer = &file->reader->input.listing;
	uint64_t high = file->size & ~UINT64_C(7), least = FORMAT_HEADER_SIZE;
	if (file->size < SEARCH_LEAST || buffer_room(buffer, SEARCH_PIECE + BLOCK_HEADER_SIZE))
		return 0;
	if (high > SEARCH_MOST)
		least = high - SEARCH_MOST;
	for (uint64_t behind = 0; high > least; behind = BLOCK_HEADER_SIZE) {
		uint64_t low = high - least > SEARCH_PIECE ? high - SEARCH_PIECE : least;
		size_t size = high - low + behind;
		if (low + size > file->size)
			size = file->size - low;
		if (file_read(file, buffer->bytes, size, low))
			return 0;
		for (size_t at = high - low; at >= 8;) {
			struct block block;
			at -= 8;
			if (at + BLOCK_HEADER_SIZE <= size && buffer->bytes[at] == 'R' &&
			    block_header_get(&block, buffer->bytes + at, low + at) &&
			    block.type == BLOCK_INDEX)
				return low + at;
		}
		high = low;
	}
	return 0;
}

/* The chain of INDEX blocks, the last one first. Their number; 0: it is broken. */
static size_t index_chain(struct file *file, uint64_t last, struct index_head **chain)
{
	size_t count = 0;
	*chain = NULL;
	while (last) {
		struct index_head *grown = array_grow(*chain, count, sizeof **chain);
		if (!grown)
			return 0;
		*chain = grown;
		if (count == MOST_GROUPS || index_head_read(file, last, &grown[count]))
			return 0;
		last = grown[count++].before;
	}
	return count;
}

static void file_reset(struct file *file)
{
	struct dump_reader *reader = file->reader;
	while (reader->nshares && reader->shares[reader->nshares - 1]->file == file) {
		struct share *share = reader->shares[--reader->nshares];
		reader->npoints -= share->npoints;
		reader->ncounts -= share->ncount_blocks;
		share_free(share);
	}
	for (size_t i = 0; i < file->ngroups; i++)
		free(file->groups[i]);
	file->ngroups = file->nshares = 0;
	file->end = FORMAT_HEADER_SIZE;
	file->sequence = 0;
	file->ndamages = file->ntold = 0;
}

/* 0, also when the file has no index that can be used; -ENOMEM. */
static int scan_by_index(struct file *file)
{
	struct index_head *chain = NULL;
	struct block end = {0};
	uint64_t last = 0;
	bool finished = end_read(file, &last, &end);
	if (!finished)
		last = index_search(file);
	size_t count = index_chain(file, last, &chain);
	int error = 0;
	for (size_t i = count; !error && i > 0; i--)
		error = group_from_index(file, &chain[i - 1]);
	free(chain);
	if (error == -ENOMEM)
		return error;
	if (error ||
	    (finished && count && (file->end != end.position || file->sequence != end.sequence))) {
		file_reset(file);
		return 0;
	}
	file->finished = finished && count;
	return 0;
}

/* --- from block to block ------------------------------------------------------------------- */

static void tell_cut(struct file *file, const struct block *block)
{
	if (block->size)
		file_damage(file, "cut at byte %" PRIu64 ", within the block at byte %" PRIu64,
			    file->size, block->position);
	else
		file_damage(file, "cut at byte %" PRIu64 ", within a block's header", file->size);
}

static void check_sequence(struct file *file, const struct block *block, bool after_noise)
{
	uint32_t ahead = block->sequence - file->sequence;
	if (ahead && !after_noise && ahead <= UINT32_MAX / 2)
		file_damage(file, "%" PRIu32 " block%s missing before the one at byte %" PRIu64,
			    ahead, ahead == 1 ? " is" : "s are", block->position);
	else if (ahead && !after_noise)
		file_damage(file, "the block at byte %" PRIu64 " comes twice", block->position);
	file->sequence = block->sequence + 1;
}

/* 0; -EBADMSG: it contradicts itself. */
static int take_end(struct file *file, const struct block *block)
{
	uint64_t last;
	struct block end;
	uint64_t size = file->size;
	/* Its padding is none: it ends where the file should. */
	file->size = block_end(block);
	bool right = end_read(file, &last, &end);
	file->size = size;
	if (!right)
		return -EBADMSG;
	file->finished = true;
	if (size > block_end(block))
		file_damage(file, "%" PRIu64 " bytes follow its end", size - block_end(block));
	return 0;
}

/* A block that the walk has come to. 0; -ENOMEM. */
static int walk_block(struct file *file, struct group **group, const struct block *block,
		      bool *after_open)
{
	uint64_t wide = file->size >> 16;
	bool full = *group && (*group)->nblocks >= GROUP_BLOCKS &&
		    block->position - (*group)->from >= wide;
	/* A set of OPEN blocks stays in one piece. */
	if (!*group || (full && !(*after_open && block->type == BLOCK_OPEN))) {
		*group = group_new(file, block->position);
		*after_open = false;
		if (!*group)
			return -ENOMEM;
	}
	if (block->type == BLOCK_END && take_end(file, block))
		file_damage(file, "the block at byte %" PRIu64 " is broken", block->position);
	return group_note(*group, block, true, after_open);
}

/* From file->end on. */
static int scan_by_blocks(struct file *file)
{
	struct stepper stepper = {.file = file, .at = file->end, .end = file->size};
	struct group *group = NULL;
	enum step step = STEP_END;
	bool after_open = false, noise = false;
	int error = 0;
	while (!error && !file->finished && (step = step_next(&stepper)) != STEP_END) {
		const struct block *block = &stepper.block;
		if (step == STEP_ERROR)
			break;
		if (step == STEP_NOISE) {
			/* The last bytes of a file that is written to are not there yet. */
			if (file->running && stepper.at == stepper.end)
				break;
			file_damage(file, "bytes %" PRIu64 " to %" PRIu64 " are no block",
				    stepper.from, stepper.at);
			noise = true;
		} else if (step == STEP_CUT) {
			if (!file->running)
				tell_cut(file, block);
			if (!file->running && block->size && block->type == BLOCK_RECORDS &&
			    !(block->flags & BLOCK_COMPRESSED))
				error = walk_block(file, &group, block, &after_open);
			if (group && !file->running)
				group->to = stepper.end;
			break;
		} else {
			check_sequence(file, block, noise);
			noise = false;
			error = walk_block(file, &group, block, &after_open);
		}
		if (group)
			group->to = stepper.at;
		file->end = stepper.at;
	}
	if (step == STEP_ERROR)
		file_damage(file, "cannot be read from byte %" PRIu64 " on: %s", stepper.from,
			    strerror(-stepper.error));
	return error;
}

static bool is_running(struct file *file)
{
	int fd = file_descriptor(file);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

static void group_times(const struct file *file, struct group *group)
{
	const struct share *share = NULL;
	for (size_t i = 0; i < file->nshares && !share; i++)
		share = file->shares[i];
	group->min_ns = UINT64_MAX;
	group->max_ns = 0;
	if (group->first > group->last || !share)
		return;
	struct time_range range = {0, UINT64_MAX, false};
	if (!file->clocks_differ)
		range = share_times(share, group->first, group->last);
	group->min_ns = range.min_ns;
	group->max_ns = range.max_ns;
	for (size_t i = 0; i < file->nshares; i++) {
		struct dump_file *info = file->shares[i] ? &file->shares[i]->info : NULL;
		if (info && (!info->first_ns || info->first_ns > range.min_ns))
			info->first_ns = range.min_ns;
		if (info && info->last_ns < range.max_ns)
			info->last_ns = range.max_ns;
	}
}

static void compare_clocks(struct file *file)
{
	const struct share *first = NULL;
	for (size_t i = 0; i < file->nshares; i++) {
		const struct share *share = file->shares[i];
		if (share && first &&
		    (share->npoints != first->npoints ||
		     (first->npoints && memcmp(share->points, first->points,
					       first->npoints * sizeof *first->points) != 0)))
			file->clocks_differ = true;
		first = first ? first : share;
	}
}

static void check_shares(struct file *file, bool first)
{
	if (!file->finished && !file->running && !file->end_told)
		file_damage(file,
			    "ends at byte %" PRIu64 " without an end block: its process was killed",
			    file->size);
	file->end_told = !file->running;
	for (size_t i = 0; i < file->nshares; i++) {
		struct share *share = file->shares[i];
		if (!share)
			continue;
		share->info.finished = file->finished;
		share->info.running = file->running;
		share->info.bytes = file->size;
		share->info.indexed = file->ngroups && file->groups[0]->index;
		if (first && !share->named)
			file_damage(file, "it does not say which process wrote it");
		if (first && !share->npoints && share->first_records)
			file_damage(file, "it has no clock: times are counter ticks");
	}
}

int file_scan(struct file *file)
{
	bool first = file->end == FORMAT_HEADER_SIZE;
	size_t known = file->ngroups;
	int error = first ? scan_by_index(file) : 0;
	if (!error && !file->finished) {
		file->running = is_running(file);
		error = scan_by_blocks(file);
	}
	/* A file that says nothing at all is somebody's as well. */
	struct share *share;
	if (!error && !file->nshares)
		error = file_share_get(file, 0, &share);
	if (error)
		return error;
	if (file->finished)
		file->running = false;
	compare_clocks(file);
	for (size_t i = known; i < file->ngroups; i++)
		group_times(file, file->groups[i]);
	check_shares(file, first);
	return 0;
}
