/*
 * The next file of a dump: what stands in the rings and not in the files before.
 *
 * It is written under another name, synced, and then given its own. Whoever comes after a recovery
 * that was interrupted finds either none of it or all, and what all of it holds is not taken again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/recover/recover.h"
#include "core/core.h"
#include "core/secrets.h"
#include "dump/filter.h"
#include "dump/writer.h"

/* --- what of each ring --------------------------------------------------------------------- */

/*
 * Where to begin in a ring. The dump knows better than tail: a kill may have come after the write
 * and before the store. If the dump ends before tail, it was torn or could not be written: as long
 * as the ring still has it, it is taken from there.
 */
static uint64_t begin_of(const struct recovery *recovery, const struct ring_remains *ring)
{
	const struct series *series = &recovery->series;
	uint64_t end = 0;
	bool known = series_end_of(series, ring->serial, &end);
	if (!known && !(series->torn && series->all))
		return ring->tail;
	return end >= ring->tail || ring_remains_holds(ring, end) ? end : ring->tail;
}

static bool record_is_good(const struct remains *remains, const struct raw_record *raw)
{
	const struct rill_catalog *catalog = remains->catalog[raw->catalog];
	return catalog && raw->event < catalog->nevents && raw_record_decodes(raw, catalog->nkeys);
}

static void count_record(struct recovery *recovery, const struct ring_share *share,
			 const struct raw_record *raw)
{
	uint32_t i = recovery->remains->first_event[raw->catalog] + raw->event;
	recovery->records[i]++;
	recovery->nrecords++;
	/* It was given back to the ring, and yet is in no file: what counted it said it failed. */
	if (share->to < share->ring->tail && raw->ticks <= recovery->series.counted_ticks)
		recovery->again[i]++;
	if (raw->ticks < recovery->first_ticks)
		recovery->first_ticks = raw->ticks;
	if (raw->ticks > recovery->last_ticks)
		recovery->last_ticks = raw->ticks;
}

/* Up to where whole, good records stand in these bytes. */
static size_t whole_records(struct recovery *recovery, struct ring_share *share,
			    const unsigned char *bytes, size_t size)
{
	struct raw_record raw;
	size_t at = 0;
	while (at < size && raw_record_read(&raw, bytes + at, size - at) == 0 &&
	       record_is_good(recovery->remains, &raw)) {
		count_record(recovery, share, &raw);
		share->records++;
		share->to += raw.size;
		at += raw.size;
	}
	return at;
}

/* Counts what stands in one ring. */
static int survey_ring(struct recovery *recovery, struct ring_share *share)
{
	const struct ring_remains *ring = share->ring;
	uint64_t largest = ring->data_bytes / RECORD_FRACTION;
	share->from = share->to = begin_of(recovery, ring);
	if (share->from >= ring->head)
		return 0;
	int fd = remains_open(recovery->remains->directory, ring->name);
	int error = fd < 0 ? fd : 0;
	while (!error && share->to < ring->head) {
		uint64_t left = ring->head - share->to;
		size_t size = left < RECOVER_WINDOW ? (size_t)left : RECOVER_WINDOW;
		error = ring_remains_bytes(ring, fd, share->to, recovery->window, size);
		if (error)
			break;
		size_t whole = whole_records(recovery, share, recovery->window, size);
		/* What a window cuts is read again; a record is far smaller. */
		if (whole == size)
			continue;
		if (size == left || size - whole > largest || !whole)
			break;
	}
	recovery->nbytes += ring->head - share->to;
	if (fd >= 0)
		close(fd);
	return error;
}

static int survey(struct recovery *recovery)
{
	const struct remains *remains = recovery->remains;
	recovery->first_ticks = UINT64_MAX;
	for (size_t i = 0; i < remains->nrings; i++) {
		recovery->shares[i].ring = &remains->rings[i];
		int error = survey_ring(recovery, &recovery->shares[i]);
		if (error)
			return error;
	}
	return 0;
}

/* --- records ------------------------------------------------------------------------------- */

static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	const struct remains *remains = context;
	return remains->catalog[catalog] && filter_is_identity(remains->catalog[catalog], key);
}

static int put_pack(struct recovery *recovery)
{
	int error = dump_pack_empty(recovery->pack)
			    ? 0
			    : dump_put_pack(recovery->writer, recovery->pack);
	dump_pack_begin(recovery->pack);
	return error;
}

