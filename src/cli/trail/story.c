/* The trail as people read it: a section for each span, in the order in which they begin. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trail/trail.h"
#include "sink/text_value.h"

#define MAX_TEXT     ((size_t)64 << 20)
#define HEADING_TEXT 224u

struct line {
	uint64_t ns;
	size_t at; /* in the section's text */
	size_t size;
	uint8_t level;
};

struct section {
	uint64_t span; /* 0: in no span */
	uint32_t process;
	uint32_t state;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t nevents; /* in the span, shown or not */
	char heading[HEADING_TEXT];
	struct line *lines;
	size_t nlines;
	size_t capacity;
	struct buffer text;
};

struct story {
	struct trail *trail;
	unsigned level;
	struct section *sections;
	size_t nsections;
	struct section *last;
	size_t bytes; /* of all texts and lines */
	uint64_t dropped;
	uint64_t records;
	uint64_t first_ns;
	uint64_t last_ns;
	bool no_memory;
	bool color;
};

const char *show_process(char *to, size_t size, const struct trail *trail, uint32_t process)
{
	const struct process *at = &trail->processes[process];
	char program[64];
	snprintf(to, size, "%s %u", show_label(program, sizeof program, at->program), at->pid);
	return to;
}

const char *show_id(char *to, size_t size, const struct trail *trail, uint32_t index)
{
	const struct id *id = &trail->ids.ids[index];
	struct rill_item item = {.type = id->type,
				 .u64 = id->value.word,
				 .bytes = id->value.bytes,
				 .size = id->value.size};
	unsigned char address[4];
	char name[64], text[256];
	if (id->type == RILL_TYPE_IP && !id->value.bytes) {
		memcpy(address, &id->value.word, sizeof address);
		item.bytes = address;
		item.size = sizeof address;
	}
	snprintf(to, size, "%s=%s", show_label(name, sizeof name, trail->names.names[id->key]),
		 show_item(text, sizeof text, &item));
	return to;
}

static struct section *find_section(struct story *story, uint32_t process, uint64_t span)
{
	if (story->last && story->last->span == span && story->last->process == process)
		return story->last;
	for (size_t i = 0; i < story->nsections; i++)
		if (story->sections[i].span == span && story->sections[i].process == process)
			return story->last = &story->sections[i];
	return NULL;
}

/* "smtp.connection spanId=7". */
static void describe(struct section *section, const struct rill_span *span)
{
	char name[64], key[64] = "", value[64] = "";
	const struct rill_item *items = span->nstart_items ? span->start_items : span->end_items;
	uint32_t nitems = span->nstart_items ? span->nstart_items : span->nend_items;
	for (uint32_t i = 0; i < nitems; i++) {
		if (items[i].key != span->span->key)
			continue;
		show_label(key, sizeof key, span->catalog->keys[span->span->key].name);
		show_item(value, sizeof value, &items[i]);
		break;
	}
	snprintf(section->heading, sizeof section->heading, "%s%s%s%s%s",
		 show_label(name, sizeof name, span->span->name), *key ? "  " : "", key,
		 *key ? "=" : "", value);
}

static struct section *get_section(struct story *story, uint32_t process,
				   const struct rill_span *span)
{
	struct section *found = find_section(story, process, span ? span->id : 0);
	if (found)
		return found;
	struct section *more = reallocarray(story->sections, story->nsections + 1, sizeof *more);
	if (!more)
		return NULL;
	story->sections = more;
	found = &more[story->nsections++];
	*found = (struct section){.span = span ? span->id : 0, .process = process};
	if (span) {
		found->start_ns = span->start_ns;
		found->state = RILL_SPAN_OPEN;
		describe(found, span);
	}
	return story->last = found;
}

static bool more_lines(struct section *section)
{
	if (section->nlines < section->capacity)
		return true;
	size_t capacity = section->capacity ? 2 * section->capacity : 16;
	struct line *more = reallocarray(section->lines, capacity, sizeof *more);
	if (!more)
		return false;
	section->lines = more;
	section->capacity = capacity;
	return true;
}

