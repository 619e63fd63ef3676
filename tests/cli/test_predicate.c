/* Predicates: what they hold for, what is none, what a reader may leave out for them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/entries.h"
#include "../support/files.h"
#include "cli/predicate.h"

#define SECOND UINT64_C(1000000000)
#define T0     (UINT64_C(1767225599) * SECOND) /* 2025-12-31T23:59:59Z */

static const struct predicate_origin origin = {"smtpd", "mx1", false};
static const struct rill_catalog *const catalogs[] = {NULL, &demo_catalog};

/* A connection (spanId 17, from 192.0.2.1, tls) with a tick inside and a step in that. */
struct scene {
	struct rill_span connection;
	struct rill_span tick;
	struct rill_record *start;
	struct rill_record *step;
	struct rill_record *loose; /* in no span */
	struct rill_item start_items[3];
	struct rill_item end_items[2];
	struct rill_item tick_items[1];
};

static struct scene *make_scene(void)
{
	struct scene *s = calloc(1, sizeof *s);
	struct rill_item list[] = {item_string(0, "carl@example.org"), item_u64(0, 7)};
	s->start_items[0] = item_u64(ID_KEY, 17);
	s->start_items[1] = item_ip(IP_KEY, "192.0.2.1");
	s->start_items[2] = item_bool(BOOL_KEY, true);
	s->end_items[0] = item_u64(ID_KEY, 17);
	s->end_items[1] = item_duration(DURATION_KEY, 250000000);
	s->tick_items[0] = item_u64(ID_KEY, 17);
	s->connection = (struct rill_span){.catalog = &demo_catalog,
					   .span = &demo_catalog.spans[0],
					   .id = 0x1f,
					   .trace_id = {0xabc, 0xdef},
					   .start_ns = T0,
					   .end_ns = T0 + 250000000,
					   .nevents = 4,
					   .state = RILL_SPAN_ENDED,
					   .pid = 100,
					   .start_items = s->start_items,
					   .end_items = s->end_items,
					   .nstart_items = 3,
					   .nend_items = 2};
	s->tick = s->connection;
	s->tick.span = &demo_catalog.spans[1];
	s->tick.parent = &s->connection;
	s->tick.parent_id = 0x1f;
	s->tick.id = 0x2e5;
	s->tick.state = RILL_SPAN_ABANDONED;
	s->tick.start_items = s->tick_items;
	s->tick.nstart_items = 1;
	s->tick.nend_items = 0;
	s->start = new_record(CONNECT, T0, s->start_items, 3);
	s->start->span = &s->connection;
	s->step = RECORD(
		STEP, T0 + 5 * SECOND, item_u64(ID_KEY, 17),
		item_string(STRING_KEY, "mx.example.org"), item_u64(U64_KEY, 4096),
		item_i64(I64_KEY, -5), item_f64(F64_KEY, 1.5), item_duration(DURATION_KEY, 1500000),
		item_timestamp(TIMESTAMP_KEY, T0 + SECOND),
		item_bytes(BYTES_KEY,
			   "\x00\xff"
			   "AB",
			   4),
		item_list(LIST_KEY, list, 2), EVENT(EVENT_KEY, CAUSE, item_string(STRING_KEY, "x")),
		item_none(NONE_KEY), item_string(ANY_KEY, "250 ok"));
	s->step->span = &s->tick;
	s->loose = RECORD(WARNING, T0 + 9 * SECOND, item_ip(IP_KEY, "::ffff:10.1.2.3"),
			  item_bool(BOOL_KEY, false), item_u64(U64_KEY, UINT64_MAX),
			  item_i64(I64_KEY, INT64_MIN), item_f64(F64_KEY, NAN),
			  item_string(STRING_KEY, ""), item_string(ANY_KEY, "10.1.2.3"));
	return s;
}

static struct predicate *parse(const char *text, unsigned flags)
{
	struct predicate_error error;
	struct predicate *predicate = predicate_parse(text, flags, &error);
	cr_assert(predicate, "%s: %s", text, error.message);
	return predicate;
}

