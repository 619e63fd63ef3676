#include "support/edge_program.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"

#define SITES_PER_PART 120

struct plan plan_make(const struct page *first, const struct page *second)
{
	struct plan plan = {.pages = {first, second}, .npages = second ? 2 : 1};
	for (size_t i = 0; i < plan.npages; i++)
		plan.edges[i] = edges_make(plan.pages[i]);
	return plan;
}

struct site *plan_site(struct plan *plan, size_t page, size_t event)
{
	plan->sites = realloc(plan->sites, (plan->nsites + 1) * sizeof *plan->sites);
	cr_assert(plan->sites);
	struct site *site = &plan->sites[plan->nsites++];
	memset(site, 0, sizeof *site);
	site->page = page;
	site->event = event;
	return site;
}

void site_slot(struct site *site, size_t key, enum rill_type type)
{
	cr_assert_lt(site->nslots, 16);
	site->slots[site->nslots].key = key;
	site->slots[site->nslots++].type = type;
}

size_t site_rounds(const struct plan *plan, const struct site *site)
{
	size_t rounds = 1;
	for (size_t i = 0; i < site->nslots; i++) {
		size_t count = plan->edges[site->page].count[site->slots[i].type];
		rounds = count > rounds ? count : rounds;
	}
	return rounds;
}

bool site_has_literal(const struct site *site)
{
	for (size_t i = 0; i < site->nslots; i++)
		if (site->slots[i].type >= RILL_TYPE_IP)
			return true;
	return false;
}

static size_t offset_of(const struct plan *plan, const struct site *site, size_t slot)
{
	return (size_t)(site - plan->sites) + 3 * slot;
}

const struct value *site_value(const struct plan *plan, const struct site *site, size_t slot,
			       size_t round)
{
	const struct edges *edges = &plan->edges[site->page];
	enum rill_type type = site->slots[slot].type;
	return edges->of[type][(round + offset_of(plan, site, slot)) % edges->count[type]];
}

/* --- C text --------------------------------------------------------------------------------------
 */

static void put_name(FILE *to, const char *name)
{
	for (; *name; name++)
		fputc(isalnum((unsigned char)*name) ? *name : '_', to);
}

static void put_literal(FILE *to, const struct value *value)
{
	fputc('"', to);
	for (size_t i = 0; i < value->size; i++)
		fprintf(to, "\\%03o", value->bytes[i]);
	fputc('"', to);
}

/* Which catalog a call names: none, where there is only one. */
static void put_call(FILE *to, const struct plan *plan, const struct page *page, const char *macro,
		     const char *form, size_t event)
{
	fprintf(to, "%s%s%s(", macro, form, plan->npages > 1 ? "_in" : "");
	if (plan->npages > 1)
		fprintf(to, "%s, ", page->catalog);
	put_name(to, page->events[event]);
}

/* Names a list or event that main() has made. */
static void put_variable(FILE *to, const struct value *value)
{
	fprintf(to, "v%" PRIxPTR, (uintptr_t)value);
}

static void put_nested(FILE *to, const struct plan *plan, const struct value *value, bool in_place);

/* A value with its type: rill_u64(5). in_place: lists and events are written out as far as the
 * macros nest; else they are named. */
static void put_typed(FILE *to, const struct plan *plan, const struct value *value, bool in_place)
{
	switch (value->type) {
	case RILL_TYPE_NONE:
		fputs("rill_none()", to);
		break;
	case RILL_TYPE_F64:
		fprintf(to, "rill_f64(f64(%zu))", value->index);
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		fprintf(to, "rill_%s(", type_word(value->type));
		put_literal(to, value);
		fprintf(to, ", %zu)", value->size);
		break;
	case RILL_TYPE_IP:
		fprintf(to, "rill_ip((const struct sockaddr *)&ips[%zu])", value->index);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		if (in_place)
			put_nested(to, plan, value, in_place);
		else
			put_variable(to, value);
		break;
	default:
		fprintf(to, "rill_%s((%sint64_t)%" PRIu64 "ull)", type_word(value->type),
			value->type == RILL_TYPE_U64 || value->type == RILL_TYPE_TIMESTAMP ? "u"
											   : "",
			value->word);
	}
}

