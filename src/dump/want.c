/* What need not be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/filter.h"
#include "dump/reader.h"

/* Values of these types have other words for the same, or hold more values. */
#define UNFILTERED_TYPES (1u << RILL_TYPE_F64 | 1u << RILL_TYPE_LIST | 1u << RILL_TYPE_EVENT)

/* --- catalogs ------------------------------------------------------------------------------ */

static uint32_t find_key(const struct rill_catalog *catalog, const char *name)
{
	for (uint16_t key = 0; key < catalog->nkeys; key++)
		if (strcmp(catalog->keys[key].name, name) == 0)
			return filter_is_identity(catalog, key) &&
					       !(catalog->keys[key].types & UNFILTERED_TYPES)
				       ? key
				       : ID_ANYWHERE;
	return ID_NONE;
}

int catalog_mark(struct dump_reader *reader, struct known_catalog *known)
{
	const struct dump_want *want = reader->want;
	const struct rill_catalog *catalog = known->catalog;
	known->marks = arena_take(&reader->arena, catalog->nevents + 1u);
	if (!known->marks)
		return -ENOMEM;
	for (uint16_t event = 0; event < catalog->nevents; event++)
		if (!want || !want->event || want->event(want->context, catalog, event))
			known->marks[event] = MARK_WANTED;
	for (size_t i = 0; i < catalog->nspans; i++) {
		known->marks[catalog->spans[i].start] |= MARK_ROLE;
		known->marks[catalog->spans[i].end] |= MARK_ROLE;
	}
	size_t nids = want ? want->nids : 0;
	known->id_keys = arena_array(&reader->arena, nids + 1, sizeof *known->id_keys);
	if (!known->id_keys)
		return -ENOMEM;
	for (size_t i = 0; i < nids; i++)
		known->id_keys[i] = find_key(catalog, want->ids[i].key);
	return 0;
}

/* What is not in the catalog is handed out, for somebody to complain of. */
static unsigned char marks_of(const struct share *share, uint32_t catalog, uint32_t event)
{
	const struct known_catalog *known = share->origin->known[catalog];
	return known && event < known->catalog->nevents ? known->marks[event] : MARK_WANTED;
}

/* --- chunks and records -------------------------------------------------------------------- */

/* Whether one of the wanted identities may be in a chunk. */
static bool may_hold(const struct dump_reader *reader, const struct share *share,
		     const unsigned char *filter, uint32_t filter_size)
{
	const struct origin *origin = share->origin;
	const struct dump_want *want = reader->want;
	for (uint32_t c = 0; c < origin->info.catalogs.count; c++) {
		const struct known_catalog *known = origin->known[c];
		for (size_t i = 0; known && i < want->nids; i++) {
			uint32_t key = known->id_keys[i];
			if (key == ID_ANYWHERE ||
			    (key != ID_NONE &&
			     filter_may_hold(
				     filter, filter_size,
				     filter_hash(reader->id_values[i], (uint8_t)c, (uint16_t)key))))
				return true;
		}
	}
	return false;
}

static const unsigned char *get_varint(const unsigned char *at, const unsigned char *end,
				       uint64_t *value)
{
	*value = 0;
	for (uint32_t shift = 0; shift < 64 && at < end; shift += 7) {
		*value |= (uint64_t)(*at & 127) << shift;
		if (*at++ < 128)
			return at;
	}
	return NULL;
}

/* The marks of all events of a list. */
static unsigned char marks_in(const struct share *share, const unsigned char *at,
			      const unsigned char *end)
{
	unsigned char marks = 0;
	uint64_t event = 0, step, records;
	while (at < end) {
		at = get_varint(at, end, &step);
		if (at)
			at = get_varint(at, end, &records);
		event += step;
		/* A broken list says nothing. */
		if (!at || event > 0xffffff)
			return MARK_WANTED | MARK_ROLE;
		marks |= marks_of(share, (uint32_t)event >> 16, event & 0xffff);
	}
	return marks;
}

bool want_roles(const struct share *share, const unsigned char *events, const unsigned char *end)
{
	return marks_in(share, events, end) & MARK_ROLE;
}

bool want_role(const struct share *share, const struct raw_record *raw)
{
	return marks_of(share, raw->catalog, raw->event) & MARK_ROLE;
}

enum need want_chunk(const struct dump_reader *reader, const struct share *share,
		     const struct time_range *times, const unsigned char *events,
		     const unsigned char *events_end, const unsigned char *filter,
		     uint32_t filter_size)
{
	const struct dump_want *want = reader->want;
	if (reader->whole)
		return NEED_ALL;
	if (want->until_ns && times->min_ns >= want->until_ns)
		return NEED_NOT;
	bool early = times->max_ns < want->since_ns;
	if (early && want->alone)
		return NEED_NOT;
	if (want->nids && filter && !may_hold(reader, share, filter, filter_size))
		return NEED_NOT;
	unsigned char marks = MARK_WANTED | MARK_ROLE;
	if (events)
		marks = marks_in(share, events, events_end);
	if (!early && marks & MARK_WANTED)
		return NEED_ALL;
	return marks & MARK_ROLE && !want->alone ? NEED_CONTEXT : NEED_NOT;
}

