/*
 * run [--quick] [--name NAME] [--suite FILE] [--targets FILE] [--results DIR] [--peer FILE] [--only
 * ROW]
 *
 * Runs the rows of the suite in interleaved rounds and reports on them. Exit code 1: a row failed,
 * 2: nothing was run, 130: interrupted.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/run/run.h"

static struct {
	bool quick;
	const char *name, *suite, *targets, *results, *only;
	char log[PATH_MAX];
} options = {
	.suite = "bench/suite.txt", .targets = "bench/targets.txt", .results = "bench/results"};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
	child_interrupt();
}

__attribute__((noreturn)) static void usage(void)
{
	fputs("usage: run [--quick] [--name NAME] [--suite FILE] [--targets FILE] [--results DIR]\n"
	      "           [--peer FILE] [--only ROW]\n",
	      stderr);
	exit(2);
}

/* For the programs, which may run elsewhere. */
static void export_peer(const char *file)
{
	char path[PATH_MAX];

	if (!realpath(file, path)) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		exit(2);
	}
	setenv("BENCH_PEER", path, 1);
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		{"quick", no_argument, NULL, 'q'},
		{"name", required_argument, NULL, 'n'},
		{"suite", required_argument, NULL, 's'},
		{"targets", required_argument, NULL, 't'},
		{"results", required_argument, NULL, 'r'},
		{"peer", required_argument, NULL, 'p'},
		{"only", required_argument, NULL, 'o'},
		{0},
	};

	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (option) {
		case 'q':
			options.quick = true;
			break;
		case 'n':
			options.name = optarg;
			break;
		case 's':
			options.suite = optarg;
			break;
		case 't':
			options.targets = optarg;
			break;
		case 'r':
			options.results = optarg;
			break;
		case 'p':
			export_peer(optarg);
			break;
		case 'o':
			options.only = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (!options.name)
		options.name = options.quick ? "quick" : "full";
}

static int rounds_of(const struct row *row)
{
	if (options.only && strcmp(options.only, row->name) != 0)
		return 0;
	return options.quick ? row->quick : row->full;
}

static void run_row(struct row *row, size_t index, struct figures *figures)
{
	struct timespec from, to;
	char why[200];

	clock_gettime(CLOCK_MONOTONIC, &from);
	bool good = child_run(row, index, options.log, figures, why, sizeof why);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (interrupted)
		return;
	row->failures += !good;
	if (good)
		fprintf(stderr, "%6.1f s\n",
			(double)(to.tv_sec - from.tv_sec) +
				(double)(to.tv_nsec - from.tv_nsec) / 1e9);
	else
		fprintf(stderr, "FAILED: %s; see %s\n", why, options.log);
}

static void run_all(struct suite *suite, struct figures *figures, struct machine *machine)
{
	int most = 0, all = 0, done = 0;

	for (size_t i = 0; i < suite->nrows; i++) {
		int rounds = rounds_of(&suite->rows[i]);
		most = rounds > most ? rounds : most;
		all += rounds;
	}
	if (all == 0) {
		fprintf(stderr, "%s: nothing to run\n", options.suite);
		exit(2);
	}
	for (int round = 0; round < most && !interrupted; round++) {
		machine_listen(machine);
		for (size_t i = 0; i < suite->nrows && !interrupted; i++) {
			if (round >= rounds_of(&suite->rows[i]))
				continue;
			fprintf(stderr, "[%3d/%d] round %d: %-24s ", ++done, all, round + 1,
				suite->rows[i].name);
			run_row(&suite->rows[i], i, figures);
		}
	}
}

static void write_json(const struct report *report)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s.json", options.results, report->name);
	FILE *to = fopen(path, "we");
	if (!to) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	json_write(to, report);
	fclose(to);
	printf("\nwritten: %s\n", path);
}

static void handle_signals(void)
{
	struct sigaction action = {.sa_handler = interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* gnuplot may not be there */
}

int main(int argc, char **argv)
{
	struct suite suite = {0};
	struct figures figures = {0};
	struct machine machine;
	bool failed = false;

	parse(argc, argv);
	suite_load_rows(&suite, options.suite);
	suite_load_targets(&suite, options.targets);
	mkdir(options.results, 0755);
	snprintf(options.log, sizeof options.log, "%s/%s.log", options.results, options.name);
	unlink(options.log);
	setenv("BENCH_QUICK", options.quick ? "1" : "0", 1);
	machine_describe(&machine);
	machine_listen(&machine);
	if (!machine.quiet)
		fprintf(stderr, "warning: the machine is not quiet, others take %.0f %% of it\n",
			machine.busy_percent);
	handle_signals();
	run_all(&suite, &figures, &machine);
	if (interrupted) {
		fputs("\ninterrupted: nothing is written\n", stderr);
	} else {
		const struct report report = {options.name, options.quick, &suite, &figures,
					      &machine};
		for (size_t i = 0; i < suite.ntargets; i++)
			target_evaluate(&suite.targets[i], &figures);
		table_print(stdout, &report);
		write_json(&report);
		failed = !plots_draw(options.results, &report);
	}
	for (size_t i = 0; i < suite.nrows; i++)
		failed |= suite.rows[i].failures > 0;
	figures_free(&figures);
	suite_free(&suite);
	return interrupted ? 130 : failed;
}
