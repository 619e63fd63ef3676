/* What stands in a group of blocks: from its INDEX, or from the blocks themselves. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dump/reader.h"

/* 0; -EBADMSG: the INDEX is broken; another negative errno. */
static int load(struct group *group, struct index_head *head)
{
	struct file *file = group->file;
	struct buffer *buffer = &file->reader->input.listing;
	int error = index_head_read(file, group->index, head);
	if (!error)
		error = buffer_room(buffer, head->block.size + 1);
	if (!error)
		error = file_read(file, buffer->bytes, head->block.size,
				  group->index + BLOCK_HEADER_SIZE);
	if (!error && format_crc(0, buffer->bytes, head->block.size) != head->block.body_check)
		error = -EBADMSG;
	return error;
}

/* Goes over the entries of the loaded INDEX. callback: NULL: only whether they are in order. */
static int each_entry(struct group *group, const struct index_head *head, group_callback callback,
		      void *context)
{
	const unsigned char *bytes = group->file->reader->input.listing.bytes + INDEX_HEADER_SIZE;
	const unsigned char *events = bytes + (size_t)head->count * INDEX_ENTRY_SIZE;
	const unsigned char *filter = events + head->events_size, *filters = filter;
	uint64_t position = group->from;
	int stop = 0;
	for (uint32_t i = 0; !stop && i < head->count; i++) {
		struct listed listed;
		index_entry_get(&listed.entry, bytes + (size_t)i * INDEX_ENTRY_SIZE);
		size_t filter_size = 8u * listed.entry.filter8;
		if (!index_entry_follows(&listed.entry, &position) ||
		    listed.entry.events > (size_t)(filters - events) ||
		    filter_size > head->filters_size - (size_t)(filter - filters))
			return -EBADMSG;
		listed.events = listed.entry.events ? events : NULL;
		listed.filter = filter;
		events += listed.entry.events;
		filter += filter_size;
		if (callback)
			stop = callback(context, group, &listed);
	}
	return stop;
}

/* Whether an entry says what its block says. */
static int verify_entry(void *context, struct group *group, const struct listed *listed)
{
	const struct index_entry *entry = &listed->entry;
	struct block block;
	(void)context;
	int error = file_header(group->file, entry->position, &block);
	if (error)
		return error;
	if (block.type != entry->type || block.process != entry->process ||
	    block.size != entry->size || block.first != entry->first || block.last != entry->last)
		return -EBADMSG;
	return 0;
}

/* What nothing else looks at. */
static int check_other(struct group *group, const struct block *block)
{
	if (block_is_body(block->type) || block->type == BLOCK_RECORDS ||
	    block->type == BLOCK_OPEN || block->type == BLOCK_END)
		return 0;
	int error = file_check(group->file, block);
	if (error == -ENOMEM)
		return error;
	if (error)
		file_damage(group->file, "the block at byte %" PRIu64 " is broken",
			    block->position);
	return 0;
}

static int check_entry(void *context, struct group *group, const struct listed *listed)
{
	struct block block;
	(void)context;
	if (file_header(group->file, listed->entry.position, &block))
		return 0;
	return check_other(group, &block);
}

/* From block to block. news: what is found was not known, and is told. */
static int each_block(struct group *group, bool news, bool verify, group_callback callback,
		      void *context)
{
	struct stepper stepper = {.file = group->file, .at = group->from, .end = group->to};
	enum step step;
	int stop = 0;
	while (!stop && (step = step_next(&stepper)) != STEP_END) {
		const struct block *block = &stepper.block;
		if (step == STEP_NOISE && news)
			file_damage(group->file, "bytes %" PRIu64 " to %" PRIu64 " are no block",
				    stepper.from, stepper.at);
		if (step == STEP_NOISE)
			continue;
		uint64_t size = block->size;
		if (step == STEP_CUT)
			size = stepper.end - stepper.from - BLOCK_HEADER_SIZE;
		if (step == STEP_ERROR ||
		    (step == STEP_CUT && (!block->size || block->type != BLOCK_RECORDS)))
			break;
		if (step == STEP_BLOCK && verify)
			stop = check_other(group, block);
		if (news && block_is_body(block->type))
			stop = file_take(group->file, block);
		struct listed listed = {.entry = {.position = block->position,
						  .first = block->first,
						  .last = block->last,
						  .size = (uint32_t)size,
						  .type = block->type,
						  .process = block->process}};
		if (!stop && size <= BODY_MOST)
			stop = callback(context, group, &listed);
		else if (!stop && (news || verify))
			file_damage(group->file, "the block at byte %" PRIu64 " is broken",
				    block->position);
	}
	return stop;
}

int group_list(struct group *group, bool verify, group_callback callback, void *context)
{
	struct index_head head;
	bool news = false;
	if (group->index) {
		int error = load(group, &head);
		if (!error)
			error = each_entry(group, &head, verify ? verify_entry : NULL, NULL);
		if (!error && verify)
			error = each_entry(group, &head, check_entry, NULL);
		if (!error)
			return each_entry(group, &head, callback, context);
		if (error == -ENOMEM)
			return error;
		/* The blocks are right. */
		group->index = 0;
		if (group->file->nshares == 1)
			group->file->shares[0]->info.nrecords -= group->nrecords;
		news = true;
	}
	return each_block(group, news, verify, callback, context);
}
