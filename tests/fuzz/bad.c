/*
 * bad WAY FILE SCRATCH: spoils a whole dump in many ways, one after the other, and has the commands
 * of rill read each. Prints a line for each that they do wrong, then how many were tried; ends with
 * 1 when there was any. Each command runs in a child of its own, within bounds of time and memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "dump/format.h"
#include "support/blocks.h"

#define MOST_BYTES  (1u << 16)
#define MOST_BLOCKS 256
#define SAID_BYTES  (1u << 20)
#define MEMORY      ((rlim_t)256 << 20) /* beside what the program has at its start */

#define SPOILED "%s/spoiled.rill"

struct reading {
	const struct command *command;
	const char *arguments[6]; /* DUMP and OUT stand for files */
	bool whole;               /* reads all records: damage of any is seen */
	int trouble;              /* its exit code for damage; 0: EXIT_TROUBLE */
};

#define DUMP "\1"
#define OUT  "\2"

static const struct reading readings[] = {
	{&cat_command, {DUMP}, true, 0},
	{&cat_command, {"-f", "json", DUMP}, true, 0},
	{&grep_command, {"id == 7", DUMP}, false, 0},
	{&grep_command, {"-c", "conn.work", "--since=@1700000000.00001", DUMP}, false, 0},
	{&tail_command, {DUMP}, false, 0},
	{&spans_command, {DUMP}, false, 0},
	{&stats_command, {DUMP}, true, 0},
	{&stats_command, {"-j", DUMP}, true, 0},
	{&info_command, {DUMP}, false, 0},
	{&trail_command, {"jobId", "job-1", DUMP}, false, 0},
	{&catalog_command, {"-d", DUMP}, false, 0},
	{&diff_command, {DUMP, DUMP}, false, EXIT_USAGE},
	{&export_command, {"--to=perfetto", "-o", "/dev/null", DUMP}, true, 0},
	{&export_command, {"--to=chrome", "-o", "/dev/null", DUMP}, true, 0},
	{&export_command, {"--to=otlp-json", "--only=spans", "-o", "/dev/null", DUMP}, true, 0},
	{&export_command, {"--to=jsonl", "--only=events", "-o", "/dev/null", DUMP}, true, 0},
	{&export_command, {"--to=csv", "--only=spans", "-o", "/dev/null", DUMP}, true, 0},
	{&report_command, {"-o", OUT, DUMP}, true, 0},
	{&merge_command, {"-o", OUT, DUMP}, true, 0},
	{&cut_command, {"-o", OUT, "-e", "conn.*", DUMP}, false, 0},
};
#define NREADINGS (sizeof readings / sizeof *readings)

static const struct reading verify = {&verify_command, {DUMP}, true, 0};

struct bad {
	unsigned char whole[MOST_BYTES];
	unsigned char bytes[MOST_BYTES];
	size_t size;
	size_t blocks[MOST_BLOCKS];
	size_t nblocks;
	char *path;
	char *out;
	int report; /* standard output as it was */
	int said;   /* what the commands print, both outputs */
	char *heard;
	uint64_t tried;
	uint64_t wrong;
	uint64_t records; /* of the whole dump */
	char what[128];
};

static struct bad bad;

static void wrong(const char *why, const struct reading *reading)
{
	size_t length = strlen(bad.heard);
	const char *last = bad.heard + (length > 300 ? length - 300 : 0);
	if (bad.wrong++ > 40)
		return;
	dprintf(bad.report, "%s: rill %s: %s: %s\n", bad.what,
		reading ? reading->command->name : "-", why, last);
}

/* What was said since the last time; one string. */
static void listen_to_it(void)
{
	fflush(stdout);
	fflush(stderr);
	ssize_t size = pread(bad.said, bad.heard, SAID_BYTES - 1, 0);
	bad.heard[size > 0 ? size : 0] = '\0';
	if (ftruncate(bad.said, 0) || lseek(bad.said, 0, SEEK_SET))
		abort();
}

