/* What differs, for people and for programs. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/diff.h"
#include "cli/stats.h"
#include "sink/json_value.h"

#define NAME_SIZE 160u

const char *const diff_kind_names[DIFF_KINDS] = {"slower",       "faster", "moreFrequent",
						 "lessFrequent", "new",    "gone"};

static const char *const headings[DIFF_KINDS] = {"SLOWER",     "FASTER", "MORE OFTEN",
						 "LESS OFTEN", "NEW",    "GONE"};

/* --- text ---------------------------------------------------------------------------------- */

static const char *label(char *to, const struct diff_line *line)
{
	char name[NAME_SIZE - 8];
	snprintf(to, NAME_SIZE, "%s%s", line->event->is_span ? "span " : "",
		 show_label(name, sizeof name, line->event->name));
	return to;
}

static void put_label(const struct diff_line *line, bool first, int width)
{
	char text[NAME_SIZE];
	int shown = first ? (int)shown_width(label(text, line)) : 0;
	printf("  %s%*s", first ? text : "", shown < width ? width - shown : 0, "");
}

static void put_change(const struct diff_pair *pair)
{
	double ratio = pair->of[1].value / pair->of[0].value;
	if (!isfinite(ratio))
		puts("");
	else if (ratio >= 10)
		printf("  x %.0f\n", ratio);
	else
		printf("  %+.0f %%\n", 100 * (ratio - 1));
}

static void print_durations(const struct diff_line *line, int width)
{
	static const char *const shown[DIFF_QUANTILES] = {"p50", "p90", "p99", "p99.9"};
	bool first = true;
	for (size_t q = 0; q < DIFF_QUANTILES; q++) {
		const struct diff_pair *pair = &line->quantiles[q];
		char a[SHORT_TEXT], b[SHORT_TEXT];
		if (!pair->differs)
			continue;
		put_label(line, first, width);
		printf("  %-5s  %8s -> %8s", shown[q],
		       show_quantile(a, (uint64_t)pair->of[0].value),
		       show_quantile(b, (uint64_t)pair->of[1].value));
		put_change(pair);
		first = false;
	}
}

static void print_rates(const struct diff *diff, const struct diff_line *line, int width)
{
	char a[SHORT_TEXT], b[SHORT_TEXT];
	put_label(line, true, width);
	printf("  %9s -> %9s /s  %6.2f %% -> %6.2f %%",
	       show_rate(a, line->of[0]->records, diff->sides[0].seconds),
	       show_rate(b, line->of[1]->records, diff->sides[1].seconds),
	       100 * line->share.of[0].value, 100 * line->share.of[1].value);
	put_change(line->rate.differs ? &line->rate : &line->share);
}

static void print_line(const struct diff *diff, const struct diff_line *line, int width)
{
	if (line->kind == DIFF_SLOWER || line->kind == DIFF_FASTER) {
		print_durations(line, width);
	} else if (line->kind == DIFF_MORE || line->kind == DIFF_LESS) {
		print_rates(diff, line, width);
	} else {
		put_label(line, true, width);
		printf("  %12" PRIu64 "  %s\n", line->event->records,
		       line->event->is_span ? "" : level_names[line->event->level]);
	}
}

static void print_kind(const struct diff *diff, size_t from, size_t to, size_t limit, bool color)
{
	enum diff_kind kind = diff->lines[from].kind;
	bool worse = kind == DIFF_SLOWER || kind == DIFF_NEW;
	size_t end = to - from > limit ? from + limit : to;
	int width = 0;
	for (size_t i = from; i < end; i++) {
		char text[NAME_SIZE];
		int shown = (int)shown_width(label(text, &diff->lines[i]));
		width = shown > width ? shown : width;
	}
	printf("\n%s%s%s\n",
	       !color  ? ""
	       : worse ? "\033[1;31m"
		       : "\033[1m",
	       headings[kind], color ? "\033[0m" : "");
	for (size_t i = from; i < end; i++)
		print_line(diff, &diff->lines[i], width);
	if (end < to)
		printf("  and %zu more\n", to - end);
}

