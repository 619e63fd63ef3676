/*
 * read_bench [--since SECONDS] [--until SECONDS] [--id KEY=NUMBER] [--alone] PATH...: how long
 * opening and reading a trace takes, and how much memory. Seconds count from the beginning of the
 * trace.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "dump/dump.h"

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether a record has the value. */
static bool has(const struct dump_reader *reader, const struct dump_record *record,
		const struct dump_id *id)
{
	const struct rill_catalogs *catalogs = &dump_origin(reader, record->origin)->catalogs;
	const struct rill_catalog *catalog = catalogs->catalog[record->raw.catalog];
	struct rill_item items[RILL_MAX_ITEMS];
	int count = raw_record_items(&record->raw, items);
	for (int i = 0; i < count; i++)
		if (items[i].u64 == id->word &&
		    strcmp(catalog->keys[items[i].key].name, id->key) == 0)
			return true;
	return false;
}

static const struct option options[] = {
	{"since", required_argument, NULL, 's'},
	{"until", required_argument, NULL, 'u'},
	{"id", required_argument, NULL, 'i'},
	{"alone", no_argument, NULL, 'a'},
	{0},
};

int main(int argc, char **argv)
{
	struct dump_want want = {0};
	struct dump_id id;
	struct dump_reader *reader;
	struct dump_record record;
	char error[512], *equals;
	double since = 0, until = 0;
	int option, more;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			since = strtod(optarg, NULL);
		else if (option == 'u')
			until = strtod(optarg, NULL);
		else if (option == 'a')
			want.alone = true;
		else if (option == 'i' && (equals = strchr(optarg, '='))) {
			*equals = 0;
			id = (struct dump_id){.key = optarg,
					      .word = strtoull(equals + 1, NULL, 10)};
			want.ids = &id;
			want.nids = 1;
		} else
			return 2;
	}
	const char *const *paths = (const char *const *)argv + optind;
	size_t npaths = (size_t)(argc - optind);
	uint64_t start_ns = 0;
	if (since > 0 || until > 0) {
		if (dump_open_all(&reader, paths, npaths, NULL, error, sizeof error))
			return fprintf(stderr, "read_bench: %s\n", error), 1;
		start_ns = dump_file(reader, 0)->first_ns;
		dump_reader_close(reader);
		want.since_ns = start_ns + (uint64_t)(since * 1e9);
		want.until_ns = until > 0 ? start_ns + (uint64_t)(until * 1e9) : 0;
	}
	double begun = seconds();
	if (dump_open_all(&reader, paths, npaths, &want, error, sizeof error))
		return fprintf(stderr, "read_bench: %s\n", error), 1;
	double opened = seconds();
	uint64_t records = 0, context = 0, found = 0;
	while ((more = dump_next(reader, &record)) == 1) {
		context += record.context;
		records += !record.context;
		found += want.nids && has(reader, &record, &id);
	}
	double read = seconds();
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("opened in %.3f s, read in %.3f s: %llu records (%.1f M/s), %llu as context, %llu "
	       "found; %ld MiB\n",
	       opened - begun, read - opened, (unsigned long long)records,
	       (double)records / (read - opened) / 1e6, (unsigned long long)context,
	       (unsigned long long)found, usage.ru_maxrss / 1024);
	for (size_t i = 0; i < dump_file_count(reader); i++)
		if (dump_file(reader, i)->damage)
			printf("%s: %s\n", dump_file(reader, i)->path,
			       dump_file(reader, i)->damage);
	dump_reader_close(reader);
	return more < 0;
}
