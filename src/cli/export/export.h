/* The formats of `rill export`: what each one is given, and what it must do. */
#ifndef RILL_CLI_EXPORT_EXPORT_H
#define RILL_CLI_EXPORT_EXPORT_H

#include "cli/cli.h"
#include "sink/buffer.h"
#include "sink/json_value.h"

/* A file that grows: bytes gather in `buffer` and go out in large pieces. */
struct export_out {
	struct buffer buffer;
	int fd;
	int error; /* the first one, negative errno; nothing is written after it */
};

/* To be called now and then; writes when there is much to write. 0 or out->error. */
#define EXPORT_PIECE (1u << 18)
int export_out_flush(struct export_out *out);
static inline int export_out_drain(struct export_out *out)
{
	return out->buffer.size >= EXPORT_PIECE || out->buffer.broken ? export_out_flush(out)
								      : out->error;
}

/* Of a format that has a file for each. */
enum export_only { EXPORT_BOTH, EXPORT_EVENTS, EXPORT_SPANS };

struct export_job {
	/* What is read: a format may read it once more. */
	char *const *paths;
	size_t npaths;
	const struct dump_want *want;
	struct dump_reader *reader;
	/* feed.origin: the process of the batch that is written. */
	struct feed feed;
	bool selecting;        /* only a part of the dump is asked for */
	enum export_only only; /* not EXPORT_BOTH: `out` is what is written */
	int directory;         /* of a format that fills one: its descriptor */
	struct export_out out; /* of one that writes a file */
};

/* Errors are negative errno values; after one nothing but close() is called. */
struct export_format {
	const char *name;
	const char *brief;
	bool directory; /* OUT is one, with several files */
	bool pair;      /* these are one of events and one of spans, and --only makes one OUT */
	int (*open)(void **state, struct export_job *job);
	int (*write)(void *state, const struct rill_batch *batch);
	/* Frees. complete: everything was written; else what is there will be removed. */
	int (*close)(void *state, bool complete);
};

extern const struct export_format export_ctf;
extern const struct export_format export_perfetto;
extern const struct export_format export_chrome;
extern const struct export_format export_otlp;
extern const struct export_format export_jsonl;
extern const struct export_format export_csv;

/* Empty when the dump does not say. */
static inline const char *export_host(const struct dump_process *process)
{
	return process->host ? process->host : "";
}

/* --- events and spans apart: pair.c -------------------------------------------------------- */

/* NULL: not asked for. */
struct pair {
	struct export_out *events;
	struct export_out *spans;
	struct export_out own[2];
};

/* Opens files of these names in the job's directory, or takes the job's own. */
int pair_open(struct pair *pair, struct export_job *job, const char *events, const char *spans);
int pair_drain(struct pair *pair);
/* Writes what is left when it is complete. */
int pair_close(struct pair *pair, bool complete);

/* --- values.c ------------------------------------------------------------------------------ */

/* The catalog's page does not say that a value of this key has this type, and its plain form does
 * not show it. */
bool export_type_is_open(const struct rill_catalog *catalog, uint16_t key, unsigned type);
/* UTF-8 without a NUL. */
bool export_is_text(const unsigned char *bytes, size_t size);
/* The text that is nearest: U+2400, which looks like one, for a NUL; U+FFFD for what is no
 * character. At most three times as long. Returns its end. */
char *export_put_text(char *to, const unsigned char *bytes, size_t size);
uint64_t export_mix(uint64_t a, uint64_t b);
/* Never 0. */
uint64_t export_process_id(const struct dump_origin *origin);
/* Whether items[index] joins its record with others, and a number that these have for it too:
 * everywhere or in this process, as the page says in column Link. */
bool export_flow(uint64_t *id, const struct dump_origin *origin, const struct rill_catalog *catalog,
		 const struct rill_item *items, size_t index);
/* For a struct json of which only members are asked. */
make_piece export_make_key;

/* --- where it goes: target.c --------------------------------------------------------------- */

/* The number of the signal that ended it; or -1: it is to end for another reason; or 0. */
extern volatile sig_atomic_t target_stopped;
/* What is half written is removed before a signal is obeyed. */
void target_catch_signals(void);
void target_obey_signal(void);

/* OUT under a temporary name until it is whole; or standard output, a pipe, a device. */
struct target {
	const char *out;
	bool directory;
	char *final;     /* where it is renamed to; NULL: it is written directly */
	char *temporary; /* beside it */
	int fd;
};

/* EXIT_OK, or EXIT_TROUBLE after a message. out: "-" is standard output. */
int target_open(struct target *target, const char *out, bool directory);
/* Renames what is complete, removes what is not. EXIT_OK, or EXIT_TROUBLE after a message. */
int target_close(struct target *target, bool complete);

#endif