/* rill_list(...), rill_nested(...). What is inside an event is named: macros do not recur. */
static void put_nested(FILE *to, const struct plan *plan, const struct value *value, bool in_place)
{
	if (value->type == RILL_TYPE_LIST && value->nmembers == 0) {
		fputs("rill_list_of(NULL, 0)", to);
		return;
	}
	if (value->type == RILL_TYPE_LIST)
		fputs("rill_list(", to);
	else
		put_call(to, plan, value->page, "rill_nested", "", value->event);
	for (size_t i = 0; i < value->nmembers; i++) {
		const struct value *member = value->members[i];
		if (i || value->page)
			fputs(", ", to);
		if (value->page) {
			put_name(to, value->page->keys[value->keys[i]].name);
			fputc('(', to);
		}
		put_typed(to, plan, member, in_place && value->type == RILL_TYPE_LIST);
		if (value->page)
			fputc(')', to);
	}
	fputc(')', to);
}

/* What stands in a key's parentheses within a loop. */
static void put_argument(FILE *to, unsigned types, enum rill_type type, size_t page,
			 const char *index)
{
	const unsigned integers =
		RILL_SET_U64 | RILL_SET_I64 | RILL_SET_DURATION | RILL_SET_TIMESTAMP;
	bool state = (type == RILL_TYPE_DURATION || type == RILL_TYPE_TIMESTAMP) &&
		     (types & integers) != 1u << type;
	switch (type) {
	case RILL_TYPE_NONE:
		fputs("rill_none()", to);
		break;
	case RILL_TYPE_F64:
		fprintf(to, "f64(%s)", index);
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		fprintf(to, "%ss[%s].p, %ss[%s].n", type_word(type), index, type_word(type), index);
		break;
	case RILL_TYPE_IP:
		fprintf(to, "&ips[%s]", index);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		fprintf(to, "%ss%zu[%s]", type_word(type), page, index);
		break;
	default:
		fprintf(to, state ? "rill_%s(%ss[%s])" : "%.0s%ss[%s]", type_word(type),
			type_word(type), index);
	}
}

/* The same in the call after the loop: in place, and addresses and texts in their other forms. */
static void put_in_place(FILE *to, const struct plan *plan, const struct site *site, size_t slot,
			 const struct value *value)
{
	static const char *const ip4[] = {"((struct sockaddr_in *)&ips[%zu])->sin_addr",
					  "&((struct sockaddr_in *)&ips[%zu])->sin_addr",
					  "(const struct sockaddr_in *)&ips[%zu]"};
	static const char *const ip6[] = {"&((struct sockaddr_in6 *)&ips[%zu])->sin6_addr",
					  "(const struct sockaddr_in6 *)&ips[%zu]",
					  "(const struct sockaddr *)&ips[%zu]"};
	size_t form = (size_t)(site - plan->sites) % 3;
	unsigned types = plan->pages[site->page]->keys[site->slots[slot].key].types;
	char *index = format("%zu", value->index);
	if (value->type == RILL_TYPE_LIST || value->type == RILL_TYPE_EVENT)
		put_nested(to, plan, value, true);
	else if (value->type == RILL_TYPE_STRING && !memchr(value->bytes, 0, value->size))
		fprintf(to, "strings[%zu].p", value->index);
	else if (value->type == RILL_TYPE_IP && value->size == 4)
		fprintf(to, ip4[form], value->index);
	else if (value->type == RILL_TYPE_IP && value->size == 16)
		fprintf(to, ip6[form], value->index);
	else
		put_argument(to, types, value->type, site->page, index);
	free(index);
}

static void put_site(FILE *to, const struct plan *plan, const struct site *site)
{
	const struct page *page = plan->pages[site->page];
	size_t rounds = site_rounds(plan, site);
	bool literal = site_has_literal(site);
	fprintf(to, "static void site%zu(void)\n{\n\tfor (size_t i = 0; i < %zu; i++) {\n\t\t",
		(size_t)(site - plan->sites), rounds);
	for (int last = 0; last <= literal; last++) {
		/* Both forms, by turns. */
		bool compact = ((site - plan->sites) + last) % 2;
		put_call(to, plan, page, "rill_event", compact ? "_compact" : "", site->event);
		for (size_t i = 0; i < site->nslots; i++) {
			size_t key = site->slots[i].key;
			enum rill_type type = site->slots[i].type;
			char *index = format("(i + %zu) %% %zu", offset_of(plan, site, i),
					     plan->edges[site->page].count[type]);
			fputs(", ", to);
			put_name(to, page->keys[key].name);
			fputc('(', to);
			if (last)
				put_in_place(to, plan, site, i, site_value(plan, site, i, rounds));
			else
				put_argument(to, page->keys[key].types, type, site->page, index);
			fputc(')', to);
			free(index);
		}
		fputs(last ? ");\n\temitted++;\n" : ");\n\t\temitted++;\n\t}\n\t", to);
	}
	fputs("\n}\n\n", to);
}