static void put_record(struct story *story, struct section *section,
		       const struct rill_record *record, const struct rill_catalogs *catalogs)
{
	struct text_style style = {.catalogs = catalogs};
	struct buffer *text = &section->text;
	size_t from = text->size;
	text_name(text, record->event->name, ": ");
	if (text->size - from < 30)
		buffer_fill(text, ' ', 30 - (text->size - from));
	for (size_t i = 0; i < record->nitems; i++) {
		/* That one stands in the heading. */
		if (record->span && record->items[i].key == record->span->span->key)
			continue;
		buffer_text(text, " ");
		text_key(text, record->catalog, record->items[i].key);
		buffer_char(text, '=');
		text_value(text, &record->items[i], &style);
	}
	section->lines[section->nlines++] = (struct line){.ns = record->time_ns,
							  .at = from,
							  .size = text->size - from,
							  .level = record->event->level};
	story->bytes += text->size - from + sizeof(struct line);
}

static void tell(struct pass *pass, const struct rill_record *record, const struct fact *facts,
		 size_t nfacts)
{
	struct story *story = pass->context;
	if (!trail_shows(pass, record, facts, nfacts))
		return;
	if (!story->records++)
		story->first_ns = record->time_ns;
	story->last_ns = record->time_ns;
	if (record->event->level < story->level)
		return;
	struct section *section = get_section(story, pass->process, record->span);
	if (!section || !more_lines(section)) {
		story->no_memory = true;
		return;
	}
	if (story->bytes >= MAX_TEXT) {
		story->dropped++;
		return;
	}
	put_record(story, section, record, &pass->origin->catalogs);
	story->no_memory |= section->text.broken;
}

static void end_span(struct pass *pass, const struct rill_span *span)
{
	struct story *story = pass->context;
	struct section *section = find_section(story, pass->process, span->id);
	if (!section)
		return;
	section->state = pass->feed.ending ? RILL_SPAN_OPEN : span->state;
	section->end_ns = span->end_ns;
	section->nevents = span->nevents;
}

/* --- printing ------------------------------------------------------------------------------ */

#define SHOWN_IDS 20u

static void print_ids_of(const struct trail *trail, uint32_t process, const char *whose)
{
	char text[400];
	unsigned count = 0;
	for (uint32_t i = 0; i < trail->ids.count; i++) {
		if (trail->ids.ids[i].process != process ||
		    !(trail->ids.ids[i].flags & ID_IN_TRAIL))
			continue;
		if (!count)
			printf("  %-20s", whose);
		if (count++ < SHOWN_IDS)
			printf(" %s", show_id(text, sizeof text, trail, i));
	}
	if (count > SHOWN_IDS)
		printf(" and %u more", count - SHOWN_IDS);
	if (count)
		putchar('\n');
}

/* What a key refers to and was not followed. */
static void print_asks(const struct trail *trail)
{
	char text[400];
	for (uint32_t i = 0; i < trail->nasks; i++) {
		const struct ask *ask = &trail->asks[i];
		const char *why = ask->state == ASK_NOBODY    ? "no process here has it"
				  : ask->state == ASK_SEVERAL ? "several processes have it; not "
								"followed"
							      : NULL;
		if (why)
			printf("  %-20s %s: %s\n", "another process's",
			       show_id(text, sizeof text, trail, ask->id), why);
	}
}

