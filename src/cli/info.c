/* rill info: what dumps are, from their headers and indexes alone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "dump/blocks.h"

static const char usage[] =
	"usage: rill info [OPTION...] PATH...\n"
	"\n"
	"Tells of each process in dumps or directories of dumps who it was, on which host, when\n"
	"and by which clock; its catalogs, filters and losses; its files, and what takes how much\n"
	"of them. No record is read, so it takes no longer for large dumps.\n"
	"\n"
	"  -h, --help  print this\n"
	"\n"
	"Exit codes: 0 told; 1 a dump is damaged (see rill verify) or cannot be read; 2 wrong\n"
	"usage.\n";

#define NAME_SIZE 160u
#define NTYPES    (BLOCK_END + 2u)

/* Blocks of one type; those of unknown types are the last. */
struct kind {
	uint64_t blocks;
	uint64_t bytes; /* headers and padding included */
	uint64_t raw;   /* bodies, before they were compressed */
	uint64_t compressed;
};

static const char *label(const char *text)
{
	static char shown[NAME_SIZE];
	return text && *text ? show_label(shown, sizeof shown, text) : "?";
}

/* --- a process ----------------------------------------------------------------------------- */

static void print_boot(const struct dump_process *process)
{
	const uint64_t *boot = process->boot;
	if (boot[0] || boot[1])
		printf(", boot %016" PRIx64 "%016" PRIx64, boot[0], boot[1]);
}

/* Points that say what the host's clock was set to: the times here go on as before. */
static void print_set(const struct dump_file *file)
{
	for (size_t i = 0; i + 1 < file->npoints; i++) {
		const struct clock_point *host = &file->points[i], *line = host + 1;
		char time[SHOW_TIME], distance[SHORT_TEXT];
		if (!(host->flags & CLOCK_STEPPED) || host->ticks != line->ticks)
			continue;
		int64_t ahead = (int64_t)(host->ns - line->ns);
		printf("  host clock %s UTC  set: from here on it is %s %s these times\n",
		       show_time(time, line->ns),
		       show_duration(distance, ahead < 0 ? 0 - (uint64_t)ahead : (uint64_t)ahead),
		       ahead < 0 ? "behind" : "ahead of");
	}
}

