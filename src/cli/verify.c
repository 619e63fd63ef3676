/* rill verify: whether every byte of a dump is as it should be. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"
#include "dump/unpack.h"

static const char usage[] =
	"usage: rill verify [OPTION...] PATH...\n"
	"\n"
	"Reads every byte of dumps or directories of dumps and checks all that a dump says of\n"
	"itself: marks, positions, sequence and checks of blocks, each record of each chunk\n"
	"against its head, the rings' streams for gaps and pieces that come twice, and the\n"
	"indexes. Prints each fault with its place, and what was lost.\n"
	"\n"
	"  -q, --quiet  print nothing of files without faults\n"
	"  -h, --help   print this\n"
	"\n"
	"Exit codes: 0 no fault; 1 there are some, or a file cannot be read; 2 wrong usage.\n";

#define MOST_PROCESSES 4096u

void verify_fault(struct verify *verify, uint64_t position, const char *format, ...)
{
	va_list arguments;
	char *what;
	verify->faults++;
	verify->file_faults++;
	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0)
		what = NULL;
	va_end(arguments);
	printf("%s: byte %" PRIu64 ": %s\n", shown(verify->path), position,
	       shown(what ? what : "no memory"));
	free(what);
}

/* --- blocks of each type ------------------------------------------------------------------- */

static void take_process(struct verify *verify, const unsigned char *body, size_t size)
{
	struct unpacker from = {body, body + size, false};
	if (verify->nprocesses == MOST_PROCESSES)
		return;
	struct verify_process *processes =
		realloc(verify->processes, (verify->nprocesses + 1) * sizeof *processes);
	if (!processes) {
		verify->no_memory = true;
		return;
	}
	verify->processes = processes;
	struct verify_process *process = &processes[verify->nprocesses++];
	*process = (struct verify_process){0};
	process->is.pid = (uint32_t)unpack_int(&from, 4);
	process->is.part = (uint32_t)unpack_int(&from, 4);
	process->is.id[0] = unpack_int(&from, 8);
	process->is.id[1] = unpack_int(&from, 8);
	process->is.start_ns = unpack_int(&from, 8);
	process->is.program = unpack_text(&from, &process->arena);
	process->is.host = unpack_text(&from, &process->arena);
	process->is.boot[0] = unpack_int(&from, 8);
	process->is.boot[1] = unpack_int(&from, 8);
	process->is.clock = unpack_text(&from, &process->arena);
	process->is.writer = unpack_text(&from, &process->arena);
	process->is.series = unpack_int(&from, 8);
	if (!process->is.writer)
		process->is.writer = "";
	if (from.failed)
		verify_fault(verify, verify->blocks.from, "it does not say whose file this is");
}

static void take_catalog(struct verify *verify, struct verify_process *process,
			 const unsigned char *body, size_t size)
{
	struct unpacker from = {body, body + size, false};
	const struct rill_catalog *catalog;
	uint8_t index;
	int error = catalog_unpack(&from, &process->arena, &index, &catalog);
	if (error == -ENOMEM)
		verify->no_memory = true;
	else if (error)
		verify_fault(verify, verify->blocks.from, "this catalog is broken");
	else if (!process->catalogs[index])
		process->catalogs[index] = catalog;
}

static void check_counts(struct verify *verify, const struct verify_process *process,
			 const unsigned char *body, size_t size)
{
	struct unpacker from = {body, body + size, false};
	unpack_int(&from, COUNTS_HEADER_SIZE);
	bool fits = size >= COUNTS_HEADER_SIZE && (size - COUNTS_HEADER_SIZE) % COUNT_SIZE == 0;
	for (size_t i = 0; fits && i < (size - COUNTS_HEADER_SIZE) / COUNT_SIZE; i++) {
		uint64_t event = unpack_int(&from, 2);
		const struct rill_catalog *catalog = process->catalogs[unpack_int(&from, 1)];
		fits = catalog && event < catalog->nevents;
		from.at += COUNT_SIZE - 3;
	}
	if (!fits)
		verify_fault(verify, verify->blocks.from, "these counts are not of events");
}

