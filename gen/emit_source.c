#include "emit.h"

#include <inttypes.h>
#include <string.h>

#include "ids.h"

static const char *const level_symbols[RILL_OFF] = {
	[RILL_TRACE] = "RILL_TRACE", [RILL_DEBUG] = "RILL_DEBUG", [RILL_INFO] = "RILL_INFO",
	[RILL_WARN] = "RILL_WARN",   [RILL_ERROR] = "RILL_ERROR",
};

static void emit_subsystems(struct buffer *out, const struct page *page, const struct ids *ids)
{
	buffer_puts(out, "\nstatic const char *const subsystems[] = {\n");
	for (size_t i = 0; i < page->nsubsystems; i++) {
		buffer_puts(out, "\t");
		emit_string(out, ids->subsystems[i]->name);
		buffer_print(out, ", /* %zu */\n", i);
	}
	buffer_puts(out, "};\n");
}

/* The keys of all events, one list behind the other. */
static void emit_event_keys(struct buffer *out, const struct page *page, const struct ids *ids)
{
	size_t total = 0;

	for (size_t i = 0; i < page->nevents; i++)
		total += page->events[i].nkeys;
	if (!total)
		return;
	buffer_puts(out, "\n/* The keys of each event that has any. */\n"
			 "static const uint16_t event_keys[] = {\n");
	for (size_t i = 0; i < page->nevents; i++) {
		const struct page_event *e = ids->events[i];

		if (!e->nkeys)
			continue;
		buffer_puts(out, "\t");
		for (size_t k = 0; k < e->nkeys; k++)
			buffer_print(out, "%u, ", page->keys[e->keys[k]].id);
		buffer_print(out, "/* %s */\n", e->name);
	}
	buffer_puts(out, "};\n");
}

static void emit_events(struct buffer *out, const struct page *page, const struct ids *ids)
{
	size_t keys = 0;

	buffer_puts(out, "\nstatic const struct rill_catalog_event events[] = {\n");
	for (size_t i = 0; i < page->nevents; i++) {
		const struct page_event *e = ids->events[i];

		buffer_print(out, "\t/* %zu */\n\t{ ", i);
		emit_string(out, e->name);
		buffer_puts(out, ", ");
		emit_string(out, e->brief);
		buffer_puts(out, ",\n\t  ");
		emit_string(out, e->text);
		if (e->nkeys)
			buffer_print(out, ",\n\t  event_keys + %zu, %zu, ", keys, e->nkeys);
		else
			buffer_puts(out, ",\n\t  NULL, 0, ");
		buffer_print(out, "%u, %s, %s },\n", page->subsystems[e->subsystem].id,
			     level_symbols[e->level],
			     e->flags & RILL_LOSS_NEVER ? "RILL_LOSS_NEVER" : "0");
		keys += e->nkeys;
	}
	buffer_puts(out, "};\n");
}

static void emit_key_flags(struct buffer *out, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{RILL_KEY_LINK, "RILL_KEY_LINK"},
		{RILL_KEY_GLOBAL, "RILL_KEY_GLOBAL"},
		{RILL_KEY_PERSONAL, "RILL_KEY_PERSONAL"},
		{RILL_KEY_SECRET, "RILL_KEY_SECRET"},
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags & names[i].flag))
			continue;
		buffer_print(out, "%s%s", between, names[i].name);
		between = " | ";
	}
	if (!flags)
		buffer_puts(out, "0");
}

static void emit_keys(struct buffer *out, const struct page *page, const struct ids *ids)
{
	if (!page->nkeys)
		return;
	buffer_puts(out, "\nstatic const struct rill_catalog_key keys[] = {\n");
	for (size_t i = 0; i < page->nkeys; i++) {
		const struct page_key *k = ids->keys[i];

		buffer_print(out, "\t/* %zu */\n\t{ ", i);
		emit_string(out, k->name);
		buffer_puts(out, ", ");
		emit_string(out, k->text);
		buffer_puts(out, ", ");
		emit_type_set(out, k);
		buffer_puts(out, ", ");
		emit_key_flags(out, k->flags);
		if (k->refers == MAP_NONE)
			buffer_puts(out, ", RILL_NO_KEY },\n");
		else
			buffer_print(out, ", %u },\n", page->keys[k->refers].id);
	}
	buffer_puts(out, "};\n");
}

static void emit_spans(struct buffer *out, const struct page *page, const struct ids *ids)
{
	if (!page->nspans)
		return;
	buffer_puts(out, "\nstatic const struct rill_catalog_span spans[] = {\n");
	for (size_t i = 0; i < page->nspans; i++) {
		const struct page_span *s = ids->spans[i];

		buffer_puts(out, "\t{ ");
		emit_string(out, s->name);
		buffer_print(out, ", %u, %u, ", page->events[s->start].id, page->events[s->end].id);
		if (s->key == MAP_NONE)
			buffer_puts(out, "RILL_NO_KEY");
		else
			buffer_print(out, "%u", page->keys[s->key].id);
		buffer_print(out, " }, /* %zu */\n", i);
	}
	buffer_puts(out, "};\n");
}

static void emit_catalog(struct buffer *out, const struct page *page, struct arena *a)
{
	const char *name = page->catalog;

	buffer_puts(out, "\n/* librill exports its own catalog; any other belongs to the object it "
			 "is in. */\n"
			 "#ifdef RILL_CATALOG_EXPORT\n"
			 "__attribute__((visibility(\"default\")))\n"
			 "#else\n"
			 "__attribute__((visibility(\"hidden\")))\n"
			 "#endif\n");
	buffer_print(out, "extern const struct rill_catalog rill_catalog_%s;\n\n", name);
	buffer_print(out, "const struct rill_catalog rill_catalog_%s = {\n", name);
	buffer_puts(out, "\tRILL_CATALOG_LAYOUT,\n\tsizeof(struct rill_catalog),\n");
	buffer_print(out, "\tUINT64_C(0x%016" PRIx64 "), /* of the content */\n",
		     emit_hash(page, a));
	buffer_print(out, "\t\"%s\",\n\tsubsystems,\n\tevents,\n\t%s,\n\t%s,\n", name,
		     page->nkeys ? "keys" : "NULL", page->nspans ? "spans" : "NULL");
	buffer_print(out, "\t%zu, /* subsystems */\n\t%zu, /* events */\n", page->nsubsystems,
		     page->nevents);
	buffer_print(out, "\t%zu, /* keys */\n\t%zu, /* spans */\n};\n", page->nkeys, page->nspans);
}

void emit_source(struct buffer *out, const struct page *page, struct arena *a)
{
	struct ids ids = ids_sort(page, a);

	buffer_print(out, "/*\n * The tables of catalog %s, by id.\n * Written by rill-gen from ",
		     page->catalog);
	emit_comment(out, emit_page_name(page));
	buffer_puts(out, ": change that page, not this file.\n */\n#include <rill/catalog.h>\n");
	emit_subsystems(out, page, &ids);
	emit_event_keys(out, page, &ids);
	emit_events(out, page, &ids);
	emit_keys(out, page, &ids);
	emit_spans(out, page, &ids);
	emit_catalog(out, page, a);
}
