/* The figures of `rill stats` for people. */
#include <inttypes.h>
#include <string.h>

#include "cli/stats.h"

#define NAME_SIZE     160u
#define SHOWN_ORIGINS 8u

static const char *red(const struct stats *stats, bool bad)
{
	return bad && stats->color ? "\033[1;31m" : "";
}

static const char *plain(const struct stats *stats, bool bad)
{
	return bad && stats->color ? "\033[0m" : "";
}

/* --- who and when -------------------------------------------------------------------------- */

static void print_process(const struct dump_origin *origin, bool finished)
{
	char start[SHOW_TIME], program[NAME_SIZE];
	printf("  process    %s, pid %" PRIu32 ", started %s UTC%s\n",
	       *origin->process.program
		       ? show_label(program, sizeof program, origin->process.program)
		       : "?",
	       origin->process.pid, show_time(start, origin->process.start_ns),
	       finished ? "" : "; the dump has no end");
}

static bool is_finished(const struct dump_reader *reader, size_t origin)
{
	for (size_t i = 0; i < dump_file_count(reader); i++)
		if (dump_file(reader, i)->origin == origin && !dump_file(reader, i)->finished)
			return false;
	return true;
}

static void print_processes(const struct stats *stats, const struct tally_group *group)
{
	const struct dump_reader *reader = stats->tally.reader;
	size_t all = dump_origin_count(reader), shown = 0;
	for (size_t i = 0; i < all; i++) {
		const struct dump_origin *origin = dump_origin(reader, i);
		if (group->origin && group->origin != origin)
			continue;
		if (shown++ == SHOWN_ORIGINS) {
			printf("  process    and %zu more\n", all - i);
			return;
		}
		print_process(origin, is_finished(reader, i));
	}
}

/* The last is what the process's end publishes, so the one before is told as well. */
static void print_filters(const struct dump_origin *origin)
{
	size_t first = origin->nepochs > 2 ? origin->nepochs - 2 : 0;
	printf("  filters    %zu change%s", origin->nepochs, origin->nepochs == 1 ? "" : "s");
	for (size_t i = first; i < origin->nepochs; i++) {
		char shown[80];
		printf("%s%s",
		       i > first             ? ", then "
		       : origin->nepochs > 2 ? ", last: "
					     : ": ",
		       show_label(shown, sizeof shown, origin->epochs[i].expression));
	}
	putchar('\n');
}

/* One file may be of several processes, and stands there for each. */
static bool is_new_path(const struct dump_reader *reader, size_t file)
{
	const char *path = dump_file(reader, file)->path;
	for (size_t before = file; before-- > 0;)
		if (dump_file(reader, before)->path == path)
			return false;
	return true;
}

static void print_heading(const struct stats *stats, const struct tally_group *group)
{
	const struct dump_reader *reader = stats->tally.reader;
	char first[SHOW_TIME], last[SHOW_TIME], duration[SHORT_TEXT], bytes[SHORT_TEXT];
	uint64_t nrings = 0, file_bytes = 0;
	size_t nfiles = 0;
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (!stats_is_of(stats, group, i))
			continue;
		nrings += file->nrings;
		if (!group->origin && !is_new_path(reader, i))
			continue;
		nfiles++;
		file_bytes += file->bytes;
	}
	if (!group->origin) {
		for (size_t i = 0; i < stats->npaths; i++)
			printf("%s%s", i ? " " : "", shown(stats->paths[i]));
		putchar('\n');
	}
	print_processes(stats, group);
	if (group->records)
		printf("  time       %s to %s UTC, %s\n", show_time(first, group->first_ns),
		       show_time(last, group->last_ns),
		       show_duration(duration, group->last_ns - group->first_ns));
	printf("  records    %" PRIu64 ", %s, from %" PRIu64 " ring%s\n", group->records,
	       show_bytes(bytes, group->bytes), nrings, nrings == 1 ? "" : "s");
	printf("  file%s      %s%s\n", nfiles == 1 ? " " : "s", show_bytes(bytes, file_bytes),
	       nfiles == 1 ? "" : " together");
	if (group->origin || dump_origin_count(reader) == 1)
		print_filters(group->origin ? group->origin : dump_origin(reader, 0));
}

/* --- events -------------------------------------------------------------------------------- */

struct columns {
	int name;
	bool filtered;
	bool discarded;
	bool overwritten;
	bool failed;
};

static int name_width(struct tally_event *const *events, size_t count, int least)
{
	char name[NAME_SIZE];
	for (size_t i = 0; i < count; i++) {
		int width = (int)shown_width(show_label(name, sizeof name, events[i]->name));
		least = width > least ? width : least;
	}
	return least;
}

static void put_name(const char *text, int width)
{
	char name[NAME_SIZE];
	int shown = (int)shown_width(show_label(name, sizeof name, text));
	printf("%s%*s", name, shown < width ? width - shown : 0, "");
}

static void put_count(bool has_column, uint64_t count)
{
	if (has_column)
		printf(" %12" PRIu64, count);
}

static void print_event(const struct stats *stats, const struct columns *columns,
			const struct tally_event *event, const char *level, double seconds)
{
	bool bad = tally_lost(&event->count) > 0;
	char rate[SHORT_TEXT], bytes[SHORT_TEXT];
	printf("%s%c ", red(stats, bad), bad ? '!' : ' ');
	put_name(event->name, columns->name);
	printf(" %-5s %12" PRIu64, level, event->records);
	put_count(columns->filtered, event->count.filtered);
	put_count(columns->discarded, event->count.discarded);
	put_count(columns->overwritten, event->count.overwritten);
	put_count(columns->failed, event->count.failed);
	printf(" %9s %10s%s\n", show_rate(rate, event->records, seconds),
	       show_bytes(bytes, event->bytes), plain(stats, bad));
}

