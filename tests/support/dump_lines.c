#include "support/dump_lines.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/blocks.h"
#include "dump/dump.h"
#include "support/files.h"
#include "support/run.h"

#define MAX_MEMBERS 64

static void show_items(FILE *out, struct rill_item *items, int count,
		       const struct rill_catalogs *catalogs);

static void show_nested(FILE *out, const struct rill_item *item,
			const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item items[MAX_MEMBERS];
	int count = 0;
	uint32_t event = 0;
	if (item->size == 0) { /* cut to nothing */
		fputs("0()", out);
		return;
	}
	cr_assert_eq(rill_nested_open(&nested, item, catalogs), 0);
	while (rill_nested_next(&nested, &items[count]) == 1)
		cr_assert_lt(++count, MAX_MEMBERS);
	if (nested.event)
		event = (uint32_t)(nested.event - nested.catalog->events);
	for (uint32_t i = 0; nested.event && i < catalogs->count; i++)
		if (catalogs->catalog[i] == nested.catalog) {
			event |= i << 24;
			break;
		}
	fprintf(out, "%" PRIu32 "(", event);
	show_items(out, items, count, catalogs);
	fputc(')', out);
}

static void show_items(FILE *out, struct rill_item *items, int count,
		       const struct rill_catalogs *catalogs)
{
	static const char *const names[] = {"none",  "bool",     "u64",       "i64",
					    "f64",   "duration", "timestamp", "string",
					    "bytes", "ip",       "list",      "event"};
	for (int i = 0; i < count; i++) {
		const struct rill_item *item = &items[i];
		fprintf(out, "%s%d:%s=", i ? " " : "", item->key, names[item->type]);
		if (item->type == RILL_TYPE_LIST || item->type == RILL_TYPE_EVENT)
			show_nested(out, item, catalogs);
		else if (item->type == RILL_TYPE_I64 || item->type == RILL_TYPE_DURATION)
			fprintf(out, "%" PRId64, item->i64);
		else if (item->type == RILL_TYPE_NONE)
			fputc('0', out);
		else if (item->type == RILL_TYPE_BOOL)
			fprintf(out, "%d", item->boolean);
		else if (!item->bytes && item->type < RILL_TYPE_STRING)
			fprintf(out, "%" PRIu64, item->u64);
		for (size_t b = 0;
		     item->type >= RILL_TYPE_STRING && item->type <= RILL_TYPE_IP && b < item->size;
		     b++)
			fprintf(out, "%02x", item->bytes[b]);
		if (item->cut)
			fputc('~', out);
	}
}

static void show_catalog(FILE *out, size_t index, const struct rill_catalog *catalog)
{
	fprintf(out, "catalog|%zu|%016" PRIx64 "|%s", index, catalog->hash, catalog->name);
	for (size_t i = 0; i < catalog->nsubsystems; i++)
		fprintf(out, "|%s", catalog->subsystems[i]);
	for (size_t i = 0; i < catalog->nevents; i++) {
		const struct rill_catalog_event *event = &catalog->events[i];
		fprintf(out, "|%s|%s|%s|%d|%d|%d", event->name, event->brief, event->text,
			event->subsystem, event->level, event->flags);
		for (size_t k = 0; k < event->nkeys; k++)
			fprintf(out, "|k%d", event->keys[k]);
	}
	for (size_t i = 0; i < catalog->nkeys; i++)
		fprintf(out, "|%s|%s|%d|%d|%d", catalog->keys[i].name, catalog->keys[i].text,
			catalog->keys[i].types, catalog->keys[i].flags, catalog->keys[i].refers);
	for (size_t i = 0; i < catalog->nspans; i++)
		fprintf(out, "|%s|%d|%d|%d", catalog->spans[i].name, catalog->spans[i].start,
			catalog->spans[i].end, catalog->spans[i].key);
	fputc('\n', out);
}

static void show_file(FILE *out, const struct dump_file *file)
{
	const struct dump_process *p = &file->process;
	if (*p->program)
		fprintf(out,
			"process %" PRIu32 " %" PRIx64 " %" PRIx64 " %" PRIu64 " %s\n"
			"part %" PRIu32 " %" PRIx64 " %" PRIx64 " %" PRIx64 "|%s|%s|%s\n",
			p->pid, p->id[0], p->id[1], p->start_ns, p->program, p->part, p->series,
			p->boot[0], p->boot[1], p->host, p->clock, p->writer);
	for (size_t i = 0; i < file->catalogs.count; i++)
		if (file->catalogs.catalog[i])
			show_catalog(out, i, file->catalogs.catalog[i]);
	for (size_t i = 0; i < file->npoints; i++)
		fprintf(out, "clock %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n",
			file->points[i].ticks, file->points[i].ns, file->points[i].rate,
			file->points[i].error_us, file->points[i].flags);
	for (size_t i = 0; i < file->ncounts; i++) {
		const struct dump_count *c = &file->counts[i];
		fprintf(out,
			"count %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			c->catalog, c->event, c->written, c->filtered, c->discarded, c->overwritten,
			c->failed);
	}
	fprintf(out, "cut %" PRIu64 "\n", file->values_cut);
	for (size_t i = 0; i < file->nepochs; i++)
		fprintf(out, "epoch %" PRIu64 " %" PRIu64 " %s\n", file->epochs[i].published_ticks,
			file->epochs[i].confirmed_ticks, file->epochs[i].expression);
}

