/*
 * Groups of blocks in the order of their times. A group is loaded when the merge has come to its
 * earliest record, and then says when its next chunk begins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

/* --- the heap ------------------------------------------------------------------------------ */

static void sift_up(struct merge *merge, size_t i)
{
	struct group *group = merge->groups[i];
	while (i > 0 && group->min_ns < merge->groups[(i - 1) / 2]->min_ns) {
		merge->groups[i] = merge->groups[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	merge->groups[i] = group;
}

static void sift_down(struct merge *merge)
{
	struct group *group = merge->groups[0];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= merge->ngroups)
			break;
		if (child + 1 < merge->ngroups &&
		    merge->groups[child + 1]->min_ns < merge->groups[child]->min_ns)
			child++;
		if (merge->groups[child]->min_ns >= group->min_ns)
			break;
		merge->groups[i] = merge->groups[child];
		i = child;
	}
	merge->groups[i] = group;
}

static int push(struct merge *merge, struct group *group)
{
	struct group **grown = array_grow(merge->groups, merge->ngroups, sizeof(struct group *));
	if (!grown)
		return -ENOMEM;
	merge->groups = grown;
	merge->groups[merge->ngroups] = group;
	sift_up(merge, merge->ngroups++);
	return 0;
}

/* --- which groups are needed --------------------------------------------------------------- */

/* Whether anything of a group may be read, by its times. */
static bool group_needed(const struct dump_reader *reader, struct group *group)
{
	const struct dump_want *want = reader->want;
	const struct file *file = group->file;
	bool started = false, open = false;
	for (size_t i = 0; i < file->nshares; i++) {
		const struct share *share = file->shares[i];
		if (!share || share->left_out)
			continue;
		started |= share->start < group->to;
		open |= share->open_start < group->to && share->open_end > group->from;
	}
	/* The records of OPEN are older than the group. */
	if (open)
		group->min_ns = 0;
	if (open || !started || reader->whole)
		return started;
	if (group->first > group->last || (want->until_ns && group->min_ns >= want->until_ns))
		return false;
	return !want->alone || group->max_ns >= want->since_ns;
}

int merge_add_groups(struct dump_reader *reader, struct file *file)
{
	for (; file->nmerged < file->ngroups; file->nmerged++) {
		struct group *group = file->groups[file->nmerged];
		uint64_t bytes = group->to - group->from;
		if (!group_needed(reader, group))
			continue;
		reader->all += bytes;
		if (push(&reader->merge, group))
			return -ENOMEM;
	}
	return 0;
}

/* --- their chunks -------------------------------------------------------------------------- */

struct loading {
	struct dump_reader *reader;
	struct pending *pending;
	uint32_t count;
};

static int load_block(void *context, struct group *group, const struct listed *listed)
{
	struct loading *loading = context;
	const struct index_entry *entry = &listed->entry;
	const struct share *share = file_share(group->file, entry->process);
	if (!share || share->left_out || !share->origin)
		return 0;
	bool open = entry->type == BLOCK_OPEN && entry->position >= share->open_start &&
		    entry->position < share->open_end;
	if (!open && (entry->type != BLOCK_RECORDS || entry->position < share->start))
		return 0;
	struct time_range times = share_times(share, entry->first, entry->last);
	enum need need = NEED_CONTEXT;
	if (!open)
		need = want_chunk(loading->reader, share, &times, listed->events,
				  listed->events ? listed->events + entry->events : NULL,
				  listed->events ? listed->filter : NULL, 8u * entry->filter8);
	if (need == NEED_NOT)
		return 0;
	void *grown = array_grow(loading->pending, loading->count, sizeof *loading->pending);
	if (!grown)
		return -ENOMEM;
	loading->pending = grown;
	loading->pending[loading->count++] =
		(struct pending){.min_ns = times.min_ns,
				 .position = entry->position,
				 .size = entry->size,
				 .records = open ? 0 : entry->records & ((1u << 30) - 1),
				 .context = need == NEED_CONTEXT};
	return 0;
}

static int by_time(const void *left, const void *right)
{
	const struct pending *a = left, *b = right;
	if (a->min_ns != b->min_ns)
		return a->min_ns < b->min_ns ? -1 : 1;
	return (a->position > b->position) - (a->position < b->position);
}

static void forget(struct merge *merge, struct group *group)
{
	merge->npending -= group->pending ? group->npending : 0;
	free(group->pending);
	group->pending = NULL;
}

/* Groups that are not next can be loaded once more. */
static void forget_others(struct merge *merge, const struct group *group)
{
	for (size_t i = merge->ngroups; i-- > 0 && merge->npending > MOST_PENDING / 2;)
		if (merge->groups[i] != group)
			forget(merge, merge->groups[i]);
}

/* 0; -ENOMEM. */
static int load(struct dump_reader *reader, struct group *group)
{
	struct merge *merge = &reader->merge;
	struct loading loading = {reader, NULL, 0};
	int error = group_list(group, reader->whole && !group->verified, load_block, &loading);
	if (error == -ENOMEM) {
		free(loading.pending);
		return error;
	}
	group->verified = true;
	if (loading.count)
		qsort(loading.pending, loading.count, sizeof *loading.pending, by_time);
	group->pending = loading.pending;
	group->npending = loading.count;
	merge->npending += loading.count;
	if (merge->npending > MOST_PENDING)
		forget_others(merge, group);
	return 0;
}

/* The group at the top is over, or has another time. */
static void settle(struct dump_reader *reader, struct group *group)
{
	struct merge *merge = &reader->merge;
	if (group->next < group->npending) {
		group->min_ns = group->pending[group->next].min_ns;
	} else {
		forget(merge, group);
		reader->done += group->to - group->from;
		merge->groups[0] = merge->groups[--merge->ngroups];
	}
	if (merge->ngroups)
		sift_down(merge);
}

int merge_advance(struct dump_reader *reader)
{
	struct group *group = reader->merge.groups[0];
	struct chunk *chunk;
	int error = 0;
	if (!group->pending) {
		error = load(reader, group);
		if (!error)
			settle(reader, group);
		return error;
	}
	error = cache_open(reader, group->file, &group->pending[group->next], &chunk);
	if (error)
		return error;
	group->next++;
	for (uint32_t i = 0; chunk && !error && i < chunk->nsegments; i++)
		error = run_open(reader, chunk, &chunk->segments[i]);
	if (chunk)
		cache_release(&reader->cache, chunk);
	settle(reader, group);
	return error;
}
