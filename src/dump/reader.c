/* The reader as others see it. */
#include "dump/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/filter.h"

static int prepare_want(struct dump_reader *reader)
{
	const struct dump_want *want = reader->want;
	reader->whole =
		!want || (!want->since_ns && !want->until_ns && !want->event && !want->nids);
	size_t nids = want ? want->nids : 0;
	reader->id_values = malloc((nids + 1) * sizeof *reader->id_values);
	if (!reader->id_values)
		return -ENOMEM;
	for (size_t i = 0; i < nids; i++) {
		const struct dump_id *id = &want->ids[i];
		reader->id_values[i] = id->bytes ? filter_value(id->bytes, id->size) : id->word;
	}
	return 0;
}

/* What is new in the files becomes a part of the merge. 0; -ENOMEM. */
static int take_in(struct dump_reader *reader)
{
	int error = origins_find(reader);
	for (size_t i = 0; !error && i < reader->norigins; i++)
		if (!reader->origins[i]->prepared)
			error = origin_prepare(reader, reader->origins[i]);
	for (size_t i = 0; !error && i < reader->nfiles; i++)
		error = merge_add_groups(reader, reader->files[i]);
	return error;
}

int dump_open_all(struct dump_reader **made, const char *const *paths, size_t npaths,
		  const struct dump_want *want, char *error, size_t error_size)
{
	struct dump_reader *reader = calloc(1, sizeof *reader);
	*made = NULL;
	snprintf(error, error_size, "no memory to read a dump");
	if (!reader)
		return -ENOMEM;
	reader->want = want;
	int code = prepare_want(reader);
	for (size_t i = 0; !code && i < npaths; i++)
		code = reader_add_path(reader, paths[i], error, error_size);
	if (!code)
		code = take_in(reader);
	if (code) {
		dump_reader_close(reader);
		return code;
	}
	*made = reader;
	return 0;
}

int dump_open(struct dump_reader **made, const char *path, char *error, size_t error_size)
{
	return dump_open_all(made, &path, 1, NULL, error, error_size);
}

size_t dump_origin_count(const struct dump_reader *reader)
{
	return reader->norigins;
}

const struct dump_origin *dump_origin(const struct dump_reader *reader, size_t index)
{
	return &reader->origins[index]->info;
}

size_t dump_file_count(const struct dump_reader *reader)
{
	return reader->nshares;
}

const struct dump_file *dump_file(const struct dump_reader *reader, size_t index)
{
	struct share *share = reader->shares[index];
	struct file *file = share->file;
	/* What cannot be counted for lack of memory is damage, as is what cannot be read. */
	if (counts_read(share))
		file_damage(file, "there is no memory for its counts");
	share->info.damage = share->tells ? file_damage_text(file) : NULL;
	return &share->info;
}

int dump_next(struct dump_reader *reader, struct dump_record *record)
{
	int more = merge_next(reader, record);
	if (more == 0)
		rings_report(&reader->rings);
	return more;
}

bool dump_expires(const struct dump_reader *reader)
{
	return cache_expires(&reader->cache);
}

void dump_progress(const struct dump_reader *reader, uint64_t *done, uint64_t *all)
{
	*done = reader->done;
	*all = reader->all;
}

/* Whether a file is longer than it was, or is not written to any more. */
static bool has_changed(struct file *file)
{
	struct stat status;
	int fd = file->finished || file->unreadable ? -1 : file_descriptor(file);
	if (fd < 0 || fstat(fd, &status))
		return false;
	bool grown = (uint64_t)status.st_size > file->size;
	if (grown)
		file->size = (uint64_t)status.st_size;
	return grown || file->running;
}

int dump_refresh(struct dump_reader *reader)
{
	size_t nfiles = reader->nfiles;
	bool news = false;
	for (size_t i = 0; i < nfiles; i++) {
		struct file *file = reader->files[i];
		size_t known = file->ngroups;
		if (!has_changed(file))
			continue;
		int error = file_scan(file);
		if (error)
			return error;
		news |= file->ngroups > known;
	}
	int added = reader_add_new(reader);
	if (added < 0)
		return added;
	int error = take_in(reader);
	if (error)
		return error;
	return news || added;
}

void dump_reader_close(struct dump_reader *reader)
{
	merge_close(reader);
	cache_close(&reader->cache);
	rings_free(&reader->rings);
	for (size_t i = 0; i < reader->nfiles; i++)
		file_free(reader->files[i]);
	for (size_t i = 0; i < reader->nshares; i++)
		share_free(reader->shares[i]);
	for (size_t i = 0; i < reader->norigins; i++) {
		free(reader->origins[i]->shares);
		free(reader->origins[i]->epochs);
		free(reader->origins[i]);
	}
	for (size_t i = 0; i < reader->nfolders; i++)
		free(reader->folders[i].path);
	input_close(&reader->input);
	arena_free(&reader->arena);
	free(reader->id_values);
	free(reader->files);
	free(reader->shares);
	free(reader->origins);
	free(reader->by_id);
	free(reader->folders);
	free(reader);
}
