/* Whatever a dump, a page or a path says: no output of any command forges a line or drives a
 * terminal. Each command is given a dump that means harm and its harmless twin. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/hostile.h"
#include "../support/run.h"

#define MOST_WORDS 12

static const char *const environment[] = {"LC_ALL=C.UTF-8", "COLUMNS=1000", NULL};

/* A command's words; D the dump, B the broken one, E an event's name, O a file or folder to write,
 * T the text itself. */
struct command {
	const char *words;
	const char *allowed; /* control bytes that belong to the format */
	bool differs;        /* from its twin's: the number of lines, or how it ends */
	const char
		*written; /* below O, or "" for itself: files that are text too; comma-separated */
};

static const struct command commands[] = {
	{.words = "cat D"},
	{.words = "cat -m D"},
	{.words = "cat --local D"},
	{.words = "cat -f json D"},
	{.words = "cat --color=always D", .allowed = "\x1b"},
	{.words = "cat --color=always -m D", .allowed = "\x1b"},
	{.words = "cat B"},
	{.words = "cat -e T D"},
	{.words = "cat -l T D"},
	{.words = "cat -w T D"},
	{.words = "cat -k note=T D"},
	{.words = "cat -s T D"},
	{.words = "cat --since T D"},
	{.words = "cat T"},
	{.words = "cat --color=T D"},
	{.words = "T D"},
	{.words = "grep note~'a.note' D"},
	{.words = "grep -o note note~'a.note' D"},
	{.words = "grep -c note~'a.note' D B"},
	{.words = "grep -l note~'a.note' D B"},
	{.words = "grep -f json --around=span -C 2 note~'a.note' D"},
	{.words = "grep T D"},
	{.words = "grep note~T D", .differs = true},
	{.words = "grep nothing==1 D"},
	{.words = "grep nota=='x' D"},
	{.words = "grep note==1 D"},
	{.words = "grep -o T note~'a' D"},
	{.words = "tail D"},
	{.words = "tail -n 100 --format=json D"},
	{.words = "tail -n T D"},
	{.words = "spans D"},
	{.words = "spans -t D"},
	{.words = "spans -W D"},
	{.words = "spans --ascii -o D"},
	{.words = "spans -n T D"},
	{.words = "stats D"},
	{.words = "stats -p D B"},
	{.words = "stats -H -a D"},
	{.words = "stats -H -e E D", .differs = true},
	{.words = "stats -j D"},
	{.words = "stats -j -p D"},
	{.words = "diff D B"},
	{.words = "diff -t 0 -j D B"},
	{.words = "diff -t 0 D B"},
	{.words = "info D"},
	{.words = "info B"},
	{.words = "verify D"},
	{.words = "verify D B"},
	{.words = "trail jobId J D"},
	{.words = "trail -f text jobId J D"},
	{.words = "trail -f json jobId J D"},
	{.words = "trail jobId T D"},
	{.words = "trail T 1 D"},
	{.words = "trail -p T jobId J D"},
	{.words = "catalog -d D"},
	{.words = "catalog -d D search work"},
	{.words = "catalog -d D search T"},
	{.words = "catalog -d D explain E"},
	{.words = "catalog -d D explain con"},
	{.words = "catalog -d B list"},
	{.words = "catalog T"},
	{.words = "export --to=chrome -o O D", .written = ""},
	{.words = "export --to=otlp-json -o O D", .written = "logs.jsonl,traces.jsonl"},
	{.words = "export --to=jsonl -o O D", .written = "events.jsonl,spans.jsonl"},
	{.words = "export --to=csv -o O D",
	 .written = "events.csv,spans.csv",
	 .differs = true,
	 .allowed = "\r\t"},
	{.words = "export --to=ctf -o O D", .allowed = "\t"},
	{.words = "export --to=perfetto -o O D"},
	{.words = "export --to=T -o O D"},
	{.words = "export --to=jsonl -o O T"},
	/* < as well: values that begin an element, or end the script that they stand in */
	{.words = "report -o O D", .written = "", .allowed = "\t<"},
	{.words = "merge -o O D B"},
	{.words = "merge -o T/T D"},
	{.words = "cut -o O -e E D", .differs = true},
	{.words = "__complete catalog -d D explain ''", .allowed = "\t", .differs = true},
	{.words = "__complete cat D -e ''", .allowed = "\t", .differs = true},
	{.words = "__complete grep -o '' D", .allowed = "\t"},
	{.words = "completion T"},
};