/* The bytes are looked at once more: somebody may have changed them since they were counted. */
static int put_window(struct recovery *recovery, const struct ring_share *share, uint64_t at,
		      size_t size)
{
	struct dump_chunk chunk = {share->ring->serial, share->ring->tid, at, at + size};
	const unsigned char *bytes = recovery->window;
	struct raw_record raw;
	for (size_t i = 0; i < size; i += raw.size)
		if (raw_record_read(&raw, bytes + i, size - i) ||
		    !record_is_good(recovery->remains, &raw))
			return -EBADMSG;
	/* As the collector would have done. */
	secrets_mask(recovery->window, size, &recovery->remains->catalogs);
	while (chunk.from < chunk.to) {
		bool bad = false;
		uint64_t from = chunk.from;
		chunk.from = dump_pack_add(recovery->pack, &chunk, bytes, &bad);
		if (bad)
			return -EBADMSG;
		bytes += chunk.from - from;
		int error = chunk.from < chunk.to ? put_pack(recovery) : 0;
		if (error)
			return error;
	}
	return 0;
}

/* How much of a window is whole records. */
static size_t whole_size(const unsigned char *bytes, size_t size)
{
	struct raw_record raw;
	size_t at = 0;
	while (at < size && raw_record_read(&raw, bytes + at, size - at) == 0)
		at += raw.size;
	return at;
}

static int put_ring(struct recovery *recovery, const struct ring_share *share)
{
	uint64_t at = share->from;
	int fd = at < share->to ? remains_open(recovery->remains->directory, share->ring->name) : 0;
	int error = fd < 0 ? fd : 0;
	while (!error && at < share->to) {
		uint64_t left = share->to - at;
		size_t size = left < RECOVER_WINDOW ? (size_t)left : RECOVER_WINDOW;
		/* The pack points into the window until it is written. */
		error = put_pack(recovery);
		if (!error)
			error = ring_remains_bytes(share->ring, fd, at, recovery->window, size);
		size = error ? 0 : whole_size(recovery->window, size);
		if (!error && !size)
			error = -EBADMSG;
		if (!error)
			error = put_window(recovery, share, at, size);
		at += size;
	}
	if (fd > 0)
		close(fd);
	return error;
}

static int put_records(struct recovery *recovery)
{
	int error = 0;
	recovery->pack = dump_pack_new();
	if (!recovery->pack)
		return -ENOMEM;
	dump_pack_hook(recovery->pack, &(struct dump_pack_hooks){.identity = is_identity,
								 .context = recovery->remains});
	dump_pack_begin(recovery->pack);
	for (size_t i = 0; i < recovery->remains->nrings && !error; i++)
		error = put_ring(recovery, &recovery->shares[i]);
	return error ? error : put_pack(recovery);
}

/* --- the file ------------------------------------------------------------------------------ */

static int put_file(struct recovery *recovery, const struct dump_process *process)
{
	bool news = false;
	int error = dump_put_process(recovery->writer, process);
	error = error < 0 ? error : 0;
	if (!error)
		error = dump_compress(recovery->writer, recovery->place.level);
	if (!error)
		error = recovery_put_ahead(recovery);
	if (!error)
		error = put_records(recovery);
	return error ? error : recovery_put_counts(recovery, &news);
}

static struct dump_process describe(const struct recovery *recovery)
{
	struct dump_process process = recovery->remains->is;
	process.part = recovery->part;
	process.series = recovery->place.series;
	process.begun_ns = prim_realtime_ns();
	process.writer = "rill " RILL_VERSION " recover";
	return process;
}

