/* A predicate: parsed, asked of entries with values of all types, and of what a reader may leave
 * out. Two bytes of flags, then the text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/predicate.h"
#include "fuzz/fuzz.h"
#include "support/entries.h"

#define MOST_DEMANDS 16

/* Of the sanitizer, where there is one. */
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

static const struct predicate_origin origin = {"smtpd", "mx1", false};
static const struct rill_catalog *const catalogs[] = {NULL, &demo_catalog};

static void note(void *context, const struct predicate_error *said)
{
	const size_t *length = context;
	FUZZ_CHECK(said->at <= *length && said->message[0]);
}

/* At most one of each event's records and of each span: what may hold must be told. */
static bool ask(struct predicate *predicate, const struct rill_entry *entry, bool *may_hold)
{
	bool holds = predicate_holds(predicate, entry, &demo_catalogs, &origin);
	*may_hold = true;
	if (entry->record)
		*may_hold = predicate_may_hold(predicate, entry->record->catalog,
					       entry->record->event_id);
	return holds;
}

/* Its values stay for as long as the program runs. */
static size_t scene(const struct rill_entry **entries)
{
	if (__lsan_disable)
		__lsan_disable();
	size_t count = story(entries);
	if (__lsan_enable)
		__lsan_enable();
	return count;
}

static void ask_all(struct predicate *predicate)
{
	static const struct rill_entry *entries;
	static size_t count;
	uint64_t since = 0, until = UINT64_MAX;
	if (!entries)
		count = scene(&entries);
	predicate_times(predicate, &since, &until);
	for (size_t i = 0; i < count; i++) {
		const struct rill_entry *entry = &entries[i];
		bool may_hold;
		if (!ask(predicate, entry, &may_hold))
			continue;
		/* What holds must not have been ruled out. */
		FUZZ_CHECK(may_hold);
		if (entry->record)
			FUZZ_CHECK(entry->record->time_ns >= since &&
				   entry->record->time_ns < until);
	}
}

static void check_demands(const struct predicate *predicate)
{
	struct predicate_demand demands[MOST_DEMANDS];
	size_t count = predicate_demands(predicate, catalogs, 2, demands, MOST_DEMANDS);
	FUZZ_CHECK(count <= MOST_DEMANDS);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(demands[i].key && demands[i].key[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct predicate_error error = {0};
	if (size < 2)
		return 0;
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	size_t length = size - 2;
	char *text = malloc(length + 1);
	FUZZ_CHECK(text && nowhere);
	memcpy(text, data + 2, length);
	text[length] = '\0';
	length = strlen(text);
	struct predicate *predicate = predicate_parse(text, data[0] & PREDICATE_ANY_CASE, &error);
	if (!predicate) {
		FUZZ_CHECK(error.message[0] && error.at <= length);
		predicate_print_error(nowhere, text, &error);
	} else {
		if (!predicate_check(predicate, catalogs, 2, &error, note, &length))
			FUZZ_CHECK(error.message[0] && error.at <= length);
		ask_all(predicate);
		check_demands(predicate);
		predicate_forget(predicate);
		ask_all(predicate);
		predicate_free(predicate);
	}
	free(text);
	return 0;
}