/* The dump of one of the twins, and what is left when its command has run. */
struct side {
	struct hostile dump;
	const char *text;
	char *job;
	char *out;
	struct run_result r;
};

static char *word_of(const struct side *side, const char *word, size_t size)
{
	if (size == 1 && strchr("DBEOTJ", *word))
		return *word == 'D'   ? side->dump.dump
		       : *word == 'B' ? side->dump.broken
		       : *word == 'E' ? side->dump.event
		       : *word == 'O' ? side->out
		       : *word == 'J' ? side->job
				      : format("%s", side->text);
	char *made = format("%.*s", (int)size, word);
	/* A part of a word. */
	char *at = strchr(made, 'T');
	if (at)
		made = format("%.*s%s%s", (int)(at - made), made, side->text, at + 1);
	/* '' is the empty word, and 'x' a string of a predicate's. */
	return strcmp(made, "''") == 0 ? format("%s", "") : made;
}

static void run(struct side *side, const struct command *command)
{
	const char *argv[MOST_WORDS + 2] = {built("rill")};
	const struct run_options options = {.env = environment, .directory = side->dump.folder};
	size_t n = 1;
	for (const char *at = command->words; *at; at += strspn(at, " ")) {
		size_t size = strcspn(at, " ");
		cr_assert(n <= MOST_WORDS);
		argv[n++] = word_of(side, at, size);
		at += size;
	}
	side->r = run_command(argv, &options);
}

static void check_text(const char *words, const char *what, const char *text, size_t size,
		       const char *allowed)
{
	long at = unclean_at(text, size, allowed ? allowed : "", strstr(words, "csv"));
	long from = at > 40 ? at - 40 : 0;
	cr_expect_eq(at, -1, "rill %s: %s has byte %02x at %ld: ...%.60s", words, what,
		     at < 0 ? 0u : (unsigned char)text[at], at, text + from);
}

/* The same number of lines, and of the bytes that the format itself has. */
static void check_twins(const char *words, const char *what, const char *a, size_t a_size,
			const char *b, size_t b_size, const char *allowed)
{
	cr_expect_eq(count_bytes(a, a_size, '\n'), count_bytes(b, b_size, '\n'),
		     "rill %s: %s has %zu lines, its twin's %zu:\n%.3000s\n---\n%.3000s", words,
		     what, count_bytes(a, a_size, '\n'), count_bytes(b, b_size, '\n'), a, b);
	for (; allowed && *allowed; allowed++)
		cr_expect_eq(count_bytes(a, a_size, *allowed), count_bytes(b, b_size, *allowed),
			     "rill %s: %s has %zu of byte %02x, its twin's %zu", words, what,
			     count_bytes(a, a_size, *allowed), (unsigned char)*allowed,
			     count_bytes(b, b_size, *allowed));
}

static void check_written(const struct command *command, const struct side *sides)
{
	char *list = format("%s", command->written), *next = list;
	for (char *name; (name = strsep(&next, ","));) {
		size_t sizes[2];
		char *text[2];
		for (int i = 0; i < 2; i++)
			text[i] = file_load(format("%s%s%s", sides[i].out, *name ? "/" : "", name),
					    &sizes[i]);
		cr_expect_gt(sizes[0], 100, "rill %s: %s is %zu bytes", command->words, name,
			     sizes[0]);
		check_text(command->words, name, text[0], sizes[0], command->allowed);
		if (!command->differs)
			check_twins(command->words, name, text[0], sizes[0], text[1], sizes[1],
				    command->allowed);
	}
}

static void check_same(const struct command *command, const struct run_result *r,
		       const struct run_result *twin)
{
	cr_expect_eq(r->code, twin->code, "rill %s: code %d, its twin's %d: %.300s\n---\n%.300s",
		     command->words, r->code, twin->code, r->err, twin->err);
	check_twins(command->words, "stdout", r->out, r->out_bytes, twin->out, twin->out_bytes,
		    command->allowed);
	check_twins(command->words, "stderr", r->err, r->err_bytes, twin->err, twin->err_bytes, "");
}

