/*
 * What packing and unpacking a chunk cost, alone: records made in memory, stretches of 64 KiB as
 * the collector takes them from a ring, the dump on tmpfs. Prints lines for the harness.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rill/static/encode.h>

#include "dump/dump.h"

#define STRETCH (65536u - 4096u) /* and the record that goes on beyond that: one pack */
#define BYTES   (32u << 20)
#define ROUNDS  5

struct workload {
	const char *name;
	size_t (*put)(unsigned char *to, uint64_t i);
};

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* A record up to its tail; the time steps as it does when a thread does nothing but emit. */
static unsigned char *begin(unsigned char *to, uint64_t i, uint32_t event, uint32_t nslots,
			    const uint32_t *tags, uint32_t size)
{
	static uint64_t ticks = UINT64_C(7000000000000);
	ticks += 40 + random_next() % 16 + (i % 64 == 0 ? 400 : 0);
	struct rill__record record = {.ticks = ticks,
				      .event = (uint16_t)event,
				      .nslots = (uint8_t)nslots,
				      .catalog_size = size};
	memset(to, 0, RILL__WORDS_AT(nslots));
	memcpy(to, &record, sizeof record);
	memcpy(to + sizeof record, tags, (size_t)4 * nslots);
	return to + RILL__WORDS_AT(nslots);
}

static size_t put_w1(unsigned char *to, uint64_t i, uint64_t value)
{
	const uint32_t tag = RILL__TAG(3, RILL_TYPE_U64);
	memcpy(begin(to, i, 17, 1, &tag, 32), &value, 8);
	return 32;
}

static size_t w1_counter(unsigned char *to, uint64_t i)
{
	return put_w1(to, i, i);
}

static size_t w1_random(unsigned char *to, uint64_t i)
{
	return put_w1(to, i, random_next() >> 32);
}

static size_t put_w4(unsigned char *to, uint64_t i, uint64_t id, uint32_t address, uint16_t port,
		     const char text[24])
{
	static const uint32_t tags[] = {RILL__TAG(1, RILL_TYPE_U64), RILL__TAG(2, RILL_TYPE_IP),
					RILL__TAG(5, RILL_TYPE_U64),
					RILL__TAG(9, RILL_TYPE_STRING)};
	const uint64_t words[] = {id, UINT64_C(4) << 32 | address, port, UINT64_C(24) << 32 | 24};
	unsigned char *at = begin(to, i, 18, 4, tags, 88);
	memcpy(at, words, sizeof words);
	memcpy(at + sizeof words, text, 24);
	return 88;
}

/* The session's values: the same each time. */
static uint64_t of_session(uint64_t session, uint64_t what)
{
	uint64_t hash = (session * 4 + what + 1) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
	return hash * UINT64_C(0xbf58476d1ce4e5b9);
}

static size_t w4_sessions(unsigned char *to, uint64_t i)
{
	char text[25];
	uint64_t session = random_next() % 64;
	snprintf(text, sizeof text, "mx%02u.mail.example.netwk", (unsigned)(random_next() % 16));
	return put_w4(to, i, 1000 + session, (uint32_t)(0x0a000001 + (session << 24)),
		      (uint16_t)of_session(session, 1), text);
}

static size_t w4_random(unsigned char *to, uint64_t i)
{
	char text[25];
	uint64_t session = random_next() % 64;
	snprintf(text, sizeof text, "mx%02u.mail.example.netwk", (unsigned)(random_next() % 16));
	return put_w4(to, i, of_session(session, 0), (uint32_t)of_session(session, 2),
		      (uint16_t)random_next(), text);
}

static size_t w4_unique(unsigned char *to, uint64_t i)
{
	char text[25];
	uint64_t session = random_next() % 64;
	snprintf(text, sizeof text, "%016llx.example", (unsigned long long)random_next());
	text[24] = 0;
	return put_w4(to, i, of_session(session, 0), (uint32_t)of_session(session, 2),
		      (uint16_t)of_session(session, 1), text);
}

/*
 * Mail: eight sessions, of which any may be the next to take a step. A step is what the client
 * said, what that meant, what the server answered; twelve shapes in all. What is said, meant and
 * answered is always the same but for numbers and, in one shape, for a name that never comes again.
 */
struct step {
	const char *said;
	const char *answered;
	uint32_t words; /* of what it meant, beside the id */
	const char *text;
};

