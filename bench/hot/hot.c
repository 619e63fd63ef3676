/*
 * hot warm|off|cold|latency: what a single event costs the thread that emits it, for all peers in
 * turn in one process. No event is lost: buffers are emptied before they can be full.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/hot/hot.h"

const struct workload workloads[WORKLOADS] = {
	[W1] = {"w1", 2000},    [W4] = {"w4", 1000},  [W8] = {"w8", 600},
	[PAIR] = {"pair", 700}, [MIX] = {"mix", 500}, [OFF] = {"off", 100000},
};

emit_fn *emit_of(const struct bench_peer *peer, int workload)
{
	emit_fn *const all[WORKLOADS] = {peer->w1,   peer->w4,  peer->w8,
					 peer->pair, peer->mix, peer->off};

	return all[workload];
}

void drain(struct bench_loaded *loaded)
{
	if (!loaded->peer->flush || loaded->peer->flush() == 0)
		return;
	fprintf(stderr, "%s: its buffers are not emptied\n", loaded->peer->name);
	exit(1);
}

static void check_losses(struct bench_peers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		const struct bench_peer *peer = peers->at[i].peer;
		uint64_t lost = peer->lost && !peers->at[i].failed ? peer->lost() : 0;

		if (lost == 0)
			continue;
		fprintf(stderr, "%s: lost %llu of the events measured\n", peer->name,
			(unsigned long long)lost);
		/* Some do, when the machine keeps their consumer waiting. rill and the ring must
		 * not. */
		if (peer->strict)
			peers->failed = true;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct bench_peers *peers, const struct bench_options *options);
	} modes[] = {
		{"warm", warm_run}, {"off", off_run}, {"cold", cold_run}, {"latency", latency_run}};
	struct bench_options options;
	struct bench_peers peers;
	size_t mode = 0;

	options_parse(&options, argc, argv);
	while (mode < 4 && (options.nwords != 1 || strcmp(options.words[0], modes[mode].name) != 0))
		mode++;
	if (mode == 4) {
		fputs("usage: hot [--peer FILE] [--only NAME,...] warm|off|cold|latency\n", stderr);
		return 2;
	}
	peers_load(&peers, &options);
	for (size_t i = 0; i < peers.count; i++) {
		if (peer_start(&peers.at[i], &options, false, false))
			peer_pin(&peers.at[i], options.collector_cpu);
	}
	pin(0, options.producer_cpu);
	modes[mode].run(&peers, &options);
	bool good = peers_stop(&peers);
	check_losses(&peers);
	options_done(&options);
	return good && !peers.failed ? 0 : 1;
}
