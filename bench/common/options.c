/* The environment and the command line of a benchmark program. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/common/common.h"

static int cpu_of(const char *name, int usual)
{
	const char *value = getenv(name);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int cpu = value && *value ? atoi(value) : usual;

	return cpu < cpus ? cpu : 0;
}

void options_parse(struct bench_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"peer", required_argument, NULL, 'p'},
		{"only", required_argument, NULL, 'o'},
		{0},
	};
	const char *quick = getenv("BENCH_QUICK"), *dir = getenv("BENCH_DIR");

	*options = (struct bench_options){
		.quick = quick && strcmp(quick, "1") == 0,
		.producer_cpu = cpu_of("BENCH_PRODUCER_CPU", 0),
		.collector_cpu = cpu_of("BENCH_COLLECTOR_CPU", 1),
	};
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (option == 'p') {
			options->peer = optarg;
		} else if (option == 'o') {
			options->only = optarg;
		} else {
			fprintf(stderr, "usage: %s [--peer FILE] [--only NAME,...] WHAT...\n",
				argv[0]);
			exit(2);
		}
	}
	options->words = (const char *const *)argv + optind;
	options->nwords = argc - optind;
	if (dir && *dir) {
		snprintf(options->dir, sizeof options->dir, "%s", dir);
	} else {
		snprintf(options->dir, sizeof options->dir, "/dev/shm/rill-bench-XXXXXX");
		options->remove_dir = mkdtemp(options->dir) != NULL;
	}
}

void options_done(struct bench_options *options)
{
	if (options->remove_dir)
		remove_tree(options->dir);
}
