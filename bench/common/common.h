/* What the benchmark programs share: peers, tables of values, pinning, printing. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/common/tools.h"
#include "bench/peers/peer.h"

#define MAX_PEERS 32
#define MAX_TASKS 64

/* --- options.c: the environment and the command line of a benchmark program ------------------- */
struct bench_options {
	bool quick;
	int producer_cpu, collector_cpu;
	char dir[64];             /* on tmpfs */
	bool remove_dir;          /* it was made here */
	const char *only;         /* --only NAME,NAME: these peers and no others */
	const char *peer;         /* --peer FILE: one more */
	const char *const *words; /* the rest of the command line */
	int nwords;
};

/* Ends the program when the command line is wrong. */
void options_parse(struct bench_options *options, int argc, char **argv);
void options_done(struct bench_options *options);

/* --- peers.c ------------------------------------------------------------------------------------
 */
struct bench_loaded {
	struct bench_peer *peer;
	char dir[128];
	bool running; /* init() was called, close() was not */
	bool failed;
	pid_t tasks[MAX_TASKS]; /* threads of this process that init() has started */
	size_t ntasks;
	pid_t pids[MAX_TASKS]; /* processes that collect */
	size_t npids;
};

struct bench_peers {
	struct bench_loaded at[MAX_PEERS];
	size_t count;
	bool failed; /* one of them could not be loaded or run */
};

/* Those that are compiled in, those in BUILD/bench/peers, that of BENCH_PEER and that of --peer. */
void peers_load(struct bench_peers *peers, const struct bench_options *options);
/* False: told on standard error, and it is marked as failed. */
bool peer_start(struct bench_loaded *loaded, const struct bench_options *options, bool lossless,
		bool text);
/* What collects for it runs on this processor only; -1: on all. */
void peer_pin(const struct bench_loaded *loaded, int cpu);
/* CPU time of what collects for it, so far. */
uint64_t peer_collector_ns(const struct bench_loaded *loaded);
bool peer_stop(struct bench_loaded *loaded);
/* All that run; false when one has failed, or some were told to have failed before. */
bool peers_stop(struct bench_peers *peers);

/* --- tables.c ------------------------------------------------------------------------------------
 */
enum bench_numbers { NUMBERS_COUNT, NUMBERS_RANDOM };

#define STRETCH 65536u /* events until sessions and texts come in the same order again */
#define TEXTS   16u

struct bench_tables {
	struct bench_data data;
	uint64_t numbers[STRETCH];
	const struct bench_session *session_order[STRETCH];
	const struct bench_text *text_order[STRETCH], *long_order[STRETCH];
	struct bench_session sessions[BENCH_SESSIONS];
	struct bench_text texts[BENCH_TABLE], longs[TEXTS];
	char text_bytes[BENCH_TABLE][24], long_bytes[TEXTS][64];
	enum bench_numbers kind;
	bool unique; /* strings that never repeat */
	uint64_t state;
	size_t at; /* in the stretch */
};

/* seed: different for each thread. To be freed. */
struct bench_tables *tables_make(uint64_t seed, enum bench_numbers kind, bool unique);
/* For the next BENCH_TABLE events. */
void tables_renew(struct bench_tables *tables);

#endif
