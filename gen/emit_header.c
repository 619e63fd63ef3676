#include "emit.h"

#include <string.h>

#include "types.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void emit_title(struct buffer *out, const struct page *page)
{
	const char *catalog = page->catalog;

	buffer_puts(out, "/*\n * Catalog ");
	buffer_print(out, "%s: %zu event%s in %zu subsystem%s, %zu key%s, %zu span%s.\n", catalog,
		     page->nevents, plural(page->nevents), page->nsubsystems,
		     plural(page->nsubsystems), page->nkeys, plural(page->nkeys), page->nspans,
		     plural(page->nspans));
	buffer_puts(out, " * Written by rill-gen from ");
	emit_comment(out, emit_page_name(page));
	buffer_puts(
		out,
		": change that page, not this file.\n"
		" *\n"
		" * To emit an event of it, include this header, name the catalog once, and call\n"
		" * rill_event() with the event's name and any of the keys below, _ for . and -:\n"
		" *\n");
	buffer_print(out, " *     #define RILL_CATALOG %s\n *     ...\n *     rill_event(%s",
		     catalog, page->events[0].symbol);
	for (size_t i = 0; i < page->events[0].nkeys && i < 3; i++)
		buffer_print(out, ", %s(...)", page->keys[page->events[0].keys[i]].symbol);
	buffer_puts(out, ");\n *\n"
			 " * Keys listed with an event are those it is known to carry; others may "
			 "be given too.\n"
			 " */\n");
}

static void emit_event_spans(struct buffer *out, const struct page *page, size_t event)
{
	for (size_t i = 0; i < page->nspans; i++) {
		const struct page_span *s = &page->spans[i];

		if (s->start != event && s->end != event)
			continue;
		buffer_print(out, "\n\t * %s span %s", s->start == event ? "starts" : "ends",
			     s->name);
		if (s->key != MAP_NONE)
			buffer_print(out, ", by %s", page->keys[s->key].name);
	}
}

static void emit_event(struct buffer *out, const struct page *page, size_t index)
{
	const struct page_event *e = &page->events[index];
	struct buffer keys = {0};

	buffer_print(out, "\n\t/* %s  [%s]  ", e->name, page_level_names[e->level]);
	emit_comment(out, e->brief);
	buffer_puts(out, "\n\t * ");
	emit_wrapped(out, e->text, 11);
	if (e->nkeys) {
		for (size_t i = 0; i < e->nkeys; i++)
			buffer_print(&keys, "%s%s",
				     i ? ", " : "keys: ", page->keys[e->keys[i]].name);
		buffer_puts(out, "\n\t * ");
		emit_wrapped(out, keys.data, 11);
		buffer_free(&keys);
	}
	if (e->flags & RILL_LOSS_NEVER)
		buffer_puts(out, "\n\t * loss: never");
	emit_event_spans(out, page, index);
	buffer_print(out, " */\n\trill__%s_e_%s = %u,\n", page->catalog, e->symbol, e->id);
}

static void emit_events(struct buffer *out, const struct page *page)
{
	size_t subsystem = SIZE_MAX;

	buffer_print(out, "\nenum rill__%s_event {\n", page->catalog);
	for (size_t i = 0; i < page->nevents; i++) {
		if (page->events[i].subsystem != subsystem) {
			subsystem = page->events[i].subsystem;
			buffer_print(out, "%s\t/* ---- ", i ? "\n" : "");
			emit_comment(out, page->subsystems[subsystem].name);
			buffer_puts(out, " ---- */\n");
		}
		emit_event(out, page, i);
	}
	buffer_puts(out, "};\n");
}

static void emit_key(struct buffer *out, const struct page *page, const struct page_key *k)
{
	buffer_print(out, "\n/* %s: ", k->name);
	types_print(out, k->order, k->ntypes, "|", "|");
	buffer_puts(out, "  ");
	emit_comment(out, k->text);
	if (k->refers != MAP_NONE)
		buffer_print(out, "; the %s of another process", page->keys[k->refers].name);
	else if (k->flags & RILL_KEY_GLOBAL)
		buffer_puts(out, "; joins records across spans, processes and hosts");
	else if (k->flags & RILL_KEY_LINK)
		buffer_puts(out, "; joins records across the spans of a process");
	if (k->flags & RILL_KEY_PERSONAL)
		buffer_puts(out, "; personal");
	if (k->flags & RILL_KEY_SECRET)
		buffer_puts(out, "; secret");
	buffer_print(out, " */\n#define rill__%s_k_%s(...) \\\n\t%u, ", page->catalog, k->symbol,
		     k->id);
	emit_type_set(out, k);
	buffer_print(out, ", \"rill: key %s takes ", k->name);
	types_print(out, k->order, k->ntypes, ", ", " or ");
	buffer_puts(out, "\", (__VA_ARGS__)\n");
}

static void emit_spans(struct buffer *out, const struct page *page)
{
	if (!page->nspans)
		return;
	buffer_puts(
		out,
		"\n/*\n * Spans, from their first event to their last, told apart by a key:\n *\n");
	for (size_t i = 0; i < page->nspans; i++) {
		const struct page_span *s = &page->spans[i];

		buffer_print(out, " *     %s: %s to %s, ", s->name, s->start_name, s->end_name);
		if (s->key == MAP_NONE)
			buffer_puts(out, "one at a time\n");
		else
			buffer_print(out, "by %s\n", s->key_name);
	}
	buffer_puts(out, " */\n");
}

void emit_header(struct buffer *out, const struct page *page)
{
	struct buffer guard = {0};

	buffer_puts(&guard, "RILL_CATALOG_");
	emit_upper(&guard, page->catalog);
	buffer_puts(&guard, "_H");
	emit_title(out, page);
	buffer_print(out, "#ifndef %s\n#define %s\n\n#include <rill/rill.h>\n", guard.data,
		     guard.data);
	emit_events(out, page);
	emit_spans(out, page);
	buffer_puts(out, page->nkeys
				 ? "\n/* ---- Keys: number, types, what the compiler says about "
				   "another type, value ---- */\n"
				 : "");
	for (size_t i = 0; i < page->nkeys; i++)
		emit_key(out, page, &page->keys[i]);
	buffer_print(out,
		     "\n/* This object's own gate, and its registration. */\n"
		     "RILL_CATALOG_OBJECT(%s)\n\n#endif\n",
		     page->catalog);
	buffer_free(&guard);
}