static void put_part(FILE *to, const struct plan *plan, size_t part)
{
	size_t end = (part + 1) * SITES_PER_PART;
	end = end < plan->nsites ? end : plan->nsites;
	fputs("#include \"edges.h\"\n\n", to);
	for (size_t i = part * SITES_PER_PART; i < end; i++)
		put_site(to, plan, &plan->sites[i]);
	fprintf(to, "void part%zu(void)\n{\n", part);
	for (size_t i = part * SITES_PER_PART; i < end; i++)
		fprintf(to, "\tsite%zu();\n", i);
	fputs("}\n", to);
}

/* --- what all parts share
 * ------------------------------------------------------------------------- */

enum variable_use { DECLARE, DEFINE, ASSIGN };

/* Lists and events by themselves, inner ones first. They live as long as main()'s block does. */
static void put_variables(FILE *to, const struct plan *plan, const struct value *value,
			  enum variable_use use)
{
	if (value->type != RILL_TYPE_LIST && value->type != RILL_TYPE_EVENT)
		return;
	for (size_t i = 0; i < value->nmembers; i++)
		put_variables(to, plan, value->members[i], use);
	if (use != ASSIGN)
		fprintf(to, "%sstruct rill_value_%s ", use == DECLARE ? "extern " : "",
			type_word(value->type));
	put_variable(to, value);
	if (use == ASSIGN) {
		fputs(" = ", to);
		put_nested(to, plan, value, false);
	}
	fputs(";\n", to);
}

static const enum rill_type nested_types[] = {RILL_TYPE_LIST, RILL_TYPE_EVENT};

static void put_all_variables(FILE *to, const struct plan *plan, size_t page, enum variable_use use)
{
	const struct edges *edges = &plan->edges[page];
	for (int t = 0; t < 2; t++)
		for (size_t i = 0; i < edges->count[nested_types[t]]; i++)
			put_variables(to, plan, edges->of[nested_types[t]][i], use);
}

static void put_header(FILE *to, const struct plan *plan, size_t parts)
{
	if (plan->npages == 1)
		fprintf(to, "#define RILL_CATALOG %s\n", plan->pages[0]->catalog);
	for (size_t i = 0; i < plan->npages; i++)
		fprintf(to,
			"#include \"%s.h\"\n"
			"extern struct rill_value_list *lists%zu;\n"
			"extern struct rill_value_event *events%zu;\n",
			plan->pages[i]->catalog, i, i);
	fputs("struct text { const char *p; size_t n; };\n"
	      "struct piece { const unsigned char *p; size_t n; };\n"
	      "extern const struct text strings[];\n"
	      "extern const struct piece bytess[];\n"
	      "extern const _Bool bools[];\n"
	      "extern const uint64_t u64s[], timestamps[], f64s[];\n"
	      "extern const int64_t i64s[], durations[];\n"
	      "extern struct sockaddr_storage ips[];\n"
	      "extern unsigned long emitted;\n"
	      "static inline double f64(size_t i)\n"
	      "{\n\tdouble value;\n\tmemcpy(&value, &f64s[i], sizeof value);\n\treturn value;\n}\n",
	      to);
	for (size_t i = 0; i < plan->npages; i++)
		put_all_variables(to, plan, i, DECLARE);
	for (size_t i = 0; i < parts; i++)
		fprintf(to, "void part%zu(void);\n", i);
}