static void check_end(struct verify *verify, const unsigned char *body, size_t size)
{
	struct unpacker from = {body, body + size, false};
	uint64_t blocks = unpack_int(&from, 8), index = unpack_int(&from, 8);
	verify->ended = true;
	if (size != END_SIZE || blocks != verify->blocks.block.sequence ||
	    index != verify->index_position)
		verify_fault(verify, verify->blocks.from,
			     "this end does not say what stands before it");
	if (verify->blocks.at != verify->blocks.size)
		verify_fault(verify, verify->blocks.at, "%" PRIu64 " bytes stand behind the end",
			     verify->blocks.size - verify->blocks.at);
}

static void check_body(struct verify *verify, const unsigned char *body, size_t size,
		       struct verify_entry *entry)
{
	const struct block *block = &verify->blocks.block;
	uint64_t at = verify->blocks.from;
	if (block->type == BLOCK_PROCESS)
		take_process(verify, body, size);
	if (block->process >= verify->nprocesses) {
		verify_fault(verify, at, "this block %s is of a process that is not in the file",
			     block_type_name(block->type));
		return;
	}
	struct verify_process *process = &verify->processes[block->process];
	switch (block->type) {
	case BLOCK_CATALOG:
		take_catalog(verify, process, body, size);
		break;
	case BLOCK_CLOCK:
		if (!size || size % CLOCK_POINT_SIZE)
			verify_fault(verify, at, "these are no points of a clock");
		break;
	case BLOCK_RECORDS:
	case BLOCK_OPEN:
		verify_chunk(verify, process, body, size, entry);
		break;
	case BLOCK_COUNTS:
		check_counts(verify, process, body, size);
		break;
	case BLOCK_SPANS:
		if (size % SPANS_ENTRY_SIZE)
			verify_fault(verify, at, "this is no summary of spans");
		break;
	case BLOCK_INDEX:
		verify_index(verify, body, size);
		break;
	case BLOCK_END:
		check_end(verify, body, size);
		break;
	default:
		break;
	}
}

/* --- one file ------------------------------------------------------------------------------ */

static void check_sequence(struct verify *verify)
{
	const struct block *block = &verify->blocks.block;
	uint32_t ahead = block->sequence - verify->sequence;
	if (ahead && ahead < UINT32_MAX / 2)
		verify_fault(verify, verify->blocks.from, "%" PRIu32 " block%s missing before it",
			     ahead, ahead == 1 ? " is" : "s are");
	else if (ahead)
		verify_fault(verify, verify->blocks.from,
			     "its sequence number, %" PRIu32 ", has been there before",
			     block->sequence);
	verify->sequence = block->sequence + 1;
}

/* Blocks beyond what one INDEX can have are not held against any. */
static void note_entry(struct verify *verify, const struct verify_entry *entry)
{
	uint16_t type = entry->entry.type;
	if (type == BLOCK_INDEX) {
		verify->index_position = entry->entry.position;
		verify->nentries = 0;
	} else if (type != BLOCK_END && verify->nentries < INDEX_MAX_ENTRIES) {
		verify->entries[verify->nentries++] = *entry;
	}
}

static void check_block(struct verify *verify)
{
	static const char *const wrong[] = {
		[BODY_CHECK] = "the check of this block %s is wrong: what it held is lost",
		[BODY_SIZE] = "this block %s is larger than any: it is not looked at",
		[BODY_ZSTD] = "this block %s cannot be decompressed: what it held is lost",
	};
	const struct block *block = &verify->blocks.block;
	struct verify_entry entry = {.entry = {.position = block->position,
					       .first = block->first,
					       .last = block->last,
					       .size = (uint32_t)block->size,
					       .type = block->type,
					       .process = block->process}};
	const unsigned char *body;
	size_t size;
	check_sequence(verify);
	enum blocks_body state = blocks_body(&verify->blocks, &body, &size);
	entry.broken = state != BODY_WHOLE;
	verify->nblocks++;
	if (state == BODY_TROUBLE)
		verify_fault(verify, block->position, "it cannot be read: %s",
			     strerror(verify->blocks.error));
	else if (state == BODY_WHOLE)
		check_body(verify, body, size, &entry);
	else
		verify_fault(verify, block->position, wrong[state], block_type_name(block->type));
	if (state <= BODY_CHECK && verify->blocks.padded_otherwise)
		verify_fault(verify, block->position + BLOCK_HEADER_SIZE + block->size,
			     "what follows this block's body is not zero");
	note_entry(verify, &entry);
}

