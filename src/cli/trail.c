/* rill trail: the command. What it does stands in trail/trail.h. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"

static const char usage[] =
	"usage: rill trail [OPTION...] KEY VALUE PATH...\n"
	"\n"
	"Prints everything about one thing: the records that have VALUE under KEY, those that "
	"have\n"
	"what these have under other keys that link records, and so on, with the spans that they\n"
	"are in, across processes and hosts. PATH is a dump (*.rill) or a directory of them.\n"
	"\n"
	"KEY is one that the catalog marks as a link, or the key of a span. A value that holds in\n"
	"one process only may stand for something else in another: each is a trail of its own.\n"
	"\n"
	"  -p, --process=PID|NAME   VALUE is one of this process\n"
	"  -l, --level=LEVEL        only trace, debug, info, warn or error and what is above it\n"
	"  -f, --format=story|text|json\n"
	"                           by process and span (default), or in order of time as rill "
	"cat\n"
	"                           prints them\n"
	"  -h, --help               print this\n"
	"\n"
	"Exit codes: 0 found; 1 nothing found, a dump is damaged (what can be read is printed), "
	"or\n"
	"output failed; 2 wrong usage.\n";

#define MAX_SEEDS  256u
#define MAX_TRAILS 16u

/* A thing that has the value. */
struct seed {
	struct value value;
	uint32_t key;
	uint32_t process; /* or EVERYWHERE */
	uint8_t type;
	bool done; /* in a trail that was printed */
};

struct search {
	struct trail trail;
	const char *process; /* --process, or NULL */
	const char *format;
	const char *level;
	uint32_t key;
	struct value values[2]; /* what was asked for, as a record may have it */
	size_t nvalues;
	struct seed seeds[MAX_SEEDS];
	size_t nseeds;
	bool more_seeds;
};

static void add_seed(struct search *search, const struct pass *pass, const struct fact *fact)
{
	struct seed seed = {.value = fact->value,
			    .key = fact->link.name,
			    .process =
				    fact->link.kind == LINK_EVERYWHERE ? EVERYWHERE : pass->process,
			    .type = fact->type};
	for (size_t i = 0; i < search->nseeds; i++)
		if (search->seeds[i].process == seed.process && search->seeds[i].key == seed.key &&
		    values_equal(&search->seeds[i].value, &seed.value))
			return;
	if (search->nseeds == MAX_SEEDS) {
		search->more_seeds = true;
		return;
	}
	if (seed.value.bytes) {
		unsigned char *copy = malloc(seed.value.size);
		if (!copy) {
			search->trail.error = EXIT_TROUBLE;
			return;
		}
		seed.value.bytes = memcpy(copy, seed.value.bytes, seed.value.size);
	}
	search->seeds[search->nseeds++] = seed;
}

/* Of a value of another process's, what stands beside it is what is looked for. */
static void look(struct pass *pass, const struct rill_record *record, const struct fact *facts,
		 size_t nfacts)
{
	struct search *search = pass->context;
	(void)record;
	for (size_t i = 0; i < nfacts; i++) {
		bool equal = false;
		for (size_t k = 0; k < search->nvalues; k++)
			equal |= values_equal(&facts[i].value, &search->values[k]);
		if (facts[i].link.name != search->key || !equal)
			continue;
		const struct fact *named = &facts[i];
		for (size_t k = 0; k < nfacts && named->link.kind == LINK_PEER; k++)
			if (facts[k].link.kind != LINK_PEER)
				named = &facts[k];
		if (named->link.kind != LINK_PEER)
			add_seed(search, pass, named);
	}
}

static int find_seeds(struct search *search)
{
	struct dump_id ids[2];
	for (size_t i = 0; i < search->nvalues; i++)
		ids[i] = (struct dump_id){.key = search->trail.key_name,
					  .bytes = search->values[i].bytes,
					  .size = search->values[i].size,
					  .word = search->values[i].word};
	struct dump_want want = {.ids = ids, .nids = search->nvalues};
	struct pass pass = {.trail = &search->trail, .record = look, .context = search};
	int code = pass_run(&pass, &want);
	/* What begins with a seed tells of damage itself. */
	if (pass.reader && !search->nseeds)
		report_damage(pass.reader);
	if (pass.reader)
		dump_reader_close(pass.reader);
	return code;
}

static bool is_process(const struct search *search, const struct seed *seed)
{
	if (!search->process || seed->process == EVERYWHERE)
		return true;
	const struct process *process = &search->trail.processes[seed->process];
	long long pid = parse_number(search->process);
	return pid >= 0 ? process->pid == pid : strcmp(process->program, search->process) == 0;
}

static void mark_done(struct search *search)
{
	const struct trail *trail = &search->trail;
	for (size_t i = 0; i < search->nseeds; i++) {
		struct seed *seed = &search->seeds[i];
		uint32_t id = ids_find(&trail->ids, seed->key, seed->process, &seed->value);
		if (id != NO_ID && trail->ids.ids[id].flags & ID_IN_TRAIL)
			seed->done = true;
	}
}

