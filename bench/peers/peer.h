/*
 * A peer: something that records events, beside which rill is measured. One file of C or C++ that
 * defines `struct bench_peer bench_peer`, built as a shared object (docs/benchmarks.md has a whole
 * one). Nothing of rill is needed for it but this header.
 *
 * The functions that emit are loops over n events inside the peer's own compiled code, so that call
 * sites look as they do in a program. Values come from tables that the compiler knows nothing of:
 * event i takes BENCH_NUMBER(data, i), BENCH_SESSION(data, i) and so on.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_SESSIONS 64u
#define BENCH_TABLE    512u /* events until the tables repeat, or are renewed */

struct bench_session {
	uint64_t id;      /* any 64 bits */
	uint32_t address; /* IPv4, network byte order */
	uint16_t port;
	bool tls;
	uint64_t size; /* bytes, below 2^20 */
	uint64_t elapsed_ns;
	uint32_t code;
};

struct bench_text {
	const char *at;  /* printable ASCII, without a NUL behind it */
	uint32_t length; /* 24 or 64, but only the tables know that */
};

/* BENCH_TABLE of each: in no order that repeats soon. */
struct bench_data {
	const uint64_t *numbers;
	const struct bench_session *const *sessions; /* of BENCH_SESSIONS */
	const struct bench_text *const *texts;       /* of 24 bytes: of 16, or all different */
	const struct bench_text *const *longs;       /* of 64 bytes: of 16 */
	size_t mix; /* where in the recorded mix the next event is to be taken */
};

#define BENCH_NUMBER(data, i)  ((data)->numbers[(i) & (BENCH_TABLE - 1)])
#define BENCH_SESSION(data, i) ((data)->sessions[(i) & (BENCH_TABLE - 1)])
#define BENCH_TEXT(data, i)    ((data)->texts[(i) & (BENCH_TABLE - 1)])
#define BENCH_LONG(data, i)    ((data)->longs[(i) & (BENCH_TABLE - 1)])

/* What init() is told. */
struct bench_setup {
	const char *dir; /* an empty folder on tmpfs for all that is written; what is in
			  * files and folders whose names begin with a dot is no trace */
	bool lossless;   /* a full buffer makes the caller wait; else it loses the event */
	bool text; /* lines of text instead of the peer's own form (for peers that have one) */
};

#define BENCH_PEER_VERSION 1u

struct bench_peer {
	unsigned version; /* BENCH_PEER_VERSION */
	const char *name; /* who, in tables */

	/* Functions that a peer cannot have are NULL; name, init and close are there always. */

	/* 0, or a negative errno after a sentence on standard error. Buffers: 256 KiB a thread. */
	int (*init)(const struct bench_setup *setup);

	void (*off)(const struct bench_data *data, size_t n); /* W1, but turned off */
	void (*w1)(const struct bench_data *data, size_t n);  /* the number */
	void (*w4)(const struct bench_data *data, size_t n); /* session's id, address, port; text */
	void (*w8)(const struct bench_data *data, size_t n); /* the whole session and a long text */
	void (*pair)(const struct bench_data *data,
		     size_t n); /* id, address; id, elapsed: 2 events */
	void (*mix)(const struct bench_data *data, size_t n); /* bench/mix: what smtpd emits */

	/* 0 when everything emitted so far by threads that are done is out of the buffers. */
	int (*flush)(void);
	/* Everything is in the files of dir, complete, and nothing runs any more. */
	int (*close)(void);

	/* A loss in spite of `lossless` is an error, not just a remark beside its figures. */
	bool strict;
	/* How many events were lost since init(); valid after close(), too. */
	uint64_t (*lost)(void);
	/* How many it has taken in since init(), all of which it has written; after flush(). */
	uint64_t (*recorded)(void);
	/* Processes besides this one that collect; how many (at most room) were stored. Threads of
	 * this process that init() has started are found without its help. */
	size_t (*collectors)(pid_t *pids, size_t room);
};

/* What the shared object exports. */
extern struct bench_peer bench_peer;

#ifdef __cplusplus
}
#endif
#endif
