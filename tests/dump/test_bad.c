/* Dumps that are cut, spoiled, forged or no dumps at all, read by the commands: tests/fuzz/bad.c
 * says what must hold. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "../support/sample.h"

static char *folder;

static void start(void)
{
	folder = folder_make();
}

static void end(void)
{
	folder_remove(folder);
}

TestSuite(bad, .init = start, .fini = end, .timeout = 600);

/* At least `least` dumps and commands were tried, and none did wrong. */
static void expect_none_wrong(const char *way, const char *path, unsigned long least)
{
	const struct run_options options = {.timeout_ms = 300000};
	struct run_result r = RUN(&options, built("tests/fuzz/bad"), way, path, folder);
	const char *last = strstr(r.out, " tried, ");
	cr_assert(last && r.code == 0, "%s of %s: code %d, signal %d\n%.3000s%s", way, path, r.code,
		  r.signal, r.out, r.err);
	cr_expect_geq(strtoul(r.out, NULL, 10), least, "%s", r.out);
	run_free(&r);
}

static void spoil(const char *way, int level, unsigned long least)
{
	const struct sample_options options = {.pid = 1, .level = level};
	expect_none_wrong(way, sample_write(folder, &options), least);
}

Test(bad, every_prefix_of_a_dump)
{
	spoil("cut", 0, 4000);
}

Test(bad, every_prefix_of_a_compressed_dump)
{
	spoil("cut", 3, 3000);
}

Test(bad, every_byte_flipped)
{
	spoil("flip", 0, 5000);
}

Test(bad, every_byte_of_a_compressed_dump_flipped)
{
	spoil("flip", 3, 4000);
}

Test(bad, every_header_field_at_its_edges)
{
	spoil("headers", 0, 4000);
}

Test(bad, an_index_that_lies)
{
	spoil("index", 0, 2000);
}

/* --- what is no dump ----------------------------------------------------------------------- */

static void expect_no_dump(const char *name, const void *bytes, size_t size)
{
	char *path = format("%s/%s", folder, name);
	file_store(path, bytes, size);
	expect_none_wrong("file", path, 15);
}

Test(bad, files_of_other_programs)
{
	static const char pcap[] = "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0";
	static const char ctf[] = "\xc1\x1f\xfc\xc1 a packet of a trace";
	static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0";
	static const char json[] = "{\"time\":\"2026-01-31T23:59:59Z\",\"event\":\"a.b\"}\n";
	size_t size;
	char *elf = file_load("/proc/self/exe", &size);
	expect_no_dump("elf.rill", elf, size);
	expect_no_dump("pcap.rill", pcap, sizeof pcap);
	expect_no_dump("ctf.rill", ctf, sizeof ctf);
	expect_no_dump("gzip.rill", gzip, sizeof gzip);
	expect_no_dump("json.rill", json, sizeof json - 1);
	expect_no_dump("empty.rill", "", 0);
	expect_no_dump("head.rill", "\x89rill\r\n\x1a\1\0\0\0\0\0\0\0", 16);
}

Test(bad, a_format_of_another_version)
{
	const struct sample_options options = {.pid = 1};
	char *path = sample_write(folder, &options);
	size_t size;
	char *bytes = file_load(path, &size);
	for (char version = 0; version < 4; version++) {
		if (version == 1)
			continue;
		bytes[8] = version;
		file_store(path, bytes, size);
		expect_none_wrong("file", path, 15);
		struct run_result r = RUN(NULL, built("rill"), "cat", path);
		cr_expect(strstr(r.err, format("has format version %d", version)), "%s", r.err);
		cr_expect(strstr(r.err, version ? "newer rill" : "older rill"), "%s", r.err);
	}
}

Test(bad, what_is_no_file)
{
	char *fifo = format("%s/fifo.rill", folder), *hollow = format("%s/hollow", folder);
	cr_assert_eq(mkfifo(fifo, 0600) | mkdir(hollow, 0700), 0);
	expect_none_wrong("file", fifo, 15);
	expect_none_wrong("file", hollow, 15);
	expect_none_wrong("file", "/dev/zero", 15);
	expect_none_wrong("file", "/nowhere/x.rill", 15);
}

Test(bad, a_file_that_may_not_be_read)
{
	const struct sample_options options = {.pid = 1};
	char *path = sample_write(folder, &options);
	cr_assert_eq(chmod(path, 0), 0);
	/* Nothing is closed to root; what it built may be to others. */
	bool is_root = geteuid() == 0;
	char error[256];
	struct dump_reader *reader;
	if (is_root)
		cr_assert_eq(chmod(folder, 0777) | seteuid(65534), 0);
	int code = dump_open(&reader, path, error, sizeof error);
	if (is_root)
		cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(code, -EACCES);
	cr_expect(strstr(error, "cannot be read: Permission denied"), "%s", error);
}

/* --- catalogs of the same name ------------------------------------------------------------- */

/* The events of the one catalog in the other order, and another hash. */
static const struct rill_catalog *changed_catalog(void)
{
	static struct rill_catalog changed;
	static struct rill_catalog_event events[EVENT_COUNT];
	changed = records_catalog;
	changed.hash = 7;
	memcpy(events, records_catalog.events, sizeof events);
	events[EVENT_WORK].name = "conn.toil";
	changed.events = events;
	return &changed;
}

static struct run_result rill(const char *command, const char *option)
{
	return option ? RUN(NULL, built("rill"), command, option, folder)
		      : RUN(NULL, built("rill"), command, folder);
}

Test(bad, catalogs_of_one_name_in_two_processes_are_told_apart)
{
	const struct sample_options one = {.pid = 1},
				    other = {.pid = 2, .catalog = changed_catalog()};
	sample_write(folder, &one);
	sample_write(folder, &other);
	struct run_result r = rill("cat", NULL);
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect(strstr(r.out, "conn.work") && strstr(r.out, "conn.toil"), "%s", r.out);
	r = rill("verify", NULL);
	cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
	r = rill("catalog", "-d");
	cr_expect(r.code == 0 && strstr(r.out, "conn.work") && strstr(r.out, "conn.toil"), "%s%s",
		  r.out, r.err);
}

Test(bad, catalogs_of_one_name_in_one_process_are_damage)
{
	const struct sample_options one = {.pid = 1},
				    other = {.pid = 1, .part = 1, .catalog = changed_catalog()};
	sample_write(folder, &one);
	sample_write(folder, &other);
	struct run_result r = rill("cat", NULL);
	cr_expect_eq(r.code, 1);
	cr_expect(strstr(r.err, "catalog"), "%s", r.err);
}