static bool holds(struct predicate *predicate, const struct rill_record *record,
		  const struct rill_span *span)
{
	struct rill_entry entry = {record, span};
	return predicate_holds(predicate, &entry, &demo_catalogs, &origin);
}

/* A letter for each entry that it holds for: start, step, loose, Connection, Tick. */
static char *who(const struct scene *s, const char *text, unsigned flags)
{
	struct predicate *predicate = parse(text, flags);
	char letters[6] = "", *at = letters;
	if (holds(predicate, s->start, NULL))
		*at++ = 'a';
	if (holds(predicate, s->step, NULL))
		*at++ = 's';
	if (holds(predicate, s->loose, NULL))
		*at++ = 'l';
	if (holds(predicate, NULL, &s->connection))
		*at++ = 'C';
	if (holds(predicate, NULL, &s->tick))
		*at++ = 'T';
	predicate_free(predicate);
	return strdup(letters);
}

struct expected {
	const char *text;
	const char *who;
};

static void expect(const struct expected *cases, size_t count)
{
	struct scene *s = make_scene();
	for (size_t i = 0; i < count; i++)
		cr_expect_str_eq(who(s, cases[i].text, 0), cases[i].who, "%s", cases[i].text);
}

#define EXPECT(...)                                                                                \
	do {                                                                                       \
		static const struct expected cases[] = {__VA_ARGS__};                              \
		expect(cases, sizeof cases / sizeof *cases);                                       \
	} while (0)

Test(predicate, numbers_of_all_types)
{
	EXPECT({"size == 4096", "s"}, {"size = 4KiB", "s"}, {"size == 0x1000", "s"},
	       {"size >= 4KiB", "sl"}, {"size <= 4096", "s"}, {"elapsed <= 1500us", "s"},
	       {"size > 4.5KiB", "l"}, {"size < 5kB", "s"}, {"size == 18446744073709551615", "l"},
	       {"size > 18446744073709551614", "l"}, {"size == 4096.0", "s"},
	       {"size < 4096.5", "s"}, {"size != 4096", "l"}, {"offset == -5", "s"},
	       {"offset < 0", "sl"}, {"offset > -6", "s"}, {"offset == -9223372036854775808", "l"},
	       {"offset < 18446744073709551615", "sl"}, {"score == 1.5", "s"}, {"score > 1", "s"},
	       {"score <= 1e3", "s"}, {"score != 1.5", "l"}, {"score < 0 || score >= 0", "s"},
	       {"size in (1, 4096, 3)", "s"}, {"size not in (1, 4096, 3)", "l"},
	       {"size ~ ^40", "s"}, {"offset !~ \"^-5\"", "l"});
}

Test(predicate, durations_and_times)
{
	EXPECT({"elapsed == 1.5ms", "s"}, {"elapsed == 1ms500us", "s"}, {"elapsed > 1ms", "sC"},
	       {"elapsed < 1m", "sC"}, {"elapsed >= 250ms", "C"}, {"elapsed > 0", "sC"},
	       {"elapsed > 1\xc2\xb5s && elapsed < 1500001ns", "s"}, {"elapsed == 1500000", ""},
	       {"expires == 2026-01-01T00:00:00Z", "s"},
	       {"expires > \"2025-12-31T23:59:59.999999999Z\"", "s"},
	       {"expires < @1767225600.000000001", "s"}, {"expires < 2026-01-01T00:00:00Z", ""},
	       {"@time >= 2026-01-01T00:00:00Z", "sl"}, {"@time < @1767225599.25", "a"},
	       {"@duration >= 250ms", "CT"}, {"@duration > 1h", ""}, {"@duration != 1s", "CT"});
}