static void print_head(const struct story *story, uint32_t seed)
{
	const struct trail *trail = story->trail;
	char id[400], process[128] = "", duration[SHORT_TEXT], time[SHOW_TIME];
	size_t nspans = 0, nprocesses = 0;
	for (size_t i = 0; i < story->nsections; i++) {
		nspans += story->sections[i].span != 0;
		size_t k = 0;
		while (k < i && story->sections[k].process != story->sections[i].process)
			k++;
		nprocesses += k == i;
	}
	show_id(id, sizeof id, trail, seed);
	if (trail->ids.ids[seed].process < trail->nprocesses)
		show_process(process, sizeof process, trail, trail->ids.ids[seed].process);
	printf("%s%s%s%s%s: %" PRIu64 " record%s, %zu span%s, %zu process%s, %s\n",
	       story->color ? "\033[1m" : "", id, *process ? " of " : "", process,
	       story->color ? "\033[0m" : "", story->records, story->records == 1 ? "" : "s",
	       nspans, nspans == 1 ? "" : "s", nprocesses, nprocesses == 1 ? "" : "es",
	       show_duration(duration, story->last_ns - story->first_ns));
	print_ids_of(trail, EVERYWHERE, "everywhere");
	for (uint32_t i = 0; i < trail->nprocesses; i++)
		print_ids_of(trail, i, show_process(process, sizeof process, trail, i));
	print_asks(trail);
	printf("  %-20s %s UTC\n", "begins", show_time(time, story->first_ns));
}

static void print_section(const struct story *story, const struct section *section)
{
	static const char *const states[] = {"open", "", "abandoned", "headless"};
	const struct trail_span *span = trail_span(story->trail, section->span);
	char process[128], duration[SHORT_TEXT];
	printf("\n%s%s", story->color ? "\033[1m" : "",
	       show_process(process, sizeof process, story->trail, section->process));
	if (section->span)
		printf("  %s", section->heading);
	fputs(story->color ? "\033[0m" : "", stdout);
	if (section->span && section->end_ns)
		printf("  %s", show_duration(duration, section->end_ns - section->start_ns));
	if (section->span && *states[section->state])
		printf("  %s", states[section->state]);
	putchar('\n');
	for (size_t i = 0; i < section->nlines; i++) {
		const struct line *line = &section->lines[i];
		/* Records of one time may come in any order, and late ones too. */
		uint64_t offset = line->ns > story->first_ns ? line->ns - story->first_ns : 0;
		printf("  %+12.3f ms  %s%-5s%s ", (double)offset / 1e6,
		       !story->color               ? ""
		       : line->level == RILL_ERROR ? "\033[31m"
		       : line->level == RILL_WARN  ? "\033[33m"
						   : "",
		       level_names[line->level],
		       story->color && line->level >= RILL_WARN ? "\033[0m" : "");
		size_t size = line->size; /* names without values are padded too */
		while (size && section->text.data[line->at + size - 1] == ' ')
			size--;
		fwrite(section->text.data + line->at, 1, size, stdout);
		putchar('\n');
	}
	if (span && span->hidden)
		printf("  %15s  (%" PRIu64 " more in this span, which is shared with others)\n", "",
		       span->hidden);
}

static int by_time(const void *a, const void *b)
{
	const struct section *left = a, *right = b;
	uint64_t l = left->nlines ? left->lines[0].ns : 0;
	uint64_t r = right->nlines ? right->lines[0].ns : 0;
	return (l > r) - (l < r);
}

static void free_story(struct story *story)
{
	for (size_t i = 0; i < story->nsections; i++) {
		free(story->sections[i].lines);
		buffer_free(&story->sections[i].text);
	}
	free(story->sections);
}

int story_print(struct trail *trail, uint32_t seed, unsigned level)
{
	struct story story = {.trail = trail, .level = level, .color = terminal_color()};
	struct dump_want want = {0};
	struct dump_id *wants = closure_wants(trail, &want.nids);
	want.ids = wants;
	struct pass pass = {.trail = trail, .record = tell, .span = end_span, .context = &story};
	int code = wants ? pass_run(&pass, &want) : trouble("no memory for the trail");
	if (!code) {
		if (story.nsections)
			qsort(story.sections, story.nsections, sizeof *story.sections, by_time);
		print_head(&story, seed);
		for (size_t i = 0; i < story.nsections; i++)
			print_section(&story, &story.sections[i]);
		code = report_damage(pass.reader);
	}
	if (story.no_memory)
		code = trouble("no memory for all of the trail");
	if (story.dropped)
		code = trouble("%" PRIu64 " records more: the trail is too long for a story; "
			       "--format=text prints all of it",
			       story.dropped);
	if (pass.reader)
		dump_reader_close(pass.reader);
	free(wants);
	free_story(&story);
	return code;
}