/* Its exit code; -1: a signal ended it. */
static int run(const struct reading *reading)
{
	char name[32], *argv[8] = {name};
	int argc = 1, status;
	snprintf(name, sizeof name, "rill %s", reading->command->name);
	for (size_t i = 0; i < 6 && reading->arguments[i]; i++) {
		const char *argument = reading->arguments[i];
		if (strcmp(argument, DUMP) == 0)
			argument = bad.path;
		if (strcmp(argument, OUT) == 0)
			argument = bad.out;
		argv[argc++] = (char *)(uintptr_t)argument;
	}
	bad.tried++;
	pid_t child = fork();
	if (child == 0) {
		alarm(20);
		_exit(finish_output(reading->command->run(argc, argv)));
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	listen_to_it();
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	snprintf(bad.heard, SAID_BYTES, "signal %d", WTERMSIG(status));
	return -1;
}

static void store(size_t size)
{
	FILE *file = fopen(bad.path, "wb");
	if (!file || fwrite(bad.bytes, 1, size, file) != size || fclose(file))
		abort();
}

/* Damage that must be seen: exit code 1, and words about this file. */
static void must_see(const struct reading *reading)
{
	int code = run(reading);
	if (code != (reading->trouble ? reading->trouble : EXIT_TROUBLE))
		wrong("does not see it", reading);
	else if (!strstr(bad.heard, strrchr(bad.path, '/') + 1))
		wrong("does not say which file", reading);
}

/* Damage that may be seen. */
static void may_see(const struct reading *reading)
{
	int code = run(reading);
	if (code != EXIT_OK && code != EXIT_TROUBLE &&
	    (!reading->trouble || code != reading->trouble))
		wrong("has another exit code", reading);
}

static const struct reading *in_turn(void)
{
	static size_t next;
	return &readings[next++ % NREADINGS];
}

/* --- ways ---------------------------------------------------------------------------------- */

static void cut(void)
{
	for (size_t size = 0; size < bad.size; size++) {
		snprintf(bad.what, sizeof bad.what, "cut at byte %zu", size);
		memcpy(bad.bytes, bad.whole, bad.size);
		store(size);
		must_see(size % 2 ? &verify : in_turn());
	}
}

/* Nobody looks at these bytes: zeros of the file's head, what pads blocks. */
static bool is_unused(size_t at, unsigned *type, bool *header)
{
	*type = 0;
	*header = false;
	if (at < FORMAT_HEADER_SIZE)
		return at >= 10;
	size_t i = bad.nblocks - 1;
	while (bad.blocks[i] > at)
		i--;
	const unsigned char *block = bad.whole + bad.blocks[i];
	*type = (unsigned)block_get(block + 4, 2);
	*header = at < bad.blocks[i] + BLOCK_HEADER_SIZE;
	return at >= bad.blocks[i] + BLOCK_HEADER_SIZE + block_get(block + 8, 8);
}

static void flip_byte(size_t at, unsigned char bits, const struct reading *reading)
{
	unsigned type;
	bool header;
	bool unused = is_unused(at, &type, &header);
	snprintf(bad.what, sizeof bad.what, "byte %zu XOR %u (block type %u%s)", at, bits, type,
		 header   ? ", its header"
		 : unused ? ", unused"
			  : "");
	memcpy(bad.bytes, bad.whole, bad.size);
	bad.bytes[at] ^= bits;
	store(bad.size);
	/* A body that a command does not need may be broken for it. */
	bool needed = reading == &verify ? true
		      : header           ? type != BLOCK_INDEX && reading->whole
					 : type == 0 || (type <= BLOCK_RECORDS && reading->whole) ||
					 type == BLOCK_PROCESS;
	if (needed && !unused)
		must_see(reading);
	else
		may_see(reading);
}

static void flip(void)
{
	for (size_t at = 0; at < bad.size; at++) {
		bool odd = at % 2;
		flip_byte(at, 0xff, odd ? &verify : in_turn());
		if (at % 4 == 0)
			flip_byte(at, (unsigned char)(1u << at / 4 % 8), in_turn());
	}
}

static const uint64_t edges[] = {
	0,          1,          7,          63,        0xff,       0xffff,          0x7fffffff,
	0xffffffff, 1ull << 32, 1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX - 63, UINT64_MAX};
#define NEDGES (sizeof edges / sizeof *edges)

/* Each field of each header, with a check that is right. */
static void headers(void)
{
	static const unsigned char fields[][2] = {{4, 2},  {6, 2},  {8, 8},  {16, 8}, {24, 8},
						  {32, 8}, {40, 4}, {44, 2}, {48, 4}};
	for (size_t i = 0; i < bad.nblocks; i++) {
		for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
			for (size_t n = 0; n < NEDGES; n++) {
				memcpy(bad.bytes, bad.whole, bad.size);
				unsigned char *block = bad.bytes + bad.blocks[i];
				block_put(block + fields[k][0], edges[n], fields[k][1]);
				block_put(block + 60, format_crc(0, block, 60), 4);
				snprintf(bad.what, sizeof bad.what,
					 "block %zu, header field at %u = %" PRIx64, i,
					 fields[k][0], edges[n]);
				store(bad.size);
				bool same = memcmp(bad.bytes, bad.whole, bad.size) == 0;
				/* Sizes and positions that no file has. */
				bool impossible = fields[k][0] == 8 || fields[k][0] == 16;
				if (impossible && !same)
					must_see(&verify);
				else
					may_see(&verify);
				may_see(in_turn());
			}
		}
	}
}

static uint64_t count_records(bool *damaged)
{
	struct dump_reader *reader;
	struct dump_record record;
	char error[512];
	uint64_t count = 0;
	*damaged = true;
	if (dump_open(&reader, bad.path, error, sizeof error))
		return 0;
	while (dump_next(reader, &record) == 1)
		count++;
	*damaged = dump_file(reader, 0)->damage;
	dump_reader_close(reader);
	return count;
}