/* A name that is free. NULL: no memory. */
static char *free_name(const struct recovery *recovery, const struct dump_process *process)
{
	for (int try = 0;; try++) {
		char *path = dump_name(recovery->place.folder, process, try);
		if (!path || access(path, F_OK) != 0)
			return path;
		free(path);
	}
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

/* fd: of the empty file; taken. */
static int write_file(struct recovery *recovery, int fd, const struct dump_process *process)
{
	char text[256];
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int error = copy < 0 ? -errno : 0;
	if (error) {
		close(fd);
		return error;
	}
	error = dump_create_in(&recovery->writer, fd, text, sizeof text);
	if (!error) {
		error = put_file(recovery, process);
		int closed = dump_close(recovery->writer);
		error = error ? error : closed;
	}
	if (!error && fsync(copy) && errno != EINVAL)
		error = -errno;
	close(copy);
	recovery->writer = NULL;
	return error;
}

static int write_part(struct recovery *recovery)
{
	struct dump_process process = describe(recovery);
	char *temporary, *path = free_name(recovery, &process);
	if (!path)
		return -ENOMEM;
	/* One name for all tries: what an interrupted one left is written over. */
	if (asprintf(&temporary, "%s/.%016llx-%u.recovering", recovery->place.folder,
		     (unsigned long long)recovery->place.series, recovery->part) < 0) {
		free(path);
		return -ENOMEM;
	}
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : write_file(recovery, fd, &process);
	if (!error && rename(temporary, path))
		error = -errno;
	if (error && fd >= 0)
		unlink(temporary);
	if (!error)
		error = sync_folder(recovery->place.folder);
	free(temporary);
	recovery->path = path;
	return error;
}

/* The same file in memory, for those who only want to know. */
static int write_memory(struct recovery *recovery)
{
	struct dump_process process = describe(recovery);
	recovery->memory = memfd_create("rill-recover", MFD_CLOEXEC);
	int fd = recovery->memory < 0 ? -1 : fcntl(recovery->memory, F_DUPFD_CLOEXEC, 0);
	int error = fd < 0 ? -errno : write_file(recovery, fd, &process);
	if (!error && asprintf(&recovery->path, "/proc/self/fd/%d", recovery->memory) < 0)
		error = -ENOMEM;
	return error;
}

/* --- the whole ----------------------------------------------------------------------------- */

static bool has_role(void *context, const struct rill_catalog *catalog, uint16_t event)
{
	(void)context;
	for (size_t i = 0; i < catalog->nspans; i++)
		if (catalog->spans[i].start == event || catalog->spans[i].end == event)
			return true;
	return false;
}

/* The files that were scanned, for their clocks and for the spans that are open at their end. */
static int open_parts(struct recovery *recovery)
{
	static const struct dump_want want = {.event = has_role};
	const struct series *series = &recovery->series;
	const char **paths = calloc(series->nparts + 1, sizeof(char *));
	char error[512];
	size_t n = 0;
	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < series->nparts; i++)
		if (series->parts[i].scanned)
			paths[n++] = series->parts[i].path;
	if (n && dump_open_all(&recovery->reader, paths, n, &want, error, sizeof error))
		recovery->reader = NULL;
	free(paths);
	if (recovery->reader)
		remains_learn(recovery->remains, recovery->reader);
	return 0;
}

static int prepare(struct recovery *recovery)
{
	struct remains *remains = recovery->remains;
	const struct series *series = &recovery->series;
	int error = series_scan(&recovery->series);
	if (!error)
		error = open_parts(recovery);
	if (!error && !remains->losses)
		error = remains_losses(remains);
	if (error)
		return error;
	recovery->part = series->nparts ? series->parts[series->nparts - 1].part + 1 : 0;
	recovery->shares = calloc(remains->nrings + 1, sizeof *recovery->shares);
	recovery->records = calloc((size_t)remains->nevents + 1, sizeof *recovery->records);
	recovery->again = calloc((size_t)remains->nevents + 1, sizeof *recovery->again);
	recovery->window = malloc(RECOVER_WINDOW);
	if (!recovery->shares || !recovery->records || !recovery->again || !recovery->window)
		return -ENOMEM;
	return survey(recovery);
}

int recovery_run(struct recovery *recovery)
{
	bool news = false;
	recovery->memory = -1;
	int error = prepare(recovery);
	if (!error)
		error = recovery_put_counts(recovery, &news);
	if (!error && news)
		error = recovery->dry ? write_memory(recovery) : write_part(recovery);
	if (error)
		return trouble("%s: cannot recover it into %s: %s", recovery->remains->path,
			       recovery->place.folder, strerror(-error));
	return EXIT_OK;
}

void recovery_free(struct recovery *recovery)
{
	dump_pack_free(recovery->pack);
	series_free(&recovery->series);
	free(recovery->shares);
	free(recovery->records);
	free(recovery->again);
	free(recovery->window);
	free(recovery->path);
	if (recovery->memory >= 0)
		close(recovery->memory);
}
