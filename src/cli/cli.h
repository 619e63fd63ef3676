/* What the subcommands of `rill` share. */
#ifndef RILL_CLI_CLI_H
#define RILL_CLI_CLI_H

#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "collect/pipeline.h"
#include "dump/dump.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_TROUBLE = 1, /* damage, nothing found, or failed */
	EXIT_USAGE = 2,
};

/* One file a subcommand. `usage` has a line for each option, "  -f, --format=text|json  what it is
 * for": completion says what stands there, and offers the values by the word behind the =. */
struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is its name */
	const char *brief;
	const char *usage;
	const struct option *options;
	/* The i-th value that an option with this word behind the = takes; NULL: there are no more.
	 * May be NULL itself. */
	const char *(*value)(const char *word, size_t i);
};

extern const struct command cat_command;
extern const struct command grep_command;
extern const struct command tail_command;
extern const struct command spans_command;
extern const struct command stats_command;
extern const struct command diff_command;
extern const struct command info_command;
extern const struct command verify_command;
extern const struct command trail_command;
extern const struct command catalog_command;
extern const struct command export_command;
extern const struct command report_command;
extern const struct command merge_command;
extern const struct command cut_command;
extern const struct command recover_command;
extern const struct command completion_command;
/* All of them; NULL at its end. */
extern const struct command *const commands[];

/* "rill NAME: ..." to stderr, with a hint at --help. Returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
int option_error(const char *command);
/* "rill: ..." to stderr. Returns EXIT_TROUBLE. */
int trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens dumps, read as one; of several paths those that can be read are. Says what cannot, and
 * gives NULL when that is all. want: as for dump_open_all(). */
struct dump_reader *open_dumps(char *const *paths, size_t npaths, const struct dump_want *want);
/* Tells of each damaged file. EXIT_OK; EXIT_TROUBLE, also when a path could not be read at all. */
int report_damage(const struct dump_reader *reader);
/* Flushes stdout. EXIT_TROUBLE, with a message, when something of it could not be written. */
int finish_output(int code);

/* Number of an option's argument, or -1. */
long long parse_number(const char *text);

/* Runs a dump's records through one pipeline a process. */
struct feed {
	const struct output *outputs;
	size_t noutputs;
	void (*on_span)(void *context, const struct rill_span *span);
	/* When it is set, there are no outputs: only records that start or end a span are fed. */
	void (*on_record)(void *context, const struct dump_record *record);
	void *context;
	/* At the end of the records: whether there may be others, after a dump_refresh(). May be
	 * NULL. */
	bool (*more)(void *context);
	uint64_t since_ns; /* spans that ended before are not handed to on_span() */
	uint64_t
		until_ns; /* not 0: records end here, but spans that are open do not, for outputs */
	bool ending;      /* spans that are closed now were still open at the end of the dump */
	const struct dump_origin *origin; /* of what is handed to outputs and on_span() */
	bool by_file;                     /* batches are of one file each: */
	uint32_t file;                    /* its index */
	uint64_t bad_records;
	const volatile sig_atomic_t *stop; /* not 0: no further; may be NULL */
};

/* 0; -ENOMEM; -EINTR: it was stopped, and open spans were not handed out. */
int feed_run(struct feed *feed, struct dump_reader *reader);

/* --- presentation: show.c ------------------------------------------------------------------ */

#define SHORT_TEXT 32u

/* Columns of the terminal on stdout, else $COLUMNS, else 100. */
size_t terminal_width(void);
bool terminal_color(void);
/* The locale's characters are UTF-8. */
bool terminal_utf8(void);

/* "1.234 ms": four significant digits. */
const char *show_duration(char *to, uint64_t ns);
/* "1.5 MiB". */
const char *show_bytes(char *to, uint64_t bytes);
/* UTC, "2026-01-31 23:59:59.123456789"; of SHOW_TIME bytes. */
#define SHOW_TIME 48u
const char *show_time(char *to, uint64_t ns);
/* A value in at most size - 1 bytes, with control bytes escaped, so that none reaches a terminal.
 */
const char *show_item(char *to, size_t size, const struct rill_item *item);
/* A name or a path, likewise: those of a dump are not to be trusted either. */
const char *show_label(char *to, size_t size, const char *text);
/* The same, however long, in memory that is good for the next 15 calls: `text` itself where nothing
 * in it has to be escaped. */
const char *shown(const char *text);
/* Columns that UTF-8 text takes. */
size_t shown_width(const char *text);
/* A text wrapped at `width` columns, each line after `indent`. */
void show_wrapped(FILE *out, const char *text, size_t indent, size_t width);

extern const char *const level_names[];
/* "string|u64". */
const char *show_types(char *to, size_t size, unsigned types);

#endif