static void check(const struct command *command, struct side *sides)
{
	for (int i = 0; i < 2; i++)
		run(&sides[i], command);
	struct run_result *r = &sides[0].r, *twin = &sides[1].r;
	cr_expect(!r->signal && !r->timed_out, "rill %s: signal %d", command->words, r->signal);
	check_text(command->words, "stdout", r->out, r->out_bytes, command->allowed);
	check_text(command->words, "stderr", r->err, r->err_bytes, "");
	if (!command->differs)
		check_same(command, r, twin);
	cr_expect_gt(r->out_bytes + r->err_bytes + (command->written != NULL) +
			     (strchr(command->words, 'O') != NULL) + command->differs,
		     0, "rill %s says nothing", command->words);
	if (command->written)
		check_written(command, sides);
	for (int i = 0; i < 2; i++) {
		if (file_exists(sides[i].out))
			folder_remove(sides[i].out);
		run_free(&sides[i].r);
	}
}

static struct side side_make(bool hostile)
{
	struct side side = {.dump = hostile_make(hostile),
			    .text = hostile ? hostile_text : harmless_text()};
	side.job = format("job%s", side.text);
	side.out = format("%s/out", side.dump.folder);
	return side;
}

Test(output, of_every_command, .timeout = 120)
{
	struct side sides[] = {side_make(true), side_make(false)};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		check(&commands[i], sides);
	for (int i = 0; i < 2; i++)
		folder_remove(sides[i].dump.folder);
}

/* Outputs of a program's kind: what they hold differs from the twin's in its texts alone. */
static const struct {
	const char *words;
	const char *name; /* of what is compared; below O, or standard output */
} shaped[] = {
	{"cat -f json D", "cat.jsonl"},
	{"grep -f json note~'a.note' D", "grep.jsonl"},
	{"stats -j -p -a D", "stats.jsonl"},
	{"diff -t 0 -j D B", "diff.jsonl"},
	{"trail -f json jobId J D", "trail.jsonl"},
	{"export --to=chrome --output O D", "out"},
	{"export --to=otlp-json -o O D", "out/logs.jsonl"},
	{"export --to=otlp-json -o O D", "out/traces.jsonl"},
	{"export --to=jsonl -o O D", "out/events.jsonl"},
	{"export --to=jsonl -o O D", "out/spans.jsonl"},
	{"export --to=csv -o O D", "out/events.csv"},
	{"export --to=csv -o O D", "out/spans.csv"},
};

Test(output, fields, .timeout = 120)
{
	struct side sides[] = {side_make(true), side_make(false)};
	for (size_t i = 0; i < sizeof shaped / sizeof *shaped; i++) {
		const struct command command = {.words = shaped[i].words};
		bool written = strncmp(shaped[i].name, "out", 3) == 0;
		char *names[2];
		for (int s = 0; s < 2; s++) {
			run(&sides[s], &command);
			names[s] = format("%s/%s", sides[s].dump.folder, shaped[i].name);
			if (!written)
				file_store(names[s], sides[s].r.out, sides[s].r.out_bytes);
			if (strcmp(shaped[i].name, "out") == 0) {
				char *name = format("%s.json", names[s]);
				cr_assert_eq(rename(names[s], name), 0);
				names[s] = name;
			}
		}
		struct run_result r = RUN(NULL, "python3", "-B", source("tests/security/shapes.py"),
					  names[0], names[1]);
		cr_expect(r.code == 0 && atoi(r.out) > 0, "rill %s: %s: %.2000s", command.words,
			  shaped[i].name, r.err);
		for (int s = 0; s < 2; s++)
			if (file_exists(sides[s].out))
				folder_remove(sides[s].out);
	}
	for (int i = 0; i < 2; i++)
		folder_remove(sides[i].dump.folder);
}

/* Names that are no identifiers are made such ones: the reader of the format takes what is written,
 * and as many events as of the twin. */
Test(output, ctf_is_read, .timeout = 60)
{
	struct side sides[] = {side_make(true), side_make(false)};
	const struct command command = {.words = "export --to=ctf -o O D"};
	size_t events[2];
	for (int i = 0; i < 2; i++) {
		run(&sides[i], &command);
		struct run_result r =
			RUN(NULL, "babeltrace2", sides[i].out, "--component=sink.utils.counter");
		cr_expect_eq(r.code, 0, "%.2000s", r.err);
		const char *count = strstr(r.out, " Event message");
		while (count && count > r.out && count[-1] >= '0' && count[-1] <= '9')
			count--;
		events[i] = count ? strtoul(count, NULL, 10) : 0;
		folder_remove(sides[i].dump.folder);
	}
	cr_expect(events[0] > 50 && events[0] == events[1], "%zu events, of the twin %zu",
		  events[0], events[1]);
}