static void print_clock(const struct dump_file *file)
{
	printf("  clock      %s", label(file->process.clock));
	if (!file->npoints) {
		puts(", never compared with the time of day");
		return;
	}
	const struct clock_point *last = &file->points[file->npoints - 1];
	size_t stepped = 0, broken = 0;
	for (size_t i = 0; i < file->npoints; i++) {
		stepped += (file->points[i].flags & CLOCK_STEPPED) != 0;
		broken += (file->points[i].flags & CLOCK_BROKEN) != 0;
	}
	if (last->rate)
		printf(", %.6g MHz", 4294967296e3 / (double)last->rate);
	printf(", compared with the time of day %zu time%s", file->npoints,
	       file->npoints == 1 ? "" : "s");
	if (last->error_us == UINT32_MAX)
		fputs("; how far the host's time is off is not known", stdout);
	else
		printf("; the host's time is at most %" PRIu32 " us off", last->error_us);
	if (stepped)
		printf("; it was set %zu time%s", stepped, stepped == 1 ? "" : "s");
	if (broken)
		printf("; the counter was wrong %zu time%s, and was corrected", broken,
		       broken == 1 ? "" : "s");
	putchar('\n');
	print_set(file);
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static void print_catalogs(const struct rill_catalogs *catalogs)
{
	for (uint32_t i = 0; i < catalogs->count; i++) {
		const struct rill_catalog *catalog = catalogs->catalog[i];
		if (catalog)
			printf("  catalog    %s: %u event%s, %u subsystem%s, %u key%s, %u span%s; "
			       "hash "
			       "%016" PRIx64 "\n",
			       label(catalog->name), catalog->nevents, plural(catalog->nevents),
			       catalog->nsubsystems, plural(catalog->nsubsystems), catalog->nkeys,
			       plural(catalog->nkeys), catalog->nspans, plural(catalog->nspans),
			       catalog->hash);
	}
}

static void print_epochs(const struct dump_origin *origin, const struct dump_file *file)
{
	for (size_t i = 0; i < origin->nepochs; i++) {
		const struct dump_epoch *epoch = &origin->epochs[i];
		char time[SHOW_TIME];
		printf("  filter     ");
		if (file->npoints) {
			const struct clock_point *point =
				clock_find(file->points, file->npoints, epoch->confirmed_ticks);
			printf("%s UTC  ",
			       show_time(time, clock_ns(point, epoch->confirmed_ticks)));
		}
		puts(label(epoch->expression));
	}
}

static void print_losses(const struct dump_file *file)
{
	uint64_t lost = 0, from = UINT64_MAX, to = 0;
	for (size_t i = 0; i < file->nlosses; i++) {
		const struct dump_loss *loss = &file->losses[i];
		lost += loss->discarded + loss->overwritten + loss->failed;
		from = loss->from_ns < from ? loss->from_ns : from;
		to = loss->to_ns > to ? loss->to_ns : to;
	}
	char first[SHOW_TIME], last[SHOW_TIME];
	if (lost)
		printf("             %" PRIu64 " event%s lost between %s and %s UTC\n", lost,
		       lost == 1 ? " was" : "s were", show_time(first, from), show_time(last, to));
}

/* --- a file -------------------------------------------------------------------------------- */

static void count_blocks(struct kind *kinds, const char *path)
{
	struct blocks blocks = {0};
	enum blocks_step step = BLOCKS_END;
	if (!blocks_open(&blocks, path))
		step = blocks_next(&blocks);
	for (; step == BLOCKS_BLOCK || step == BLOCKS_NOISE; step = blocks_next(&blocks)) {
		if (step == BLOCKS_NOISE)
			continue;
		const struct block *block = &blocks.block;
		struct kind *kind = &kinds[block->type <= BLOCK_END ? block->type : NTYPES - 1];
		bool compressed = block->flags & BLOCK_COMPRESSED;
		kind->blocks++;
		kind->bytes += blocks.at - blocks.from;
		kind->raw += compressed ? block->raw_size : block->size;
		kind->compressed += compressed;
	}
	blocks_close(&blocks);
}

static void print_file(const struct dump_file *file)
{
	char bytes[SHORT_TEXT], first[SHOW_TIME], last[SHOW_TIME];
	printf("  file %-5" PRIu32 " %s\n             %s", file->process.part, label(file->path),
	       show_bytes(bytes, file->bytes));
	/* Without an index nobody has counted them. */
	if (file->indexed || file->nrecords)
		printf(", %" PRIu64 " record%s", file->nrecords, file->nrecords == 1 ? "" : "s");
	if (file->nrecords && (file->first_ns || file->last_ns))
		printf(" from %s to %s UTC", show_time(first, file->first_ns),
		       show_time(last, file->last_ns));
	printf(", %s%s\n",
	       file->finished  ? "complete"
	       : file->running ? "still being written"
			       : "without an end: cut, or its process was killed",
	       file->indexed ? "" : ", without an index");
	print_losses(file);
}

static void print_kinds(const struct kind *kinds)
{
	printf("\n  %-9s %10s %12s %14s\n", "BLOCKS", "NUMBER", "BYTES", "UNCOMPRESSED");
	for (unsigned type = 1; type < NTYPES; type++) {
		const struct kind *kind = &kinds[type];
		char bytes[SHORT_TEXT], raw[SHORT_TEXT];
		if (!kind->blocks)
			continue;
		printf("  %-9s %10" PRIu64 " %12s %14s\n",
		       type < NTYPES - 1 ? block_type_name(type) : "unknown", kind->blocks,
		       show_bytes(bytes, kind->bytes),
		       kind->compressed ? show_bytes(raw, kind->raw) : "-");
	}
}

static void print_origin(const struct dump_reader *reader, size_t index)
{
	const struct dump_origin *origin = dump_origin(reader, index);
	const struct dump_process *process = &origin->process;
	char start[SHOW_TIME];
	const struct dump_file *newest = NULL;
	for (size_t i = 0; i < dump_file_count(reader); i++)
		if (dump_file(reader, i)->origin == index)
			newest = dump_file(reader, i);
	printf("%sprocess      %s, pid %" PRIu32, index ? "\n" : "", label(process->program),
	       process->pid);
	printf(" on %s", label(process->host));
	print_boot(process);
	printf("\n  id         %016" PRIx64 "%016" PRIx64 "\n", process->id[0], process->id[1]);
	printf("  started    %s UTC\n", show_time(start, process->start_ns));
	printf("  written by %s\n", label(process->writer));
	if (newest)
		print_clock(newest);
	print_catalogs(&origin->catalogs);
	if (newest)
		print_epochs(origin, newest);
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (file->origin != index)
			continue;
		print_file(file);
	}
}

/* Of all files, each once: one file may be of several processes. */
static void print_blocks(const struct dump_reader *reader)
{
	struct kind kinds[NTYPES] = {0};
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const char *path = dump_file(reader, i)->path;
		bool known = false;
		for (size_t before = i; before-- > 0 && !known;)
			known = dump_file(reader, before)->path == path;
		if (!known)
			count_blocks(kinds, path);
	}
	print_kinds(kinds);
}

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int info_main(int argc, char **argv)
{
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option != 'h')
			return option_error("info");
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (optind == argc)
		return usage_error("info", "which dump?");
	struct dump_reader *reader = open_dumps(argv + optind, (size_t)(argc - optind), NULL);
	if (!reader)
		return EXIT_TROUBLE;
	for (size_t i = 0; i < dump_origin_count(reader); i++)
		print_origin(reader, i);
	print_blocks(reader);
	int code = report_damage(reader);
	dump_reader_close(reader);
	return code;
}

const struct command info_command = {
	.name = "info",
	.run = info_main,
	.brief = "tell whose dumps are, of when, and what is in their files",
	.usage = usage,
	.options = options,
};