static unsigned char *put_text(unsigned char *word, unsigned char *tail, const char *text)
{
	size_t size = strlen(text);
	uint64_t sizes = size | (uint64_t)size << 32;
	memcpy(word, &sizes, 8);
	memcpy(tail, text, size);
	return tail + size;
}

/* id, `words` numbers, as many texts as there are. */
static size_t put_mail(unsigned char *to, uint64_t i, uint32_t event, uint64_t id, uint32_t words,
		       const char *one, const char *two)
{
	uint32_t tags[8] = {RILL__TAG(1, RILL_TYPE_U64)}, nslots = 1 + words + !!one + !!two;
	for (uint32_t k = 1; k < nslots; k++)
		tags[k] = k <= words ? RILL__TAG(1 + k, RILL_TYPE_U64)
				     : RILL__TAG(event % 4 + k, RILL_TYPE_STRING);
	unsigned char *word = begin(to, i, event, nslots, tags, 0), *tail = word + 8 * nslots;
	memcpy(word, &id, 8);
	for (uint32_t k = 1; k <= words; k++) {
		uint64_t value = k == 1 ? random_next() % 100 : id * k;
		memcpy(word + 8 * k, &value, 8);
	}
	if (one)
		tail = put_text(word + 8 * (1 + words), tail, one);
	if (two)
		tail = put_text(word + 8 * (2 + words), tail, two);
	memset(tail, 0, 8);
	uint32_t size = (uint32_t)(tail - to + 7) & ~7u;
	memcpy(to + 12, &size, 3);
	return size;
}