enum need want_record(const struct dump_reader *reader, const struct share *share,
		      const struct raw_record *raw, uint64_t ns)
{
	const struct dump_want *want = reader->want;
	if (want->until_ns && ns >= want->until_ns)
		return NEED_NOT;
	unsigned char marks = marks_of(share, raw->catalog, raw->event);
	if (ns >= want->since_ns && marks & MARK_WANTED)
		return NEED_ALL;
	return marks & MARK_ROLE && !want->alone ? NEED_CONTEXT : NEED_NOT;
}

/* --- where to start ------------------------------------------------------------------------ */

/* Goes over the blocks of a process, in the order of its files. */
struct search {
	struct share *share;
	uint64_t since_ns;
	uint64_t max_ns; /* of the records so far */
	bool records;    /* there have been some */
	bool after_open; /* the block before is of type OPEN as well */
	struct share *found;
	uint64_t position;
};

/* All that came so far need not be read. */
static bool eligible(const struct search *search)
{
	return !search->records || search->max_ns < search->since_ns;
}

static int search_block(void *context, struct group *group, const struct listed *listed)
{
	struct search *search = context;
	const struct index_entry *entry = &listed->entry;
	(void)group;
	if (entry->process != search->share->process)
		return 0;
	bool open = entry->type == BLOCK_OPEN;
	if (entry->type == BLOCK_RECORDS) {
		uint64_t max_ns = share_times(search->share, entry->first, entry->last).max_ns;
		if (!search->records || max_ns > search->max_ns)
			search->max_ns = max_ns;
		search->records = true;
	} else if (open && !search->after_open && eligible(search)) {
		search->found = search->share;
		search->position = entry->position;
	}
	search->after_open = open;
	return !eligible(search);
}

static int search_share(struct search *search)
{
	struct file *file = search->share->file;
	for (size_t g = 0; g < file->ngroups && eligible(search); g++) {
		struct group *group = file->groups[g];
		bool records = group->first <= group->last;
		bool early = records && group->max_ns < search->since_ns;
		if (file->nshares == 1 && records && (early || !group->open)) {
			if (early && group->open) {
				search->found = search->share;
				search->position = group->open;
			}
			if (!search->records || group->max_ns > search->max_ns)
				search->max_ns = group->max_ns;
			search->records = true;
			continue;
		}
		search->after_open = false;
		int error = group_list(group, false, search_block, search);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Where the set of OPEN blocks ends that begins at a position. */
static uint64_t open_end(const struct share *share, uint64_t position)
{
	struct stepper stepper = {.file = share->file, .at = position, .end = share->file->size};
	uint64_t end = position;
	while (step_next(&stepper) == STEP_BLOCK && stepper.block.type == BLOCK_OPEN &&
	       stepper.block.process == share->process)
		end = stepper.at;
	return end;
}

/* The set of OPEN blocks at the beginning of a part whose part before is missing. */
static int use_first_open(struct share *share, uint64_t known_ns)
{
	struct search search = {.share = share};
	int error = search_share(&search);
	if (error || !search.found)
		return error;
	share->open_start = search.position;
	share->open_end = open_end(share, search.position);
	share->open_known_ns = known_ns;
	return 0;
}

int origin_prepare(struct dump_reader *reader, struct origin *origin)
{
	const struct dump_want *want = reader->want;
	origin->prepared = true;
	if (want && want->alone)
		return 0;
	struct search search = {.since_ns = want ? want->since_ns : 0};
	int error = 0;
	uint32_t begun = 0;
	for (uint32_t i = 0; !error && i < origin->nshares && eligible(&search); i++) {
		search.share = origin->shares[i];
		error = search_share(&search);
	}
	if (error)
		return error;
	if (search.found) {
		while (origin->shares[begun] != search.found)
			origin->shares[begun++]->start = UINT64_MAX;
		search.found->start = search.found->open_start = search.position;
		search.found->open_end = open_end(search.found, search.position);
	}
	uint64_t max_ns = 0;
	for (uint32_t i = begun; !error && i < origin->nshares; i++) {
		struct share *share = origin->shares[i];
		if (i > begun &&
		    share->info.process.part != origin->shares[i - 1]->info.process.part + 1)
			error = use_first_open(share, max_ns);
		for (size_t g = 0; g < share->file->ngroups; g++)
			if (share->file->groups[g]->max_ns > max_ns)
				max_ns = share->file->groups[g]->max_ns;
	}
	return error;
}
