/* Which files are of the same process, and of one series. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

static struct origin **place_of(const struct dump_reader *reader, const uint64_t id[2])
{
	size_t i = (id[0] ^ id[1] * UINT64_C(0x9e3779b97f4a7c15)) >> 7;
	for (;; i++) {
		struct origin **place = &reader->by_id[i & (reader->by_id_room - 1)];
		if (!*place || ((*place)->info.process.id[0] == id[0] &&
				(*place)->info.process.id[1] == id[1]))
			return place;
	}
}

static int table_grow(struct dump_reader *reader)
{
	size_t room = reader->by_id_room ? 2 * reader->by_id_room : 64;
	struct origin **old = reader->by_id;
	size_t old_room = reader->by_id_room;
	if (2 * (reader->norigins + 1) <= reader->by_id_room)
		return 0;
	struct origin **table = calloc(room, sizeof(struct origin *));
	if (!table)
		return -ENOMEM;
	reader->by_id = table;
	reader->by_id_room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i])
			*place_of(reader, old[i]->info.process.id) = old[i];
	free(old);
	return 0;
}

static struct origin *origin_new(struct dump_reader *reader, const struct share *share)
{
	struct origin **list =
		array_grow(reader->origins, reader->norigins, sizeof(struct origin *));
	if (!list)
		return NULL;
	reader->origins = list;
	struct origin *origin = calloc(1, sizeof *origin);
	if (!origin)
		return NULL;
	origin->index = origin->kin = (uint32_t)reader->norigins;
	origin->info.process = share->info.process;
	origin->info.catalogs.catalog = origin->catalogs;
	reader->origins[reader->norigins++] = origin;
	return origin;
}

/* The part that is there already. NULL: there is none. */
static const struct share *same_part(const struct origin *origin, const struct share *share)
{
	for (uint32_t i = 0; i < origin->nshares; i++)
		if (origin->shares[i]->info.process.part == share->info.process.part)
			return origin->shares[i];
	return NULL;
}

static bool catalogs_agree(const struct origin *origin, const struct share *share)
{
	for (uint32_t i = 0; i < share->ncatalogs; i++)
		if (share->known[i] && origin->known[i] && share->known[i] != origin->known[i])
			return false;
	return true;
}

/* Filters in the order of the parts, of which each repeats the last one of the part before. */
static int collect_epochs(struct origin *origin)
{
	size_t most = 0, count = 0;
	for (uint32_t i = 0; i < origin->nshares; i++)
		most += origin->shares[i]->nepochs;
	struct dump_epoch *epochs = malloc((most + 1) * sizeof *epochs);
	if (!epochs)
		return -ENOMEM;
	for (uint32_t i = 0; i < origin->nshares; i++) {
		const struct share *share = origin->shares[i];
		for (size_t e = 0; e < share->nepochs; e++) {
			const struct dump_epoch *epoch = &share->epochs[e];
			if (!count || epochs[count - 1].published_ticks != epoch->published_ticks ||
			    strcmp(epochs[count - 1].expression, epoch->expression) != 0)
				epochs[count++] = *epoch;
		}
	}
	free(origin->epochs);
	origin->info.epochs = origin->epochs = epochs;
	origin->info.nepochs = count;
	return 0;
}

static int origin_learn(struct origin *origin, struct share *share)
{
	for (uint32_t i = 0; i < share->ncatalogs; i++) {
		if (!share->known[i] || origin->known[i])
			continue;
		origin->known[i] = share->known[i];
		origin->catalogs[i] = share->catalogs[i];
		if (i >= origin->info.catalogs.count)
			origin->info.catalogs.count = i + 1;
	}
	share->news = false;
	return collect_epochs(origin);
}

static int origin_add(struct origin *origin, struct share *share)
{
	struct share **list = array_grow(origin->shares, origin->nshares, sizeof(struct share *));
	if (!list)
		return -ENOMEM;
	origin->shares = list;
	uint32_t i = origin->nshares++;
	for (; i > 0 && list[i - 1]->info.process.part > share->info.process.part; i--)
		list[i] = list[i - 1];
	list[i] = share;
	if (i == 0)
		origin->info.process = share->info.process;
	share->origin = origin;
	share->info.origin = origin->index;
	return origin_learn(origin, share);
}

static int find_origin(struct dump_reader *reader, struct share *share)
{
	if (table_grow(reader))
		return -ENOMEM;
	struct origin **place = NULL;
	if (share->named)
		place = place_of(reader, share->info.process.id);
	struct origin *first = place ? *place : NULL;
	while (place && *place && (*place)->info.process.series != share->info.process.series)
		place = &(*place)->other;
	if (place && *place) {
		const struct share *other = same_part(*place, share);
		if (other) {
			file_damage(share->file,
				    "is the same file as %s: part %u of its process is read once",
				    other->info.path, share->info.process.part);
			share->left_out = true;
			share->origin = *place;
			share->info.origin = (*place)->index;
			return 0;
		}
		if (catalogs_agree(*place, share))
			return origin_add(*place, share);
		file_damage(
			share->file,
			"its catalog is not the one that %s has of the same process: it is read "
			"by itself",
			(*place)->shares[0]->info.path);
		place = NULL;
	}
	struct origin *origin = origin_new(reader, share);
	if (!origin)
		return -ENOMEM;
	if (place)
		*place = origin;
	if (place && first)
		origin->kin = first->index;
	return origin_add(origin, share);
}

int origins_find(struct dump_reader *reader)
{
	int error = 0;
	for (size_t i = 0; !error && i < reader->nshares; i++) {
		struct share *share = reader->shares[i];
		if (!share->origin)
			error = find_origin(reader, share);
		else if (share->news && !share->left_out)
			error = origin_learn(share->origin, share);
	}
	return error;
}