Test(predicate, text_and_bytes)
{
	EXPECT({"hostname == mx.example.org", "s"}, {"hostname == \"mx.example.org\"", "s"},
	       {"hostname ~ example", "s"}, {"hostname ~ \"^mx\\.\"", "s"},
	       {"hostname ~ '^mx.*org$'", "s"}, {"hostname ~ EXAMPLE", ""},
	       {"hostname !~ example", "l"}, {"hostname == ''", "l"}, {"hostname > m", "s"},
	       {"hostname != mx.example.org", "l"}, {"contents == \"\\x00\\xffAB\"", "s"},
	       {"contents ~ AB", "s"}, {"contents ~ \"B$\"", "s"}, {"contents == AB", ""},
	       {"details == '250 ok'", "s"}, {"details == 10.1.2.3", "l"},
	       {"details ~ \"[[:digit:]]{3}\"", "s"}, {"details == 250", ""},
	       {"hostname =~ mx", "s"}, {"hostname ~ 'a|mx'", "s"}, {"hostname ~ \"\"", "sl"});
	struct scene *s = make_scene();
	cr_expect_str_eq(who(s, "hostname ~ EXAMPLE", PREDICATE_ANY_CASE), "s");
}

Test(predicate, addresses_lists_events_and_truth)
{
	EXPECT({"remoteIp == 192.0.2.1", "asCT"}, {"remoteIp in 192.0.2.0/24", "asCT"},
	       {"remoteIp == 10.1.2.3", "l"}, {"remoteIp in 10.0.0.0/8", "l"},
	       {"remoteIp == ::ffff:10.1.2.3", "l"}, {"remoteIp in 2001:db8::/32", ""},
	       {"remoteIp in 192.0.2.0/31", "asCT"}, {"remoteIp in 192.0.2.2/31", ""},
	       {"remoteIp in (10.0.0.0/8, 192.0.2.1)", "aslCT"}, {"remoteIp in 0.0.0.0/0", "aslCT"},
	       {"remoteIp != 192.0.2.1", "l"}, {"remoteIp ~ ^192", "asCT"},
	       {"to == carl@example.org", "s"}, {"to == 7", "s"}, {"to == 8", ""}, {"to != 8", "s"},
	       {"to != 7", ""}, {"to ~ @example", "s"}, {"causedBy == dns.error", "s"},
	       {"causedBy ~ ^dns", "s"}, {"tls == true", "asCT"}, {"tls == false", "l"},
	       {"tls", "aslCT"}, {"nothing", "s"}, {"nothing == 0", ""}, {"nothing != 0", "s"},
	       {"! tls", ""});
}

Test(predicate, own_value_before_the_inherited_one)
{
	struct scene *s = make_scene();
	s->start_items[2] = s->start->items[2] = item_string(STRING_KEY, "outer");
	cr_expect_str_eq(who(s, "hostname == outer", 0), "aCT");
	s->tick_items[0] = item_string(STRING_KEY, "inner");
	s->step->items[1] = item_u64(U64_KEY, 1);
	cr_expect_str_eq(who(s, "hostname == outer", 0), "aC");
	cr_expect_str_eq(who(s, "hostname == inner", 0), "sT");
	cr_expect_str_eq(who(s, "size == 1", 0), "s"); /* twice under one key */
	/* A start does not inherit from the span that it starts. */
	s->start->items[2] = item_none(NONE_KEY);
	cr_expect_str_eq(who(s, "hostname == outer", 0), "C");
}

Test(predicate, what_is_known_without_keys)
{
	EXPECT({"demo.step", "s"}, {"demo.*", "aslCT"}, {"demo.conn*", "aC"}, {"demo.tick", "T"},
	       {"demo.tick-end", "T"}, {"'demo.step'", "s"}, {"@event == demo.step", "s"},
	       {"@event != demo.step", "alCT"}, {"@event in (demo.step, demo.tick)", "sT"},
	       {"@event ~ step", "s"}, {"@level >= warn", "l"}, {"@level == debug", "s"},
	       {"@level < info", "sT"}, {"@level in (info, warn)", "alC"}, {"@level ~ \"^d\"", "s"},
	       {"@catalog == demo", "aslCT"}, {"@subsystem == Demo", "aslCT"},
	       {"@kind == span", "CT"}, {"@kind != span", "asl"}, {"@span == demo.tick", "sT"},
	       {"@span == demo.connection", "asCT"}, {"@span != demo.tick", "aC"},
	       {"@id == 000000000000001f", "asCT"}, {"@id == 00000000000002e5", "sT"},
	       {"@trace == 0000000000000abc0000000000000def", "asCT"}, {"@state == ended", "C"},
	       {"@state != ended", "T"}, {"@pid == 100", "aslCT"}, {"@tid == 101", "asl"},
	       {"@tid != 1", "asl"}, {"@process == smtpd", "aslCT"}, {"@process == smtp*", "aslCT"},
	       {"@process == x", ""}, {"@host == mx1", "aslCT"}, {"@host ~ 2", ""});
}