/* What an INDEX says, at every place of it: the blocks are right. */
static void lie(size_t at, size_t width, uint64_t value, size_t body)
{
	static const struct reading *const asking[] = {&readings[2], &readings[3], &readings[4],
						       &readings[18]};
	bool damaged;
	memcpy(bad.bytes, bad.whole, bad.size);
	unsigned char *block = bad.bytes + bad.blocks[bad.nblocks - 2];
	if (at + width > body || block_get(block + BLOCK_HEADER_SIZE + at, width) == value)
		return;
	block_put(block + BLOCK_HEADER_SIZE + at, value, width);
	block_seal(block, body);
	snprintf(bad.what, sizeof bad.what, "index, %zu bytes at %zu = %" PRIx64, width, at, value);
	store(bad.size);
	/* Its last field is not used, nor is an entry's; and how many events were lost up to a
	 * COUNTS nobody counts again. */
	size_t within = at < INDEX_HEADER_SIZE ? 0 : (at - INDEX_HEADER_SIZE) % INDEX_ENTRY_SIZE;
	bool counts = within >= 28 && within < 32 &&
		      block_get(block + BLOCK_HEADER_SIZE + at - within + 36, 2) == BLOCK_COUNTS;
	bool unused = (at >= 20 && at < INDEX_HEADER_SIZE) || within >= 44 || counts;
	if (unused)
		may_see(&verify);
	else
		must_see(&verify);
	bad.tried++;
	if (count_records(&damaged) != bad.records && !damaged)
		wrong("records are lost, and it is not told", NULL);
	if (width > 1)
		may_see(asking[at / 8 % (sizeof asking / sizeof *asking)]);
}

static void indexes(void)
{
	unsigned char *block = bad.whole + bad.blocks[bad.nblocks - 2];
	size_t body = block_get(block + 8, 8);
	bool damaged;
	if (block_get(block + 4, 2) != BLOCK_INDEX)
		abort();
	memcpy(bad.bytes, bad.whole, bad.size);
	store(bad.size);
	bad.records = count_records(&damaged);
	for (size_t at = 0; at < body; at++) {
		lie(at, 1, block[BLOCK_HEADER_SIZE + at] ^ 0xffu, body);
		/* An entry's last four bytes are not used. */
		bool small = at % 8 || (at >= INDEX_HEADER_SIZE &&
					(at - INDEX_HEADER_SIZE) % INDEX_ENTRY_SIZE == 40);
		for (size_t n = 0; at % 4 == 0 && n < NEDGES; n += 3)
			lie(at, small ? 4 : 8, small ? (uint32_t)edges[n] : edges[n], body);
	}
}

static void as_it_is(void)
{
	snprintf(bad.what, sizeof bad.what, "%s", bad.path);
	must_see(&verify);
	for (size_t i = 0; i < NREADINGS; i++)
		must_see(&readings[i]);
}

static const struct {
	const char *name;
	void (*spoil)(void);
} ways[] = {{"cut", cut}, {"flip", flip}, {"headers", headers}, {"index", indexes}};

/* --- the program --------------------------------------------------------------------------- */

static void load(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		abort();
	bad.size = fread(bad.whole, 1, sizeof bad.whole, file);
	fclose(file);
	for (size_t at = FORMAT_HEADER_SIZE; at < bad.size && bad.nblocks < MOST_BLOCKS;) {
		bad.blocks[bad.nblocks++] = at;
		at += BLOCK_HEADER_SIZE + (block_get(bad.whole + at + 8, 8) + 7) / 8 * 8;
	}
}

/* Sanitizers take address space without using it. */
static void bound_memory(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%lu", &pages) != 1)
		abort();
	fclose(file);
	rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY;
	if (!strstr(TEST_SANITIZE, "sanitize") &&
	    setrlimit(RLIMIT_AS, &(struct rlimit){most, most}))
		abort();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	bad.report = dup(1);
	bad.said = memfd_create("said", 0);
	bad.heard = calloc(1, SAID_BYTES);
	if (!bad.heard || asprintf(&bad.out, "%s/out", argv[3]) < 0 || dup2(bad.said, 1) < 0 ||
	    dup2(bad.said, 2) < 0)
		return 2;
	bound_memory();
	if (strcmp(argv[1], "file") == 0) {
		bad.path = argv[2];
		as_it_is();
	} else if (asprintf(&bad.path, SPOILED, argv[3]) > 0) {
		load(argv[2]);
		for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
			if (strcmp(argv[1], ways[i].name) == 0)
				ways[i].spoil();
	}
	dprintf(bad.report, "%" PRIu64 " tried, %" PRIu64 " wrong\n", bad.tried, bad.wrong);
	return bad.wrong || !bad.tried;
}