static void print_side(const struct diff *diff, unsigned i)
{
	const struct diff_side *side = &diff->sides[i];
	char duration[SHORT_TEXT], rate[SHORT_TEXT], start[SHOW_TIME];
	printf("%c  %s: %" PRIu64 " records", i ? 'B' : 'A', shown(side->path),
	       side->group->records);
	if (side->group->records)
		printf(" in %s from %s UTC on, %s/s",
		       show_duration(duration, side->group->last_ns - side->group->first_ns),
		       show_time(start, side->group->first_ns),
		       show_rate(rate, side->group->records, side->seconds));
	putchar('\n');
	uint64_t lost = 0;
	for (size_t e = 0; e < side->group->nevents; e++)
		lost += tally_lost(&side->group->events[e]->count);
	if (lost)
		printf("!  %" PRIu64 " more were lost: figures of %c are of those that were not\n",
		       lost, i ? 'B' : 'A');
}

void diff_print(const struct diff *diff, size_t limit, bool color)
{
	print_side(diff, 0);
	print_side(diff, 1);
	for (size_t from = 0, to; from < diff->nlines; from = to) {
		for (to = from;
		     to < diff->nlines && diff->lines[to].kind == diff->lines[from].kind;)
			to++;
		print_kind(diff, from, to, limit, color);
	}
	if (!diff->nlines)
		printf("\nnothing differs by %g %% or more and more than by chance\n",
		       100 * diff->threshold);
}

/* --- JSON ---------------------------------------------------------------------------------- */

/* Its interval may have no end. */
static void put_number(struct buffer *to, const char *name, double value)
{
	json_field(to, name);
	if (isfinite(value))
		render_f64(to, value);
	else
		buffer_text(to, "null");
}

static void put_pair(struct buffer *to, const char *name, const struct diff_pair *pair)
{
	static const char *const names[] = {"a", "b"};
	if (!pair->known)
		return;
	json_field(to, name);
	buffer_char(to, '{');
	for (size_t i = 0; i < 2; i++) {
		json_field(to, names[i]);
		buffer_char(to, '{');
		put_number(to, "value", pair->of[i].value);
		put_number(to, "low", pair->of[i].low > 0 ? pair->of[i].low : 0);
		put_number(to, "high", pair->of[i].high);
		buffer_char(to, '}');
	}
	json_field(to, "differs");
	buffer_text(to, pair->differs ? "true}" : "false}");
}

static void put_count(struct buffer *to, const char *name, const struct tally_event *event)
{
	json_field(to, name);
	render_u64(to, event ? event->records : 0);
}

static void put_line(struct buffer *to, const struct diff_line *line)
{
	buffer_char(to, '{');
	json_field(to, "kind");
	json_text(to, line->event->is_span ? "span" : "event");
	json_field(to, "catalog");
	json_text(to, line->event->catalog);
	json_field(to, "name");
	json_text(to, line->event->name);
	json_field(to, "level");
	json_text(to, level_names[line->event->level]);
	put_count(to, "countA", line->of[0]);
	put_count(to, "countB", line->of[1]);
	put_pair(to, "rate", &line->rate);
	put_pair(to, "share", &line->share);
	for (size_t q = 0; q < DIFF_QUANTILES; q++)
		put_pair(to, diff_quantile_names[q], &line->quantiles[q]);
	buffer_char(to, '}');
}

static void put_side(struct buffer *to, const char *name, const struct diff_side *side)
{
	json_field(to, name);
	buffer_char(to, '{');
	json_field(to, "path");
	json_text(to, side->path);
	json_field(to, "records");
	render_u64(to, side->group->records);
	put_number(to, "seconds", side->seconds);
	buffer_char(to, '}');
}

void diff_print_json(struct diff *diff)
{
	struct buffer out = {0};
	buffer_char(&out, '{');
	put_side(&out, "a", &diff->sides[0]);
	put_side(&out, "b", &diff->sides[1]);
	put_number(&out, "threshold", diff->threshold);
	put_number(&out, "chance", DIFF_CHANCE);
	size_t at = 0;
	for (enum diff_kind kind = 0; kind < DIFF_KINDS; kind++) {
		json_field(&out, diff_kind_names[kind]);
		buffer_char(&out, '[');
		for (bool first = true; at < diff->nlines && diff->lines[at].kind == kind;
		     at++, first = false) {
			if (!first)
				buffer_char(&out, ',');
			put_line(&out, &diff->lines[at]);
		}
		buffer_char(&out, ']');
	}
	buffer_text(&out, "}\n");
	if (out.broken)
		diff->no_memory = true;
	else
		fwrite(out.data, 1, out.size, stdout);
	buffer_free(&out);
}
