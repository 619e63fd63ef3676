/*
 * What a power failure may make of a dump: its last sectors are not there, or zeros, or not its
 * own, in any order. Whatever is whole is read, nothing else, and what is damaged is said.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "support/blocks.h"
#include "support/files.h"
#include "support/parts.h"
#include "support/stepper.h"
#include "support/witnessed.h"

#define SECTOR 512u

static bool is_short(void)
{
	const char *tier = getenv("RILL_TEST_TIER");
	return !tier || strcmp(tier, "short") == 0;
}

/* --- a dump in several files, and what stands where ------------------------------------------ */

struct stretch {
	size_t from; /* a block of records: bytes of the file, without the padding at its end */
	size_t to;
	uint64_t records;
};

#define MAX_STRETCHES 4096

struct sample {
	struct witnessed w;
	struct parts parts;
	struct stretch stretches[MAX_STRETCHES]; /* of the file that is damaged */
	size_t nstretches;
	uint64_t elsewhere; /* records of the other files */
	const struct part *part;
	unsigned char *damaged;
	size_t size; /* of it, when it is damaged */
};

/* A block whose body is as it was before it was compressed; the caller's to free. */
static unsigned char *inflate(struct part_block *block)
{
	size_t size = block_get(block->header + 48, 4);
	unsigned char *body = malloc(size + block->size);
	cr_assert(body);
	if (block_get(block->header + 6, 2) & BLOCK_COMPRESSED) {
		cr_assert_eq(ZSTD_decompress(body, size, block->body, block->size), size);
		block->size = size;
	} else {
		memcpy(body, block->body, block->size);
	}
	block->body = body;
	return body;
}

static uint64_t records_of(const struct part *part, struct sample *list)
{
	size_t at = PART_FIRST;
	uint64_t records = 0;
	struct part_block block;
	while (part_next(part, &at, &block)) {
		size_t n, from = (size_t)(block.header - part->bytes);
		size_t to = from + BLOCK_HEADER_SIZE + (size_t)block.size;
		if (block.type != BLOCK_RECORDS)
			continue;
		unsigned char *body = inflate(&block);
		free(part_records(&block, &n));
		free(body);
		records += n;
		if (!list)
			continue;
		cr_assert_lt(list->nstretches, MAX_STRETCHES);
		list->stretches[list->nstretches++] = (struct stretch){from, to, n};
	}
	return records;
}

/* A program that was killed; the last but `back` of its files is to be damaged. */
static struct sample *sample_make(const char *options, size_t back)
{
	struct sample *sample = calloc(1, sizeof *sample);
	const char *arguments[] = {"threads=2", "rate=2000", NULL};
	sample->w = witnessed_make(options, false);
	pid_t pid = witnessed_start(&sample->w, arguments);
	witnessed_wait(&sample->w, pid);
	char *files = format("%s/*.rill", sample->w.dump);
	glob_t found;
	while (glob(files, 0, NULL, &found) != 0 || found.gl_pathc < 4) {
		globfree(&found);
		usleep(1000);
	}
	globfree(&found);
	usleep(5000);
	witnessed_kill(pid);
	parts_load(&sample->parts, format("%s/*.rill", sample->w.dump));
	cr_assert_geq(sample->parts.count, 3, "it has not been rotated");
	sample->part = &sample->parts.part[sample->parts.count - 1 - back];
	for (size_t i = 0; i < sample->parts.count; i++)
		if (&sample->parts.part[i] == sample->part)
			records_of(sample->part, sample);
		else
			sample->elsewhere += records_of(&sample->parts.part[i], NULL);
	sample->damaged = malloc(sample->part->size);
	return sample;
}

static void sample_end(struct sample *sample)
{
	free(sample->damaged);
	witnessed_end(&sample->w);
	free(sample);
}

static void restore(struct sample *sample)
{
	memcpy(sample->damaged, sample->part->bytes, sample->part->size);
	sample->size = sample->part->size;
}

/* --- damage ---------------------------------------------------------------------------------- */

enum damage {
	CUT,     /* the file ends here: the sector and what is behind it is not there */
	ZEROS,   /* written later than what is behind it, and so not at all */
	RUN,     /* eight of them */
	GARBAGE, /* anything */
	STALE,   /* what stood there in an older file */
	DAMAGES,
};

static const char *const damage_names[] = {"cut", "zeros", "a run of zeros", "garbage", "stale"};

