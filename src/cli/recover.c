/* rill recover: what dead processes left in their rings goes to their dumps. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/recover/recover.h"
#include "core/prim/prim.h"
#include "dump/writer.h"

static const char usage[] =
	"usage: rill recover [OPTION...] [RUNTIME-DIR...]\n"
	"\n"
	"Takes what processes that were killed, or crashed, left in their rings, and writes it as\n"
	"the next file of their dumps; of a process without a dump, as a file in the current\n"
	"directory. Tells what it found, and which spans were open. Then removes the runtime\n"
	"directory. Without RUNTIME-DIR: those of all dead processes of this user below\n"
	"$RILL_RUNTIME_DIR, or /dev/shm.\n"
	"\n"
	"  -o, --output=DIR  write the files there\n"
	"  -k, --keep        leave the runtime directory; what was recovered is not taken again\n"
	"  -n, --dry-run     only tell: write nothing, remove nothing\n"
	"  -h, --help        print this\n"
	"\n"
	"Exit codes: 0 all went well, also when there was nothing; 1 something could not be\n"
	"recovered; 2 wrong usage.\n";

struct options {
	const char *output; /* absolute; NULL: where the dumps are */
	bool keep;
	bool dry;
};

/* --- one process --------------------------------------------------------------------------- */

static void print_process(const struct remains *remains)
{
	char program[80], path[300], started[SHOW_TIME];
	printf("%s, process %" PRIu32 ", started %s (%s)\n",
	       show_label(program, sizeof program,
			  *remains->is.program ? remains->is.program : "a program"),
	       remains->is.pid, show_time(started, remains->is.start_ns),
	       show_label(path, sizeof path, remains->path));
}

static void print_counts(const struct recovery *recovery)
{
	const struct remains *remains = recovery->remains;
	char path[300], bytes[32];
	for (size_t i = 0; i < remains->nrings; i++) {
		const struct ring_share *share = &recovery->shares[i];
		if (share->records)
			printf("  thread %" PRIu32 ": %" PRIu64 " record%s\n", share->ring->tid,
			       share->records, share->records == 1 ? "" : "s");
	}
	if (recovery->nlost)
		printf("  %" PRIu64 " more events had been discarded\n", recovery->nlost);
	if (recovery->nbytes)
		printf("  %s in rings are no records, or of no catalog that is known\n",
		       show_bytes(bytes, recovery->nbytes));
	if (!recovery->path)
		puts("  all of it is in its dump");
	else if (recovery->dry)
		printf("  %" PRIu64 " records would be written to %s\n", recovery->nrecords,
		       show_label(path, sizeof path, recovery->place.folder));
	else
		printf("  %" PRIu64 " records written to %s\n", recovery->nrecords,
		       show_label(path, sizeof path, recovery->path));
}

/*
 * Where the last event of an open span is looked for: the parts that were looked at, and earlier
 * ones of so many bytes. One that was idle for longer is told with the last event in those, or its
 * start.
 */
#define STAGE_BYTES (UINT64_C(256) << 20)

static bool is_near(const struct part_file *part, uint64_t *bytes)
{
	struct stat status;
	if (stat(part->path, &status) == 0)
		*bytes += (uint64_t)status.st_size;
	return part->scanned || *bytes <= STAGE_BYTES;
}

static int print_spans(const struct recovery *recovery)
{
	const struct series *series = &recovery->series;
	char **paths = calloc(series->nparts + 1, sizeof *paths);
	uint64_t bytes = 0;
	size_t n = 0;
	if (!paths)
		return trouble("no memory");
	for (size_t i = series->nparts; i-- > 0;)
		if (is_near(&series->parts[i], &bytes))
			paths[n++] = series->parts[i].path;
	if (recovery->path)
		paths[n++] = recovery->path;
	int code = inflight_print(paths, n);
	free(paths);
	return code;
}

/* All folders that hold files of the series. */
static int find_files(struct recovery *recovery, const struct options *options)
{
	const struct remains *remains = recovery->remains;
	memcpy(recovery->series.id, remains->is.id, sizeof recovery->series.id);
	recovery->series.series = recovery->place.series;
	for (size_t i = 0; i < remains->ndumps; i++) {
		const struct dump_place *place = &remains->dumps[i];
		if (place->series != recovery->place.series)
			continue;
		int error = series_find(&recovery->series, place->folder);
		if (error && error != -ENOENT)
			return trouble("%s: %s", place->folder, strerror(-error));
		if (error && !options->output)
			return trouble("%s: the folder of its dump is gone; say with --output "
				       "where to write",
				       remains->path);
	}
	return EXIT_OK;
}

static bool is_noted(const struct remains *remains, const struct dump_place *place)
{
	for (size_t i = 0; i < remains->ndumps; i++)
		if (remains->dumps[i].series == place->series &&
		    strcmp(remains->dumps[i].folder, place->folder) == 0)
			return true;
	return false;
}

/* Noted before anything is written: a second run must find it. */
static int note(struct remains *remains, const struct dump_place *place, bool dry)
{
	if (dry || is_noted(remains, place))
		return EXIT_OK;
	int error = make_directories(place->folder);
	if (!error)
		error = remains_note(remains, place);
	return error ? trouble("%s: %s: %s", remains->path, place->folder, strerror(-error))
		     : EXIT_OK;
}