static size_t mail(unsigned char *to, uint64_t i)
{
	static const struct step steps[] = {
		{"EHLO client.example.org\r\n", "250 mail.example.net Hello\r\n", 0,
		 "client.example.org"},
		{"MAIL FROM:<sender@example.org>\r\n", "250 2.1.0 Ok\r\n", 2, "sender@example.org"},
		{"RCPT TO:<reader@example.org>\r\n", "250 2.1.5 Ok\r\n", 3, "reader@example.org"},
		{"DATA\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n", 5, "local"},
		{".\r\n", "250 2.0.0 Ok: queued\r\n", 4, NULL},
		{NULL, NULL, 3, "ingested"},
		{NULL, NULL, 2, "delivered to the mailbox of its reader"},
		{"QUIT\r\n", "221 2.0.0 Bye\r\n", 1, NULL},
		{NULL, NULL, 6, NULL},
		{NULL, NULL, 4, "listener"},
	};
	static struct {
		uint64_t step, part, id;
	} sessions[8];
	static uint64_t now;
	char name[32];
	const struct step *step = &steps[sessions[now].step];
	uint64_t id = UINT64_C(912439771233136641) + sessions[now].id * 8 + now;
	size_t size;
	if (sessions[now].part == 1) {
		snprintf(name, sizeof name, "<%016llx@example>", (unsigned long long)random_next());
		size = put_mail(to, i, 20 + (uint32_t)(step - steps), id, step->words,
				step->words == 4 && !step->text ? name : step->text,
				step->words == 5 ? "reader@example.org" : NULL);
	} else {
		const char *line = sessions[now].part ? step->answered : step->said;
		size = put_mail(to, i, 18 + (uint32_t)(sessions[now].part != 0), id, 1,
				line ? line : "", NULL);
	}
	if (++sessions[now].part == 3) {
		sessions[now].part = 0;
		if (++sessions[now].step == sizeof steps / sizeof *steps)
			sessions[now].step = 0, sessions[now].id++;
		now = random_next() % 8;
	}
	return size;
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "pack_bench: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* Records up to a multiple of the stretch. */
static uint64_t fill(unsigned char *bytes, size_t size, const struct workload *workload,
		     uint64_t *ends)
{
	uint64_t count = 0;
	size_t at = 0, stretch = 0;
	while (at + 4096 < size) {
		at += workload->put(bytes + at, count++);
		if (at >= (stretch + 1) * STRETCH)
			ends[stretch++] = at;
	}
	ends[stretch] = at;
	return count;
}

static struct dump_writer *create(const char *folder)
{
	static const struct dump_process process = {
		.pid = 1, .id = {2, 3}, .start_ns = 4, .program = "bench"};
	static const struct clock_point clock = {0, 0, UINT64_C(1) << 31, 0, 0};
	struct dump_writer *writer;
	char error[256];
	int code = dump_create(&writer, folder, &process, error, sizeof error);
	if (!code)
		code = dump_put_clock(writer, &clock);
	if (code)
		fail("no dump", code);
	return writer;
}

/* Packs and puts all of it. */
static void pack_all(struct dump_pack *pack, struct dump_writer *writer, const unsigned char *bytes,
		     const uint64_t *ends, uint64_t end)
{
	uint64_t from = 0;
	for (size_t i = 0; from < end; i += from == ends[i]) {
		struct dump_chunk chunk = {1, 2, from, ends[i]};
		bool bad;
		dump_pack_begin(pack);
		from = dump_pack_add(pack, &chunk, bytes + from, &bad);
		int error = bad || from == chunk.from ? -EBADMSG : dump_put_pack(writer, pack);
		if (error)
			fail("packing", error);
	}
}

/* Reads all of it. Returns the number of records. */
static uint64_t read_all(const char *path)
{
	struct dump_reader *reader;
	struct dump_record record;
	char error[256];
	uint64_t count = 0, sum = 0;
	int code = dump_open(&reader, path, error, sizeof error);
	if (code)
		fail(error, code);
	while (dump_next(reader, &record) == 1) {
		count++;
		sum += record.ns;
	}
	dump_reader_close(reader);
	return sum ? count : 0;
}

static void figure(const char *name, const char *what, double value, const char *unit)
{
	printf("%s.%s\trill\t%.3f\t%s\n", what, name, value, unit);
}

/* As the collector has it of a catalog whose spans go by an id: the first value of each record. */
static bool is_identity(void *context, uint8_t catalog, uint16_t key)
{
	(void)context;
	(void)catalog;
	return key == 1 || key == 3;
}

static void run(const struct workload *workload, const char *folder, size_t size, int rounds)
{
	static uint64_t ends[BYTES / STRETCH + 2];
	unsigned char *bytes = aligned_alloc(4096, size);
	struct dump_pack *pack = dump_pack_new();
	static const struct dump_pack_hooks hooks = {.identity = is_identity};
	if (!bytes || !pack)
		fail("no memory", -ENOMEM);
	dump_pack_hook(pack, &hooks);
	uint64_t count = fill(bytes, size, workload, ends), end = 0;
	for (size_t i = 0; ends[i] > end; i++)
		end = ends[i];
	for (int round = 0; round < rounds; round++) {
		struct dump_writer *writer = create(folder);
		struct stat status;
		double start = seconds();
		pack_all(pack, writer, bytes, ends, end);
		double packed = seconds();
		if (stat(dump_path(writer), &status))
			fail("stat", -errno);
		char *path = strdup(dump_path(writer));
		dump_close(writer);
		double open = seconds();
		uint64_t found = path ? read_all(path) : 0;
		double done = seconds();
		if (found != count)
			fail("reading", -EBADMSG);
		figure(workload->name, "pack", (packed - start) / (double)count * 1e9, "ns");
		figure(workload->name, "read", (double)count / (done - open) / 1e6, "M/s");
		figure(workload->name, "bytes.packed", (double)status.st_size / (double)count,
		       "bytes");
		unlink(path);
		free(path);
	}
	memset(ends, 0, sizeof ends);
	dump_pack_free(pack);
	free(bytes);
}

/* The program is on one core: where the collector would be. */
static void pin(void)
{
	const char *cpu = getenv("BENCH_COLLECTOR_CPU");
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu ? strtoul(cpu, NULL, 10) : 1, &set);
	(void)sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
	static const struct workload workloads[] = {
		{"w1.counter", w1_counter}, {"w1.random", w1_random}, {"w4.sessions", w4_sessions},
		{"w4.random", w4_random},   {"w4.unique", w4_unique}, {"mail", mail},
	};
	const char *quick = getenv("BENCH_QUICK"), *given = getenv("BENCH_DIR");
	bool is_quick = quick && *quick == '1';
	char folder[] = "/dev/shm/rill-pack-XXXXXX";
	pin();
	if (!given && !mkdtemp(folder))
		fail("no folder in /dev/shm", -errno);
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
		if (argc < 2 || strcmp(argv[1], workloads[i].name) == 0)
			run(&workloads[i], given ? given : folder, is_quick ? BYTES / 8 : BYTES,
			    is_quick ? 1 : ROUNDS);
	if (!given)
		rmdir(folder);
	return 0;
}