/* A block of the older file that begins in the sector hides what stands behind it, up to its end.
 */
static size_t end_of_stale(const struct sample *sample, size_t from, size_t to)
{
	size_t end = to;
	for (size_t at = from; at < to; at += 8) {
		const unsigned char *header = sample->damaged + at;
		if (at + BLOCK_HEADER_SIZE <= to && memcmp(header, "RBLK", 4) == 0 &&
		    block_get(header + 16, 8) == at &&
		    at + BLOCK_HEADER_SIZE + block_get(header + 8, 8) > end)
			end = at + BLOCK_HEADER_SIZE + (size_t)block_get(header + 8, 8);
	}
	return end;
}

/* Damages it. Returns up to where that may be felt. */
static size_t spoil(struct sample *sample, enum damage damage, size_t from)
{
	size_t to = from + (damage == RUN ? 8 * SECTOR : SECTOR);
	const struct part *older = sample->part - 1;
	if (to > sample->size)
		to = sample->size;
	switch (damage) {
	case CUT:
		to = sample->size;
		sample->size = from;
		break;
	case ZEROS:
	case RUN:
		memset(sample->damaged + from, 0, to - from);
		break;
	case STALE:
		if (to <= older->size) {
			memcpy(sample->damaged + from, older->bytes + from, to - from);
			return end_of_stale(sample, from, to);
		}
		/* fall through */
	default:
		for (size_t i = from; i < to; i++)
			sample->damaged[i] = (unsigned char)(i * 2654435761u >> 13);
	}
	return to;
}

/* All of the blocks that were not touched; of the others, what can be read, if it is right. */
static void expect_rest(struct sample *sample, enum damage damage, size_t from, size_t to)
{
	uint64_t least = sample->elsewhere, most = sample->elsewhere;
	const struct part *last = &sample->parts.part[sample->parts.count - 1];
	bool same = sample->size == sample->part->size &&
		    memcmp(sample->damaged, sample->part->bytes, sample->size) == 0;
	for (size_t i = 0; i < sample->nstretches; i++) {
		const struct stretch *stretch = &sample->stretches[i];
		most += stretch->records;
		if (from > 0 && (same || stretch->to <= from || stretch->from >= to))
			least += stretch->records;
	}
	file_store(sample->part->path, sample->damaged, sample->size);
	uint64_t found = witnessed_dump(&sample->w);
	if (!same)
		cr_expect_geq(sample->w.ntold, 1 + (sample->part != last),
			      "%s at %zu of %zu: not told", damage_names[damage], from,
			      sample->part->size);
	cr_expect(found >= least && found <= most, "%s at %zu of %zu: %lu records, not %lu to %lu",
		  damage_names[damage], from, sample->part->size, found, least, most);
}

static void damage_each(const char *options, size_t back)
{
	struct sample *sample = sample_make(options, back);
	size_t every = (is_short() ? 37 : 1) * SECTOR;
	sample->w.damaged = true;
	for (unsigned damage = 0; damage < DAMAGES; damage++)
		for (size_t from = 0; from < sample->part->size; from += every) {
			restore(sample);
			size_t to = spoil(sample, (enum damage)damage, from);
			expect_rest(sample, (enum damage)damage, from, to);
		}
	sample_end(sample);
}

Test(power, each_sector_of_the_last_file, .timeout = 300)
{
	damage_each("rotate=64KiB", 0);
}

Test(power, each_sector_of_the_last_file_compressed, .timeout = 300)
{
	damage_each("rotate=64KiB&zstd=1", 0);
}

Test(power, each_sector_of_the_file_before_it, .timeout = 300)
{
	damage_each("rotate=64KiB", 1);
}

/* --- what is synced, and when ------------------------------------------------------------------
 */

struct synced {
	char path[256];
	bool dirty;
};

struct sync_log {
	struct synced files[64];
	size_t nfiles;
	bool folder_dirty; /* a file has come since it was synced */
	unsigned flushes;
};

static void file_of(const struct stepper *stepper, int64_t fd, char *path)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/fd/%ld", stepper->pid, fd);
	ssize_t size = readlink(link, path, 255);
	path[size > 0 ? size : 0] = '\0';
}

