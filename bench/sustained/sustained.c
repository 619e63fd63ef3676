/*
 * sustained speed WORKLOAD THREADS: lossless throughput to the file, one peer after another.
 * sustained bytes WORKLOAD: bytes an event on disk.
 * sustained text WORKLOAD: the collector's cost of lines of text.
 * sustained trace WORKLOAD: prints nothing and leaves the files in BENCH_DIR, for others to read.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sustained/sustained.h"

#define AT(function) offsetof(struct bench_peer, function)

static const struct workload workloads[] = {
	{"w1", NUMBERS_COUNT, false, AT(w1)},   {"w1.random", NUMBERS_RANDOM, false, AT(w1)},
	{"w4", NUMBERS_COUNT, false, AT(w4)},   {"w4.unique", NUMBERS_COUNT, true, AT(w4)},
	{"mix", NUMBERS_COUNT, false, AT(mix)},
};

static bool has(const struct bench_peer *peer, const struct workload *workload)
{
	emit_fn *function;

	memcpy(&function, (const char *)peer + workload->emit, sizeof function);
	return function != NULL;
}

static void print_speed(const char *who, const struct run *run, bool collects)
{
	char figure[64];

	snprintf(figure, sizeof figure, "sustained.%s.%dt", run->workload->name, run->threads);
	print_figure(figure, who, (double)run->emitted / run->took_s / 1e6, "M/s");
	if (run->lost_percent > 0) {
		snprintf(figure, sizeof figure, "lost.%s.%dt", run->workload->name, run->threads);
		print_figure(figure, who, run->lost_percent, "%");
	}
	snprintf(figure, sizeof figure, "collector.%s", run->workload->name);
	if (run->threads == 1 && collects)
		print_figure(figure, who, (double)run->collector_ns / (double)run->emitted, "ns");
}

static void print_bytes(const char *who, const struct run *run, const char *dir)
{
	double events = (double)run->emitted;
	char figure[64];

	snprintf(figure, sizeof figure, "bytes.%s", run->workload->name);
	print_figure(figure, who, (double)trace_bytes(dir, false) / events, "bytes");
	snprintf(figure, sizeof figure, "bytes.zstd.%s", run->workload->name);
	print_figure(figure, who, (double)trace_bytes(dir, true) / events, "bytes");
}

static void print_text(const char *who, const struct run *run)
{
	char figure[64];

	snprintf(figure, sizeof figure, "collector.text.%s", run->workload->name);
	print_figure(figure, who, (double)run->collector_ns / (double)run->emitted, "ns");
}

static bool measure(struct bench_loaded *loaded, const struct bench_options *options,
		    const char *mode, struct run run)
{
	const char *who = loaded->peer->name;

	if (!run_peer(loaded, options, &run))
		return false;
	if (strcmp(mode, "speed") == 0)
		print_speed(who, &run, loaded->ntasks + loaded->npids > 0);
	else if (strcmp(mode, "bytes") == 0)
		print_bytes(who, &run, loaded->dir);
	else if (run.text)
		print_text(who, &run);
	return true;
}

/* What the peer cannot do is known when it has been started. */
static bool run_one(struct bench_loaded *loaded, const struct bench_options *options,
		    const char *mode, const struct run *run)
{
	bool good = peer_start(loaded, options, true, run->text);

	if (good && has(loaded->peer, run->workload))
		good = measure(loaded, options, mode, *run);
	if (loaded->running)
		good = peer_stop(loaded) && good;
	if (strcmp(mode, "trace") != 0)
		remove_tree(loaded->dir);
	return good;
}

/* Other forms of rill differ from it in their call sites only; few peers have lines of text. */
static bool takes_part(const struct bench_peer *peer, const struct run *run)
{
	if (run->text)
		return strcmp(peer->name, "rill") == 0 || strcmp(peer->name, "spdlog") == 0;
	return peer->flush && strncmp(peer->name, "rill-", 5) != 0;
}

static const struct workload *workload_of(const char *name)
{
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (strcmp(workloads[i].name, name) == 0)
			return &workloads[i];
	}
	return NULL;
}

static struct run parse(const struct bench_options *options)
{
	const char *mode = options->nwords > 1 ? options->words[0] : "";
	bool speed = strcmp(mode, "speed") == 0, text = strcmp(mode, "text") == 0;
	struct run run = {.threads = 1, .text = text};

	run.workload = *mode ? workload_of(options->words[1]) : NULL;
	if (speed)
		run.threads = options->nwords == 3 ? atoi(options->words[2]) : 0;
	/* The mix is one sequence. */
	bool mix = run.workload && run.workload->emit == AT(mix);
	if (!run.workload || run.threads < 1 || (mix && run.threads > 1) ||
	    run.threads > MAX_THREADS ||
	    !(speed || text || strcmp(mode, "bytes") == 0 || strcmp(mode, "trace") == 0)) {
		fputs("usage: sustained [--peer FILE] [--only NAME,...] speed WORKLOAD THREADS\n"
		      "       sustained [--peer FILE] [--only NAME,...] bytes|text|trace WORKLOAD\n"
		      "WORKLOAD: w1 w1.random w4 w4.unique mix\n",
		      stderr);
		exit(2);
	}
	if (speed)
		run.seconds = options->quick ? 0.3 : 1;
	else
		run.events = options->quick ? 200000 : 2000000;
	return run;
}

int main(int argc, char **argv)
{
	struct bench_options options;
	struct bench_peers peers;

	options_parse(&options, argc, argv);
	struct run run = parse(&options);
	peers_load(&peers, &options);
	bool good = !peers.failed;
	for (size_t i = 0; i < peers.count; i++) {
		if (takes_part(peers.at[i].peer, &run))
			good = run_one(&peers.at[i], &options, options.words[0], &run) && good;
	}
	options_done(&options);
	return good ? 0 : 1;
}