static int recover_dump(struct remains *remains, const struct dump_place *from,
			const struct options *options, bool *spans)
{
	struct recovery recovery = {
		.remains = remains, .place = *from, .memory = -1, .dry = options->dry};
	if (options->output)
		recovery.place.folder = (char *)(uintptr_t)options->output;
	int code = find_files(&recovery, options);
	if (!code)
		code = note(remains, &recovery.place, options->dry);
	if (!code)
		code = recovery_run(&recovery);
	if (!code) {
		remains->ntrouble += recovery.nbytes > 0;
		print_counts(&recovery);
		if (!*spans)
			code = print_spans(&recovery);
		*spans = true;
	}
	recovery_free(&recovery);
	return code;
}

/* A process that had no dump gets one now. */
static int recover_undumped(struct remains *remains, const struct options *options, bool *spans)
{
	char *here = options->output ? NULL : getcwd(NULL, 0);
	struct dump_place place = {.folder = here};
	bool any = false;
	for (size_t i = 0; i < remains->nrings; i++)
		any |= remains->rings[i].head > remains->rings[i].tail;
	prim_random(&place.series, sizeof place.series);
	int code = EXIT_OK;
	if (any)
		code = recover_dump(remains, &place, options, spans);
	else
		puts("  all of it was written");
	free(here);
	return code;
}

static int recover_dumps(struct remains *remains, const struct options *options)
{
	size_t ndumps = remains->ndumps;
	bool spans = false;
	int code = ndumps ? EXIT_OK : recover_undumped(remains, options, &spans);
	for (size_t i = 0; i < ndumps; i++) {
		bool before = false;
		for (size_t k = 0; k < i; k++)
			before |= remains->dumps[k].series == remains->dumps[i].series;
		if (before)
			continue;
		/* Its folder is the last one that was noted. */
		struct dump_place place = remains->dumps[i];
		for (size_t k = i; k < ndumps; k++)
			if (remains->dumps[k].series == place.series)
				place = remains->dumps[k];
		int one = recover_dump(remains, &place, options, &spans);
		code = one ? one : code;
	}
	return code;
}

/* given: by the user. */
static int recover(const char *path, const struct options *options, bool given, size_t *alive)
{
	struct remains remains;
	const char *why = "";
	enum remains_state state = remains_begin(&remains, path, &why);
	*alive += state == REMAINS_ALIVE;
	if (state == REMAINS_ALIVE && given)
		return trouble("%s: its process is alive", path);
	if (state == REMAINS_NONE && given)
		return trouble("%s: %s", path, why);
	if (state != REMAINS_DEAD)
		return state == REMAINS_TROUBLE ? EXIT_TROUBLE : EXIT_OK;
	print_process(&remains);
	int code = recover_dumps(&remains, options);
	if (!code && remains.ntrouble)
		code = trouble("%s: it stays, because not all of it could be read", path);
	if (!code && !options->keep && !options->dry) {
		int error = remains_remove(&remains);
		if (error)
			code = trouble("%s: cannot be removed: %s", path, strerror(-error));
	}
	remains_end(&remains);
	return code;
}

/* --- all of them --------------------------------------------------------------------------- */

static int is_mine(const struct dirent *entry)
{
	char mine[32];
	int length = snprintf(mine, sizeof mine, "rill-%u-", (unsigned)geteuid());
	return strncmp(entry->d_name, mine, (size_t)length) == 0;
}

static int recover_all(const struct options *options)
{
	const char *prefix = getenv("RILL_RUNTIME_DIR");
	struct dirent **entries;
	size_t alive = 0;
	int code = EXIT_OK;
	prefix = prefix && *prefix ? prefix : "/dev/shm";
	int count = scandir(prefix, &entries, is_mine, alphasort);
	if (count < 0)
		return trouble("%s: %s", prefix, strerror(errno));
	for (int i = 0; i < count; i++) {
		char *path;
		if (asprintf(&path, "%s/%s", prefix, entries[i]->d_name) < 0)
			path = NULL;
		int one = path ? recover(path, options, false, &alive) : EXIT_TROUBLE;
		code = one ? one : code;
		free(path);
		free(entries[i]);
	}
	free(entries);
	if (alive)
		printf("%zu process%s alive: left alone\n", alive, alive == 1 ? " is" : "es are");
	if (!count)
		printf("no process of this user left anything in %s\n", prefix);
	return code;
}

/* --- the command --------------------------------------------------------------------------- */

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"keep", no_argument, NULL, 'k'},
	{"dry-run", no_argument, NULL, 'n'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int run(struct options *options, char **paths, size_t npaths)
{
	char *output = NULL;
	size_t alive = 0;
	int code = EXIT_OK;
	if (options->output) {
		int error = options->dry ? 0 : make_directories(options->output);
		output = error ? NULL : realpath(options->output, NULL);
		if (!output)
			return trouble("%s: %s", options->output, strerror(error ? -error : errno));
		options->output = output;
	}
	if (!npaths)
		code = recover_all(options);
	for (size_t i = 0; i < npaths; i++) {
		int one = recover(paths[i], options, true, &alive);
		code = one ? one : code;
	}
	free(output);
	return code;
}

static int recover_main(int argc, char **argv)
{
	struct options options = {0};
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:knh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'o':
			options.output = optarg;
			break;
		case 'k':
			options.keep = true;
			break;
		case 'n':
			options.dry = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("recover");
		}
	}
	return run(&options, argv + optind, (size_t)(argc - optind));
}

const struct command recover_command = {
	.name = "recover",
	.run = recover_main,
	.brief = "write what killed processes left in their rings to their dumps",
	.usage = usage,
	.options = long_options,
};