static void show_losses(FILE *out, const struct dump_file *file)
{
	for (size_t i = 0; i < file->nlosses; i++) {
		const struct dump_loss *loss = &file->losses[i];
		fprintf(out,
			"lost %" PRIu64 " %" PRIu64 " %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			loss->from_ns, loss->to_ns, loss->catalog, loss->event, loss->discarded,
			loss->overwritten, loss->failed);
	}
}

/* What is no block is a matter of `damaged`. */
static void show_blocks(FILE *out, const char *path)
{
	struct blocks blocks;
	enum blocks_step step;
	cr_assert_eq(blocks_open(&blocks, path), 0);
	while ((step = blocks_next(&blocks)) != BLOCKS_END) {
		const struct block *block = &blocks.block;
		const unsigned char *bytes;
		size_t size;
		cr_assert_neq(step, BLOCKS_ERROR);
		if (step == BLOCKS_NOISE || blocks.size - blocks.from < BLOCK_HEADER_SIZE)
			continue;
		const char *state = "cut";
		if (step == BLOCKS_BLOCK)
			state = blocks_body(&blocks, &bytes, &size) == BODY_WHOLE ? "whole"
										  : "broken";
		fprintf(out,
			"block %" PRIu64 " %d %d %" PRIu32 " %s %" PRIu64 " %" PRIu32 " %" PRIu64
			" %" PRIu64 "\n",
			block->position, block->type, block->process, block->sequence, state,
			block->size, block->raw_size, block->first, block->last);
	}
	blocks_close(&blocks);
}

char *dump_lines(const char *path)
{
	char *text = NULL, error[256];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct dump_reader *reader;
	struct dump_record record;
	cr_assert_eq(dump_open(&reader, path, error, sizeof error), 0, "%s", error);
	for (size_t i = 0; i < dump_file_count(reader); i++)
		show_file(out, dump_file(reader, i));
	fprintf(out, "finished %d\n", dump_file(reader, 0)->finished);
	show_blocks(out, path);
	for (size_t i = 0; i < dump_file_count(reader); i++)
		show_losses(out, dump_file(reader, i));
	while (dump_next(reader, &record) == 1) {
		struct rill_item items[RILL_MAX_ITEMS];
		const struct dump_file *file = dump_file(reader, record.file);
		if (record.context) /* of an OPEN */
			continue;
		if (record.file)
			fprintf(out, "p%" PRIu32 " ", record.file);
		fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %d %d ", record.ns, record.ring,
			record.tid, record.raw.catalog, record.raw.event);
		int count = raw_record_items(&record.raw, items);
		if (count < 0)
			fputs("bad", out);
		else
			show_items(out, items, count, &file->catalogs);
		fputc('\n', out);
	}
	bool damaged = false;
	for (size_t i = 0; i < dump_file_count(reader); i++)
		damaged |= dump_file(reader, i)->damage != NULL;
	fprintf(out, "damaged %d\n", damaged);
	dump_reader_close(reader);
	fclose(out);
	return text;
}

/* --- the second reader -------------------------------------------------------------------------
 */

char *second_lines(const char *path)
{
	const struct run_options options = {.timeout_ms = 300000};
	struct run_result second =
		RUN(&options, "python3", "-B", source("tests/dump/second_checks.py"), path);
	cr_assert_eq(second.code, 0, "%s: %s", path, second.err);
	free(second.err);
	return second.out;
}

static bool begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* Only the second reader looks into these. */
static bool alone(const char *line)
{
	static const char *const words[] = {"chunk ", "filter ", "entry ", "open ",
					    "gap ",   "end ",    "spans ", "overlap "};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (begins(line, words[i]))
			return true;
	return false;
}

char *second_common(const char *lines)
{
	size_t size;
	char *text = NULL, *lost = NULL;
	FILE *out = open_memstream(&text, &size), *losses = open_memstream(&lost, &size);
	bool damaged = false, records = false;
	for (size_t length; *lines; lines += length + (lines[length] == '\n')) {
		length = strcspn(lines, "\n");
		bool record = (*lines >= '0' && *lines <= '9') ||
			      (*lines == 'p' && lines[1] >= '0' && lines[1] <= '9');
		if (record && !records) {
			fflush(losses);
			fputs(lost, out);
			records = true;
		}
		damaged |= begins(lines, "damage ") || begins(lines, "gap ") ||
			   begins(lines, "overlap ");
		if (begins(lines, "damage ") || begins(lines, "index ") || alone(lines))
			continue;
		fprintf(begins(lines, "lost ") ? losses : out, "%.*s\n", (int)length, lines);
	}
	fflush(losses);
	fprintf(out, "%sdamaged %d\n", records ? "" : lost, damaged);
	fclose(losses);
	fclose(out);
	free(lost);
	return text;
}

char *readers_agree(const char *path)
{
	char *second = second_lines(path), *first = dump_lines(path);
	char *common = second_common(second), *a = first, *b = common;
	while (*a && strcspn(a, "\n") == strcspn(b, "\n") && !strncmp(a, b, strcspn(a, "\n"))) {
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
	}
	if (*a || *b)
		cr_assert_fail("%s\nfirst:  %.*s\nsecond: %.*s", path, (int)strcspn(a, "\n"), a,
			       (int)strcspn(b, "\n"), b);
	free(first);
	free(common);
	return second;
}