/* Columns of what never happened are left out. */
static void print_events(const struct stats *stats, const struct stats_lines *lines, double seconds)
{
	const struct dump_count *count = &lines->total.count;
	const struct columns columns = {name_width(lines->events, lines->nevents, 5),
					count->filtered > 0, count->discarded > 0,
					count->overwritten > 0, count->failed > 0};
	if (!lines->nevents)
		return;
	printf("\n  %-*s %-5s %12s%s%s%s%s %9s %10s\n", columns.name, "EVENT", "LEVEL", "WRITTEN",
	       columns.filtered ? "     FILTERED" : "", columns.discarded ? "    DISCARDED" : "",
	       columns.overwritten ? "  OVERWRITTEN" : "", columns.failed ? "       FAILED" : "",
	       "RATE/S", "BYTES");
	for (size_t i = 0; i < lines->nevents; i++)
		print_event(stats, &columns, lines->events[i], level_names[lines->events[i]->level],
			    seconds);
	if (!stats->nglobs)
		print_event(stats, &columns, &lines->total, "", seconds);
}

static void print_spans(const struct stats_lines *lines, double seconds)
{
	int width = name_width(lines->spans, lines->nspans, 4);
	if (!lines->nspans)
		return;
	printf("\n  %-*s %-5s %12s %12s %12s %12s %9s\n", width, "SPAN", "LEVEL", "ENDED",
	       "ABANDONED", "HEADLESS", "OPEN", "RATE/S");
	for (size_t i = 0; i < lines->nspans; i++) {
		const struct tally_event *span = lines->spans[i];
		char rate[SHORT_TEXT];
		printf("  ");
		put_name(span->name, width);
		printf(" %-5s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %9s\n",
		       level_names[span->level], span->states[RILL_SPAN_ENDED],
		       span->states[RILL_SPAN_ABANDONED], span->states[RILL_SPAN_HEADLESS],
		       span->states[TALLY_OPEN], show_rate(rate, span->records, seconds));
	}
}

/* --- the account --------------------------------------------------------------------------- */

static void print_cut(const struct stats *stats, const struct tally_group *group)
{
	const struct dump_reader *reader = stats->tally.reader;
	uint64_t cut = 0;
	bool counted = false;
	for (size_t o = 0; o < dump_origin_count(reader); o++) {
		uint64_t most = 0;
		for (size_t i = 0; i < dump_file_count(reader); i++) {
			const struct dump_file *file = dump_file(reader, i);
			if (file->origin != o || !stats_is_of(stats, group, i))
				continue;
			most = file->values_cut > most ? file->values_cut : most;
			counted |= file->ncounts > 0;
		}
		cut += most;
	}
	if (cut)
		printf("  %" PRIu64 " value%s too long and cut\n", cut,
		       cut == 1 ? " was" : "s were");
	if (!counted)
		puts("  no counts of what was filtered or lost are in the dump");
}

static bool all_finished(const struct stats *stats, const struct tally_group *group)
{
	bool counted = false;
	for (size_t i = 0; i < dump_file_count(stats->tally.reader); i++) {
		const struct dump_file *file = dump_file(stats->tally.reader, i);
		if (!stats_is_of(stats, group, i))
			continue;
		if (!file->finished)
			return false;
		counted |= file->ncounts > 0;
	}
	return counted;
}

static void print_accounting(const struct stats *stats, const struct tally_group *group,
			     const struct stats_lines *lines)
{
	const struct dump_count *count = &lines->total.count;
	uint64_t written = lines->total.records, lost = tally_lost(count);
	uint64_t emitted = written + count->filtered + lost;
	printf("\n  emitted %" PRIu64 " = written %" PRIu64 " + filtered %" PRIu64
	       " + discarded %" PRIu64 " + overwritten %" PRIu64 " + failed %" PRIu64 "\n",
	       emitted, written, count->filtered, count->discarded, count->overwritten,
	       count->failed);
	if (lost)
		printf("%s! %" PRIu64 " event%s lost: %.4g %% of those emitted%s\n",
		       red(stats, true), lost, lost == 1 ? " is" : "s are",
		       100 * (double)lost / (double)emitted, plain(stats, true));
	if (count->written != written && all_finished(stats, group))
		printf("%s! %" PRIu64 " were counted as written, the dump holds %" PRIu64 "%s\n",
		       red(stats, true), count->written, written, plain(stats, true));
	if (group->unknown)
		printf("%s! %" PRIu64 " record%s of events in no catalog of the dump%s\n",
		       red(stats, true), group->unknown, group->unknown == 1 ? " is" : "s are",
		       plain(stats, true));
	print_cut(stats, group);
}

void stats_print(struct stats *stats, const struct tally_group *group)
{
	struct stats_lines lines;
	if (stats_choose(&lines, stats, group)) {
		double seconds = group->records ? tally_seconds(group) : 0;
		print_heading(stats, group);
		print_events(stats, &lines, seconds);
		print_spans(&lines, seconds);
		stats_print_durations(stats, &lines);
		print_accounting(stats, group, &lines);
	} else {
		stats->tally.no_memory = true;
	}
	stats_forget(&lines);
}