Test(predicate, and_or_not)
{
	EXPECT({"size && offset", "sl"}, {"size == 4096 && offset == 1", ""},
	       {"size == 1 || tls", "aslCT"}, {"size == 1 or size == 4096 and offset == 0", ""},
	       {"(size == 1 or size == 4096) and offset == -5", "s"}, {"not size", "aCT"},
	       {"!(size || elapsed)", "aT"}, {"!!size", "sl"}, {"NOT size AND tls", "aCT"},
	       {"`size` == 4096", "s"}, {"demo.* && !demo.step && size", "l"},
	       {"  size\t==\n4096  ", "s"}, {"size==4096&&offset==-5", "s"});
}

static struct predicate_error refused(const char *text)
{
	struct predicate_error error;
	struct predicate *predicate = predicate_parse(text, 0, &error);
	cr_expect_null(predicate, "%s", text);
	predicate_free(predicate);
	return error;
}

Test(predicate, an_error_has_its_place)
{
	static const struct {
		const char *text;
		size_t at;
		const char *message;
	} cases[] = {
		{"", 0, "expected a key, an event or (, not the end"},
		{"size ==", 7, "expected a value, not the end"},
		{"size 25", 5, "expected an operator, && or ||"},
		{"size == 25 offset", 11, "expected an operator, && or ||"},
		{"(size", 5, "expected &&, || or ), not the end"},
		{"size)", 4, "expected an operator, && or ||"},
		{"size & tls", 5, "one & means nothing"},
		{"hostname ~ a|b", 12, "one | means nothing"},
		{"hostname == \"abc", 12, "this \" is never closed"},
		{"hostname ~ \"(\"", 11, "not a regular expression: "},
		{"hostname ~ \"(a)\\1\"", 11, "back references"},
		{"size == 18446744073709551616", 8, "no value is as large"},
		{"elapsed > 300000d", 10, "no value is as large"},
		{"@levvel == info", 0, "there is no @levvel; did you mean @level?"},
		{"@level == loud", 10, "expected one of: trace, debug, info, warn, error"},
		{"@state == done", 10, "expected one of: ended"},
		{"@time > yesterday", 8, "expected a time"},
		{"@duration > 5", 12, "expected a duration"},
		{"@pid == x", 8, "expected a number"},
		{"@event < x", 0, "@event has no order"},
		{"@event", 6, "expected an operator"},
		{"demo.step == 5", 0, "this is no key"},
		{"size in (1, 2", 13, "expected , or ), not the end"},
		{"size in (1 2)", 11, "expected , or )"},
		{"size !25", 5, "expected an operator, && or ||"},
		{"&& size", 0, "expected a key, an event or ("},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct predicate_error error = refused(cases[i].text);
		cr_expect_eq(error.at, cases[i].at, "%s: at %zu", cases[i].text, error.at);
		cr_expect(strstr(error.message, cases[i].message) == error.message ||
				  (strstr(error.message, cases[i].message) &&
				   strstr(error.message, "regular")),
			  "%s: %s", cases[i].text, error.message);
	}
}

static char *printed(const char *text, const struct predicate_error *error)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);
	predicate_print_error(file, text, error);
	fclose(file);
	return out;
}