static void check_blocks(struct verify *verify, bool running)
{
	struct blocks *blocks = &verify->blocks;
	enum blocks_step step;
	while ((step = blocks_next(blocks)) == BLOCKS_BLOCK || step == BLOCKS_NOISE) {
		if (step == BLOCKS_BLOCK)
			check_block(verify);
		else
			verify_fault(verify, blocks->from,
				     "the next %" PRIu64 " bytes are no block: what they held is "
				     "lost",
				     blocks->at - blocks->from);
	}
	if (step == BLOCKS_CUT)
		verify->cut_file = verify->file;
	if (step == BLOCKS_ERROR)
		verify_fault(verify, blocks->from, "it cannot be read: %s",
			     strerror(blocks->error));
	else if (step == BLOCKS_CUT && !running)
		verify_fault(verify, blocks->from, "the file is cut within the block here");
	else if (!verify->ended && !running)
		verify_fault(verify, blocks->size,
			     "the file has no end: it was cut, or its process was killed");
}

/* A higher minor version is no fault: there may be blocks of more types. */
static void check_header(struct verify *verify)
{
	static const unsigned char zero[4];
	if (memcmp(verify->blocks.header + 12, zero, sizeof zero) != 0)
		verify_fault(verify, 12, "these bytes of the file's header are not zero");
}

static void free_file(struct verify *verify)
{
	for (size_t i = 0; i < verify->nprocesses; i++)
		arena_free(&verify->processes[i].arena);
	free(verify->processes);
	verify->processes = NULL;
	verify->nprocesses = verify->nentries = 0;
	blocks_close(&verify->blocks);
}

static void check_file(struct verify *verify, const struct dump_file *file, bool quiet)
{
	verify->path = file->path;
	verify->file++;
	verify->file_faults = verify->nblocks = verify->nrecords = 0;
	verify->index_position = verify->sequence = 0;
	verify->ended = false;
	int error = blocks_open(&verify->blocks, file->path);
	if (error)
		verify_fault(verify, 0, "it cannot be read: %s",
			     error == -EBADMSG ? "not a dump of version 1" : strerror(-error));
	else
		check_header(verify);
	if (!error)
		check_blocks(verify, file->running);
	if (verify->file_faults)
		printf("%s: %" PRIu64 " fault%s\n", shown(file->path), verify->file_faults,
		       verify->file_faults == 1 ? "" : "s");
	else if (!quiet)
		printf("%s: %" PRIu64 " blocks, %" PRIu64 " records%s\n", shown(file->path),
		       verify->nblocks, verify->nrecords,
		       verify->ended ? "" : ", still being written");
	free_file(verify);
}

/* --- the command --------------------------------------------------------------------------- */

/* Parts of a process in their order, as the reader has them. */
static int run(char *const *paths, size_t npaths, bool quiet)
{
	struct verify verify = {.decoder = decoder_new()};
	struct dump_reader *reader = open_dumps(paths, npaths, NULL);
	if (!reader) {
		decoder_free(verify.decoder);
		return EXIT_TROUBLE;
	}
	verify.entries = calloc(INDEX_MAX_ENTRIES, sizeof *verify.entries);
	verify.no_memory = !verify.entries || !verify.decoder;
	for (size_t i = 0; !verify.no_memory && i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		/* One file may be of several processes. */
		if (!i || dump_file(reader, i - 1)->path != file->path)
			check_file(&verify, file, quiet);
	}
	int code = verify.faults ? EXIT_TROUBLE : EXIT_OK;
	if (verify.no_memory)
		code = trouble("no memory to check it");
	free(verify.entries);
	free(verify.rings);
	free(verify.raw);
	decoder_free(verify.decoder);
	dump_reader_close(reader);
	return code;
}

static const struct option options[] = {
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int verify_main(int argc, char **argv)
{
	bool quiet = false;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "qh", options, NULL)) >= 0) {
		if (option == 'q') {
			quiet = true;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		} else {
			return option_error("verify");
		}
	}
	if (optind == argc)
		return usage_error("verify", "which dump?");
	return run(argv + optind, (size_t)(argc - optind), quiet);
}

const struct command verify_command = {
	.name = "verify",
	.run = verify_main,
	.brief = "check every byte of dumps, and tell of each fault",
	.usage = usage,
	.options = options,
};