static struct synced *synced_of(struct sync_log *log, const char *path)
{
	for (size_t i = 0; i < log->nfiles; i++)
		if (strcmp(log->files[i].path, path) == 0)
			return &log->files[i];
	cr_assert_lt(log->nfiles, 64);
	log->folder_dirty = true;
	strcpy(log->files[log->nfiles].path, path);
	return &log->files[log->nfiles++];
}

/* A flush is over when it has synced the newest file. */
static void expect_all_synced(struct sync_log *log)
{
	for (size_t i = 0; i < log->nfiles; i++)
		cr_expect_not(log->files[i].dirty, "%s is not synced", log->files[i].path);
	cr_expect_not(log->folder_dirty, "the folder is not synced");
	log->flushes++;
}

static void log_call(struct sync_log *log, const struct witnessed *w, const char *path, long number)
{
	if (number == SYS_fsync && strcmp(path, w->dump) == 0)
		log->folder_dirty = false;
	if (!strstr(path, ".rill"))
		return;
	struct synced *file = synced_of(log, path);
	if (number == SYS_pwritev)
		file->dirty = true;
	if (number != SYS_fdatasync)
		return;
	file->dirty = false;
	if (file == &log->files[log->nfiles - 1])
		expect_all_synced(log);
}

/* When rill_flush() has returned, no file, and no file's name, is in memory only. */
Test(power, a_flush_syncs_all_that_was_written, .timeout = 300)
{
	struct witnessed w = witnessed_make("rotate=64KiB", false);
	const char *argv[] = {built("tests/programs/committing"),
			      w.page_path,
			      "threads=2",
			      "rate=1000",
			      "flush",
			      NULL};
	struct stepper *stepper = stepper_start(argv, w.env, NULL);
	struct sync_log log = {.nfiles = 0};
	pid_t tid = 0;
	while (!(tid = stepper_find(stepper, "rill-collector")))
		cr_assert(stepper_run_for(stepper, 1));
	while (log.nfiles < 20 && log.flushes < 400) {
		char path[256] = "";
		enum stepper_result result = stepper_syscall(stepper, tid, true);
		long number = (long)stepper->call.number;
		cr_assert(result == STEPPER_AT_ENTRY || result == STEPPER_AT_EXIT);
		if (result == STEPPER_AT_ENTRY ||
		    (number != SYS_pwritev && number != SYS_fdatasync && number != SYS_fsync))
			continue;
		file_of(stepper, (int64_t)stepper->call.argument[0], path);
		log_call(&log, &w, path, number);
	}
	cr_assert(log.nfiles > 4 && log.flushes > 4, "%zu files, %u flushes", log.nfiles,
		  log.flushes);
	stepper_end(stepper);
	witnessed_end(&w);
}

/* Follows a thread that removes files, if it is seen from its look at the folder on. Returns how
 * many it has removed. */
static unsigned follow_removal(struct stepper *stepper, pid_t tid, const char *folder)
{
	unsigned removed = 0, synced = 0;
	bool whole = false;
	for (;;) {
		char path[256];
		enum stepper_result result = stepper_syscall(stepper, tid, true);
		long number = (long)stepper->call.number;
		if (result == STEPPER_GONE || result == STEPPER_STUCK)
			return removed;
		if (result != STEPPER_AT_EXIT)
			continue;
		file_of(stepper, stepper->call.result, path);
		whole |= number == SYS_openat && strcmp(path, folder) == 0;
		synced += number == SYS_fdatasync;
		if (number != SYS_unlinkat || !whole)
			continue;
		cr_expect_geq(synced, 2, "a file was removed when %u were synced", synced);
		removed++;
	}
}

/* `keep` removes a file only when those that stay are on the disk. */
Test(power, what_stays_is_synced_before_another_file_is_removed, .timeout = 300)
{
	struct witnessed w = witnessed_make("rotate=64KiB&keep=2", false);
	const char *argv[] = {built("tests/programs/committing"), w.page_path, "threads=2",
			      "rate=500", NULL};
	struct stepper *stepper = stepper_start(argv, w.env, NULL);
	unsigned removed = 0;
	for (unsigned tries = 0; tries < 60000 && removed < 3; tries++) {
		pid_t tid = stepper_find(stepper, "rill-retain");
		if (tid)
			removed += follow_removal(stepper, tid, w.dump);
		else
			cr_assert(stepper_run_for(stepper, 1));
	}
	cr_expect_geq(removed, 3, "only %u files were removed", removed);
	stepper_end(stepper);
	witnessed_end(&w);
}