Test(predicate, an_error_is_shown_under_the_text)
{
	struct predicate_error error = refused("size == 25 offset");
	cr_expect_str_eq(printed("size == 25 offset", &error),
			 "  size == 25 offset\n             ^~~~~~\n"
			 "  expected an operator, && or ||\n");
	/* Columns are characters, and nothing drives the terminal. */
	error = refused("\xc3\xa9\x1b ==");
	cr_expect_eq(strncmp(printed("\xc3\xa9\x1b ==", &error), "  \xc3\xa9. ==\n   ^", 12), 0);
	strcpy(error.message, "no \x1b[31m");
	cr_expect(!strchr(printed("x", &error), 0x1b));
}

static size_t notes;
static char last_note[320];

static void take_note(void *context, const struct predicate_error *note)
{
	(void)context;
	notes++;
	strcpy(last_note, note->message);
}

static bool check(const char *text, struct predicate_error *error)
{
	struct predicate *predicate = parse(text, 0);
	notes = 0;
	bool good = predicate_check(predicate, catalogs, 2, error, take_note, NULL);
	predicate_free(predicate);
	return good;
}

Test(predicate, names_are_those_of_a_catalog)
{
	struct predicate_error error;
	cr_expect(check("size == 5 && demo.st* && @event == demo.tick", &error));
	cr_expect_not(check("size == 5 && sizze == 5", &error));
	cr_expect_eq(error.at, 13);
	cr_expect_str_eq(error.message, "no catalog here has a key sizze; did you mean size?");
	cr_expect_not(check("demo.setp", &error));
	cr_expect_str_eq(error.message,
			 "no catalog here has an event demo.setp; did you mean demo.step?");
	cr_expect_not(check("smtp.*", &error));
	cr_expect_not(check("@event in (demo.step, dmeo.step)", &error));
	cr_expect_eq(error.at, 22);
	cr_expect_not(check("hostnam", &error));
	cr_expect_str_eq(error.message,
			 "no catalog here has a key or an event hostnam; did you mean hostname?");
}

Test(predicate, what_can_never_be_is_noted)
{
	static const struct {
		const char *text;
		const char *note;
	} cases[] = {
		{"size == \"5\"", "size is u64, which text never equals"},
		{"elapsed > 5", "elapsed is duration, which a number never is compared with: "
				"which unit? 5ms, for example"},
		{"hostname == 5", "hostname is string, which a number never equals"},
		{"remoteIp > 10.0.0.1", "remoteIp is ip, which an address never is compared with"},
		{"tls < true", "tls is bool, which a truth value never is compared with"},
		{"score ~ 5", "score is f64, which a number never matches"},
		{"size == 5", NULL},
		{"size && !elapsed", NULL},
		{"elapsed > 0", NULL},
		{"to == 5", NULL},
		{"details == 5 && details == x && details == 1s", NULL},
	};
	struct predicate_error error;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_expect(check(cases[i].text, &error), "%s", cases[i].text);
		cr_expect_eq(notes, cases[i].note != NULL, "%s", cases[i].text);
		if (notes)
			cr_expect_str_eq(last_note, cases[i].note);
	}
}

