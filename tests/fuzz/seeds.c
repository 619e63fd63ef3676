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
	return 0;
}
