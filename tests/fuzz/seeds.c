/* seeds FOLDER: what the fuzz targets begin with, FOLDER/TARGET/seed-NAME. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/files.h"
#include "support/records.h"
#include "support/sample.h"

static const char *const predicates[] = {
	"smtp.* && remotePort == 25 && elapsed > 100ms",
	"demo.step or not (size in (25, 4096, 1 .. 3))",
	"remoteIp in 192.0.2.0/24 && hostname ~ \"^mx[0-9]+\\.example\"",
	"@level >= warn || @duration > 1.5s && @event ~ 'demo'",
	"@time > 2025-12-31T23:59:59Z && @pid != 100 && @host == \"mx1\"",
	"to == \"carl@example.org\" and causedBy.hostname !~ 'x'",
	"!tls && score <= -1.5e3 && offset > -5 && contents == 0x00ff",
};

static void put(const char *folder, const char *target, const char *name, const void *prefix,
		size_t prefix_size, const void *bytes, size_t size)
{
	char *all = malloc(prefix_size + size);
	char *path = format("%s/%s", folder, target);
	mkdir(path, 0777);
	if (!all)
		abort();
	if (prefix_size)
		memcpy(all, prefix, prefix_size);
	memcpy(all + prefix_size, bytes, size);
	file_store(format("%s/seed-%s", path, name), all, prefix_size + size);
	free(all);
}

static const char *const filters[] = {
	"*=info,smtp.*=trace,store.*=off",
	"conn.*",
	"conn.start=error, *.end = debug ,, demo.step\n",
	"*conn*start*=warn,server.st*p=off,a=b",
};

static const char *const environments[] = {
	"FILTER=*=info\nSINKS=text:/tmp/x?level=warn&color=never,json:/tmp/y?queue=64KiB",
	"SINKS=dump:/var/tmp/traces?rotate=256MiB&every=1h&keep-size=8GiB&zstd=1\nPOLICY=block",
	"RING_SIZE=64KiB\nRING_MEMORY=1G\nBLOCK_TIMEOUT=100ms\nMAX_OPEN_SPANS=77\nRUNTIME_DIR=/tmp",
	"SINKS=text:/%61%2Cb%3F%25?multiline=1&time=local&queue=0,none:\nRING_SIZE=5\nPOLICY=often",
};

static const char *const pages[] = {
	"## Part\n\n| Event | Level | Short | Long | Keys | Loss |\n|-|-|-|-|-|-|\n"
	"| `a.b` | info | Began | It *began*, \\\"x\\\" | id, note | never |\n"
	"| a.c | error | Ended | &amp; over \\| gone |  | |\n\n"
	"## Keys\n\n| Key | Type | Description | Link | Privacy |\n|-|-|-|-|-|\n"
	"| id | u64\\|string | Which | process | |\n| note | string | What |  | secret |\n"
	"| far | u64 | Whose | id | personal |\n\n"
	"## Spans\n\n| Span | Start | End | Key |\n|-|-|-|-|\n| s | a.b | a.c | id |\n",
	"## A\n\n| Event | Level | Short | Long |\n|-|-|-|-|\n| a.b | warn | x | y */ \\\\ |\n\n"
	"## Keys\n\n| Key | Type | Description |\n|-|-|-|\n| k | list | d |\n",
};
static const char *const locks[] = {
	"subsystem 0 Part\nevent 0 a.c\nkey 0 id u64\nkey 1 note string\nspan 0 s\n",
	"# none\n",
};

static void put_texts(const char *folder, const char *target, const char *const *texts,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(folder, target, format("%zu", i), NULL, 0, texts[i], strlen(texts[i]));
}

static void put_pages(const char *folder)
{
	size_t size;
	char *hello = file_load(source("examples/hello/hello.md"), &size);
	put(folder, "page", "hello", NULL, 0, hello, size);
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		put(folder, "page", format("%zu", i), pages[i], strlen(pages[i]) + 1, locks[i],
		    strlen(locks[i]));
}

static void put_dump(const char *folder, const char *name, const struct sample_options *options)
{
	char prefix[32] = {0};
	char *scratch = folder_make(), *path = sample_write(scratch, options);
	size_t size;
	char *bytes = file_load(path, &size);
	put(folder, "reader", name, NULL, 0, bytes, size);
	for (int flags = 0; flags < 64; flags += 7) {
		prefix[1] = 10;
		prefix[9] = 120;
		prefix[16] = 2;
		prefix[24] = (char)flags;
		prefix[26] = 0x17;
		put(folder, "index", format("%s-%d", name, flags), prefix, 32, bytes, size);
	}
	for (int choice = 0; choice < 6; choice++) {
		prefix[0] = (char)choice;
		put(folder, "export", format("%s-%d", name, choice), prefix, 8, bytes, size);
	}
	folder_remove(scratch);
}

int main(int argc, char **argv)
{
	const struct sample_options plain = {.pid = 1}, compressed = {.pid = 2, .level = 3},
				    two = {.pid = 3, .processes = 2},
				    other = {.pid = 5, .catalog = &records_catalog_other};
	if (argc != 2) {
		fprintf(stderr, "usage: seeds FOLDER\n");
		return 2;
	}
	put_dump(argv[1], "plain", &plain);
	put_dump(argv[1], "compressed", &compressed);
	put_dump(argv[1], "two", &two);
	put_dump(argv[1], "other", &other);
	for (size_t i = 0; i < sizeof predicates / sizeof *predicates; i++)
		put(argv[1], "predicate", format("%zu", i), "\0", 2, predicates[i],
		    strlen(predicates[i]));
	put_texts(argv[1], "filter", filters, sizeof filters / sizeof *filters);
	put_texts(argv[1], "environment", environments, sizeof environments / sizeof *environments);
	put_pages(argv[1]);
	return 0;
}