static int follow(struct search *search, const struct seed *seed)
{
	struct trail *trail = &search->trail;
	unsigned level = 0;
	ids_clear(&trail->ids);
	peers_clear(trail);
	trail->nspans = 0;
	trail->spans_full = false;
	uint32_t id = ids_get(&trail->ids, seed->key, seed->process, &seed->value, seed->type);
	if (id == NO_ID)
		return trouble("no memory for the trail");
	trail->ids.ids[id].flags |= ID_IN_TRAIL;
	if (trail->names.referred[seed->key] && seed->process != EVERYWHERE)
		peers_ask(trail, seed->key, &seed->value, seed->type);
	int code = closure(trail);
	if (code)
		return code;
	mark_done(search);
	while (strcmp(level_names[level], search->level) != 0)
		level++;
	if (strcmp(search->format, "story") == 0)
		code = story_print(trail, id, level);
	else
		code = lines_print(trail, id, search->format, search->level);
	if (trail->ids.full || trail->spans_full)
		code = trouble("the trail leads to more than %u values or %u spans: what lies "
			       "beyond them is missing",
			       MAX_IDS, MAX_SPANS);
	return code;
}

static int follow_all(struct search *search, const char *value)
{
	size_t trails = 0, left = 0;
	int code = EXIT_OK;
	for (size_t i = 0; i < search->nseeds; i++) {
		const struct seed *seed = &search->seeds[i];
		if (seed->done || !is_process(search, seed))
			continue;
		if (trails == MAX_TRAILS) {
			left++;
			continue;
		}
		if (trails++ && strcmp(search->format, "story") == 0)
			putchar('\n');
		if (follow(search, seed))
			code = EXIT_TROUBLE;
	}
	if (!trails)
		return trouble("no %s has %s %s",
			       search->process ? "record of such a process" : "record",
			       search->trail.key_name, value);
	if (left || search->more_seeds)
		return trouble("%zu%s more of %s %s: choose with --process", left,
			       search->more_seeds ? " or" : "", search->trail.key_name, value);
	return code;
}

/* A catalog that is missing may have had the key. */
static void tell_damage(const struct search *search)
{
	const struct trail *trail = &search->trail;
	struct dump_reader *reader = open_dumps(trail->paths, trail->npaths, NULL);
	if (!reader)
		return;
	report_damage(reader);
	dump_reader_close(reader);
}

/* Whether it is a link or the key of a span in one of the dumps. */
static int find_key(struct search *search)
{
	const struct names *names = &search->trail.names;
	search->key = names_find(names, search->trail.key_name);
	if (search->key != NO_ID)
		return EXIT_OK;
	tell_damage(search);
	char text[512] = "";
	size_t used = 0;
	for (uint32_t i = 0; i < names->count && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "",
					 names->names[i]);
	return trouble("\"%s\" links nothing in these dumps; what does: %s, and the keys of spans",
		       search->trail.key_name, used ? text : "nothing");
}

static void set_value(struct search *search, const char *text)
{
	char *end;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	errno = 0;
	uint64_t word = *text == '-' ? (uint64_t)strtoll(text, &end, 10)
				     : strtoull(text, &end, hex ? 16 : 10);
	if (end != text && !*end && !errno)
		search->values[search->nvalues++] = (struct value){.word = word};
	search->values[search->nvalues++] = (struct value){.bytes = (const unsigned char *)text,
							   .size = (uint32_t)strlen(text)};
}

static int run(struct search *search, const char *value)
{
	struct trail *trail = &search->trail;
	trail->spans = calloc(MAX_SPANS, sizeof *trail->spans);
	if (!trail->spans || ids_init(&trail->ids))
		return trouble("no memory for the trail");
	set_value(search, value);
	int code = pass_names(trail);
	if (!code)
		code = find_key(search);
	if (!code)
		code = find_seeds(search);
	return code ? code : follow_all(search, value);
}

static void free_search(struct search *search)
{
	struct trail *trail = &search->trail;
	for (size_t i = 0; i < search->nseeds; i++)
		free((void *)(uintptr_t)search->seeds[i].value.bytes);
	for (uint32_t i = 0; i < trail->names.count; i++)
		free(trail->names.names[i]);
	peers_clear(trail);
	free(trail->asks);
	free(trail->names.names);
	free(trail->names.referred);
	free(trail->processes);
	free(trail->spans);
	ids_free(&trail->ids);
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static const struct option options[] = {
	{"process", required_argument, NULL, 'p'},
	{"level", required_argument, NULL, 'l'},
	{"format", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int trail_main(int argc, char **argv)
{
	static const char *const formats[] = {"story", "text", "json"};
	static struct search search;
	int option;
	search.format = "story";
	search.level = "trace";
	optind = 1;
	while ((option = getopt_long(argc, argv, "p:l:f:h", options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			search.process = optarg;
			break;
		case 'l':
			if (!is_one_of(optarg, level_names, 5))
				return usage_error("trail",
						   "level \"%s\" is not trace, debug, info, warn "
						   "or error",
						   optarg);
			search.level = optarg;
			break;
		case 'f':
			if (!is_one_of(optarg, formats, 3))
				return usage_error("trail",
						   "format \"%s\" is not story, text or json",
						   optarg);
			search.format = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			return option_error("trail");
		}
	}
	if (argc - optind < 3)
		return usage_error("trail",
				   argc - optind == 2 ? "in which dump?" : "which KEY and VALUE?");
	search.trail.key_name = argv[optind];
	search.trail.paths = argv + optind + 2;
	search.trail.npaths = (size_t)(argc - optind - 2);
	int code = run(&search, argv[optind + 1]);
	free_search(&search);
	return code;
}

const struct command trail_command = {
	.name = "trail",
	.run = trail_main,
	.brief = "print everything about one thing, across processes and hosts",
	.usage = usage,
	.options = options,
};