static void put_table(FILE *to, const struct edges *edges, enum rill_type type, const char *c_type)
{
	bool sized = type == RILL_TYPE_STRING || type == RILL_TYPE_BYTES;
	fprintf(to, "const %s %ss[] = {\n", c_type, type_word(type));
	for (size_t i = 0; i < edges->count[type]; i++) {
		const struct value *value = edges->of[type][i];
		if (sized) {
			fprintf(to, "\t{(const void *)");
			put_literal(to, value);
			fprintf(to, ", %zu},\n", value->size);
		} else {
			fprintf(to, "\t(%s)%" PRIu64 "ull,\n", c_type, value->word);
		}
	}
	fputs("};\n", to);
}

static void put_nested_tables(FILE *to, const struct plan *plan, size_t page)
{
	const struct edges *edges = &plan->edges[page];
	put_all_variables(to, plan, page, ASSIGN);
	for (int t = 0; t < 2; t++) {
		const char *word = type_word(nested_types[t]);
		fprintf(to, "\tstruct rill_value_%s %s_table%zu[] = {\n", word, word, page);
		for (size_t i = 0; i < edges->count[nested_types[t]]; i++) {
			fputs("\t\t", to);
			put_variable(to, edges->of[nested_types[t]][i]);
			fputs(",\n", to);
		}
		fprintf(to, "\t};\n\t%ss%zu = %s_table%zu;\n", word, page, word, page);
	}
}

static void put_main(FILE *to, const struct plan *plan, size_t parts)
{
	const struct edges *edges = &plan->edges[0];
	fputs("#include \"edges.h\"\n#include <stdio.h>\n#include <sys/un.h>\n\n", to);
	put_table(to, edges, RILL_TYPE_BOOL, "_Bool");
	put_table(to, edges, RILL_TYPE_U64, "uint64_t");
	put_table(to, edges, RILL_TYPE_I64, "int64_t");
	put_table(to, edges, RILL_TYPE_F64, "uint64_t");
	put_table(to, edges, RILL_TYPE_DURATION, "int64_t");
	put_table(to, edges, RILL_TYPE_TIMESTAMP, "uint64_t");
	put_table(to, edges, RILL_TYPE_STRING, "struct text");
	put_table(to, edges, RILL_TYPE_BYTES, "struct piece");
	fprintf(to, "struct sockaddr_storage ips[%zu];\nunsigned long emitted;\n",
		edges->count[RILL_TYPE_IP]);
	for (size_t i = 0; i < plan->npages; i++)
		fprintf(to,
			"struct rill_value_list *lists%zu;\nstruct rill_value_event *events%zu;\n",
			i, i);
	for (size_t i = 0; i < plan->npages; i++)
		put_all_variables(to, plan, i, DEFINE);
	fputs("\nint main(void)\n{\n", to);
	for (size_t i = 0; i < edges->count[RILL_TYPE_IP]; i++) {
		const struct value *ip = edges->of[RILL_TYPE_IP][i];
		const char *suffix = ip->size == 16 ? "6" : "";
		fprintf(to, "\tips[%zu].ss_family = %s;\n", i,
			ip->size == 16  ? "AF_INET6"
			: ip->size == 4 ? "AF_INET"
					: "AF_UNIX");
		if (!ip->size)
			continue;
		fprintf(to, "\tmemcpy(&((struct sockaddr_in%s *)&ips[%zu])->sin%s_addr, ", suffix,
			i, suffix);
		put_literal(to, ip);
		fprintf(to, ", %zu);\n", ip->size);
	}
	for (size_t i = 0; i < plan->npages; i++)
		put_nested_tables(to, plan, i);
	for (size_t i = 0; i < parts; i++)
		fprintf(to, "\tpart%zu();\n", i);
	fputs("\tprintf(\"emitted %lu\\n\", emitted);\n\treturn 0;\n}\n", to);
}

static FILE *create(const char *folder, const char *name)
{
	FILE *file = fopen(format("%s/%s", folder, name), "w");
	cr_assert(file, "%s/%s", folder, name);
	return file;
}

size_t program_write(const struct plan *plan, const char *folder)
{
	size_t parts = (plan->nsites + SITES_PER_PART - 1) / SITES_PER_PART;
	FILE *file = create(folder, "edges.h");
	put_header(file, plan, parts);
	fclose(file);
	file = create(folder, "main.c");
	put_main(file, plan, parts);
	fclose(file);
	for (size_t i = 0; i < parts; i++) {
		file = create(folder, format("part%zu.c", i));
		put_part(file, plan, i);
		fclose(file);
	}
	return parts;
}