Test(predicate, which_events_may_be_left_out)
{
	static const struct {
		const char *text;
		uint16_t event;
		bool may;
	} cases[] = {
		{"demo.step", STEP, true},
		{"demo.step", CONNECT, false},
		{"demo.step || size == 5", CONNECT, true},
		{"demo.step && size == 5", CONNECT, false},
		{"!demo.step", STEP, false},
		{"!(demo.step && size == 5)", STEP, true},
		{"@level >= warn", STEP, false},
		{"@level >= warn", TICK_END, true},
		{"@level >= error", CAUSE, true},
		/* Lines of spans need both ends. */
		{"demo.tick", TICK_START, true},
		{"demo.tick", TICK_END, true},
		{"demo.tick", STEP, false},
		{"@kind == span", STEP, false},
		{"@kind == span", CONNECT, true},
		{"@state == ended", STEP, true},
		{"size", STEP, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct predicate *predicate = parse(cases[i].text, 0);
		cr_expect_eq(predicate_may_hold(predicate, &demo_catalog, cases[i].event),
			     cases[i].may, "%s %u", cases[i].text, cases[i].event);
		predicate_free(predicate);
	}
}

Test(predicate, times_and_values_that_it_demands)
{
	uint64_t since = 5, until = UINT64_MAX;
	struct predicate *predicate = parse("@time >= @10 && (tls && @time < @20)", 0);
	predicate_times(predicate, &since, &until);
	cr_expect(since == 10 * SECOND && until == 20 * SECOND);
	since = 15 * SECOND;
	predicate_times(predicate, &since, &until);
	cr_expect_eq(since, 15 * SECOND);
	predicate = parse("@time > @10 || tls || !(@time < @20)", 0);
	since = 0;
	until = UINT64_MAX;
	predicate_times(predicate, &since, &until);
	cr_expect(since == 0 && until == UINT64_MAX);
	predicate = parse("@time == @10", 0);
	predicate_times(predicate, &since, &until);
	cr_expect(since == 10 * SECOND && until == 10 * SECOND + 1);

	static const struct {
		const char *text;
		size_t count;
	} cases[] = {
		{"spanId == 17", 1},          {"tls && spanId in (17, 18)", 2},
		{"spanId != 17", 0},          {"spanId == 17 || tls", 0},
		{"!(spanId == 17)", 0},       {"size == 17", 0},
		{"spanId > 17", 0},           {"spanId == 17 && spanId == 18", 1},
		{"(spanId == 17 && tls)", 1}, {"spanId in (1,2,3,4,5)", 0},
		{"spanId == 17s", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct predicate_demand demands[4];
		predicate = parse(cases[i].text, 0);
		size_t count = predicate_demands(predicate, catalogs, 2, demands, 4);
		cr_expect_eq(count, cases[i].count, "%s: %zu", cases[i].text, count);
		if (count == 1)
			cr_expect_eq(demands[0].word, 17);
		if (count == 2)
			cr_expect(demands[1].word == 18 && !demands[1].bytes &&
				  !strcmp(demands[1].key, "spanId"));
	}
}

static char *repeated(const char *begin, const char *part, size_t times, const char *end)
{
	char *text = malloc(strlen(begin) + times * strlen(part) + strlen(end) + 1), *at = text;
	at = stpcpy(at, begin);
	while (times--)
		at = stpcpy(at, part);
	strcpy(at, end);
	return text;
}

Test(predicate, hostile_texts_are_refused_in_time)
{
	refused(repeated("", "(", 65, "size"));
	refused(repeated("", "!", 60000, "size"));
	refused(repeated("size", " || size", 1024, ""));
	refused(repeated("hostname ~ \"", "(", 60, "\""));
	refused(repeated("hostname ~ \"", "a", 1025, "\""));
	refused("hostname ~ \"((((a{255}){255}){255}){255})\"");
	refused(repeated(repeated("hostname ~ \"", "(", 20, "a"), ")+", 20, "\""));
	refused("hostname ~ \"a\\x00b\"");
	refused("\x01");
	struct predicate *predicate = parse(repeated("size", " || size", 1000, ""), 0);
	cr_expect(holds(predicate, make_scene()->step, NULL));
	predicate_free(predicate);
	predicate_free(parse("hostname ~ '(a{100})+(b{100})'", 0));
}

/* Whatever the values: no crash, and a thing and its opposite never both. */
Test(predicate, random_values)
{
	static const char *const texts[] = {
		"details == 5",
		"details > 1.5",
		"details ~ \"x*\"",
		"details == ::1",
		"details < 1s",
		"details == true",
		"details in (1, a, 1s, ::/0)",
		"details >= @1000",
		"details !~ \"[a-z]\"",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct predicate *yes = parse(texts[i], 0);
		struct predicate *no = parse(format("!(%s)", texts[i]), 0);
		for (size_t n = 0; n < 3000; n++) {
			struct rill_item item = random_item(ANY_KEY, 0);
			struct rill_record *record = new_record(STEP, T0, &item, 1);
			cr_assert_neq(holds(yes, record, NULL), holds(no, record, NULL));
		}
		predicate_free(yes);
		predicate_free(no);
	}
}
