/* The description of a trace in TSDL: CTF 1.8.3, section 7 and appendix C. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/ctf.h"
#include "core/characters.h"

#define NAME_ROOM  256u
#define MOST_NAMES (4 * CTF_WORDS) /* of the fields of an event */

static void put(struct buffer *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct buffer *to, const char *format, ...)
{
	va_list arguments;
	char *at = buffer_reserve(to, 512);
	if (!at)
		return;
	va_start(arguments, format);
	int used = vsnprintf(at, 512, format, arguments);
	va_end(arguments);
	buffer_end(to, at + (used < 512 ? used : 511));
}

/* A string literal, as in C. */
static void put_literal(struct buffer *to, const char *text)
{
	buffer_char(to, '"');
	const unsigned char *at = (const unsigned char *)text, *end = at + strlen(text);
	uint32_t c;
	for (size_t size; at < end; at += size) {
		size = utf8_read(at, (size_t)(end - at), &c);
		if (*at == '"' || *at == '\\')
			put(to, "\\%c", *at);
		else if (size && !character_is_unsafe(c))
			buffer_put(to, at, size);
		else
			put(to, "\\%03o", *at);
		if (!size || character_is_unsafe(c))
			size = 1; /* what follows it is no character, and escaped too */
	}
	buffer_char(to, '"');
}

static void put_types(struct buffer *to)
{
	static const struct {
		unsigned size;
		const char *attributes, *name;
	} integers[] = {
		{8, "", "u8"},
		{16, "", "u16"},
		{32, "", "u32"},
		{64, "", "u64"},
		{64, " signed = true;", "i64"},
		{8, " base = 16;", "x8"},
		{64, " base = 16;", "x64"},
		{64, " map = clock.rill.value;", "time"},
	};
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
		put(to, "typealias integer { size = %u; align = 8;%s } := %s;\n", integers[i].size,
		    integers[i].attributes, integers[i].name);
	buffer_text(to, "typealias floating_point { exp_dig = 11; mant_dig = 53; align = 8; }"
			" := f64;\n"
			"typealias enum : u8 { \"false\" = 0, \"true\" = 1 } := bool;\n"
			"typealias enum : u8 { ");
	for (unsigned type = 0; type < RILL_TYPE_COUNT; type++)
		put(to, "%s\"%s\" = %u", type ? ", " : "", type_name(type), type);
	buffer_text(to, " } := type;\n\n");
}

static void put_head(struct buffer *to, const struct ctf_trace *trace)
{
	const struct dump_process *process = &trace->origin->process;
	const uint64_t *id = process->id;
	buffer_text(to, "/* CTF 1.8 */\n\n"
			"clock {\n\tname = rill;\n\tdescription = \"nanoseconds since the Unix"
			" epoch\";\n\tfreq = 1000000000;\n\toffset = 0;\n\tabsolute = true;\n"
			"\tprecision = 1;\n};\n\n");
	put_types(to);
	buffer_text(to, "trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = le;\n");
	put(to, "\tuuid = \"%08x-%04x-%04x-%04x-%012" PRIx64 "\";\n", (uint32_t)(id[0] >> 32),
	    (unsigned)(id[0] >> 16 & 0xffff), (unsigned)(id[0] & 0xffff), (unsigned)(id[1] >> 48),
	    id[1] & UINT64_C(0xffffffffffff));
	buffer_text(to, "\tpacket.header := struct {\n\t\tu32 magic;\n\t\tu8 uuid[16];\n"
			"\t\tu32 stream_id;\n\t\tu64 stream_instance_id;\n\t};\n};\n\nenv {\n");
	buffer_text(to, "\tproduct = \"rill\";\n\tprogram = ");
	put_literal(to, process->program);
	buffer_text(to, ";\n\tprocname = ");
	put_literal(to, process->program);
	if (*export_host(process)) {
		buffer_text(to, ";\n\thostname = ");
		put_literal(to, process->host);
	}
	put(to,
	    ";\n\tpid = %" PRIu32 ";\n\tvpid = %" PRIu32 ";\n\tprocess_id = \"%016" PRIx64
	    "%016" PRIx64 "\";\n\tstart_ns = \"%" PRIu64 "\";\n};\n\n",
	    process->pid, process->pid, id[0], id[1], process->start_ns);
}

static void put_stream(struct buffer *to, unsigned id)
{
	put(to, "stream {\n\tid = %u;\n", id);
	buffer_text(to, "\tpacket.context := struct {\n\t\ttime timestamp_begin;\n"
			"\t\ttime timestamp_end;\n\t\tu64 content_size;\n\t\tu64 packet_size;\n"
			"\t\tu64 packet_seq_num;\n\t\tu64 events_discarded;\n\t};\n"
			"\tevent.header := struct {\n\t\tu32 id;\n\t\ttime timestamp;\n\t};\n"
			"\tevent.context := struct {\n\t\tu32 _tid;\n\t};\n};\n\n");
}

static void put_span_names(struct buffer *to, const struct rill_catalog *catalog, uint32_t index)
{
	if (!catalog->nspans)
		return;
	buffer_text(to, "typealias enum : u16 {\n");
	for (unsigned i = 0; i < catalog->nspans; i++) {
		buffer_char(to, '\t');
		put_literal(to, catalog->spans[i].name);
		put(to, " = %u,\n", i);
	}
	put(to, "} := span_names_%" PRIu32 ";\n\n", index);
}

/* --- an event's fields --------------------------------------------------------------------- */

/* Names of the fields of one event class. */
struct names {
	char used[MOST_NAMES][NAME_ROOM];
	size_t count;
};

/*
 * A name that no other field of the event has: readers refuse what stands there twice. The
 * underscore in front, which they take away, keeps it apart from the language's words.
 */
static const char *field_name(struct names *names, const char *prefix, const char *key)
{
	char *name = names->used[names->count];
	int size = snprintf(name, NAME_ROOM - MOST_NAMES, "_%s%s", prefix, key);
	if (size >= (int)(NAME_ROOM - MOST_NAMES))
		size = (int)(NAME_ROOM - MOST_NAMES - 1);
	/* An identifier, also where a dump has names that no page may have. */
	for (char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at))
			*at = '_';
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->used[i], name) != 0)
			continue;
		name[size++] = '_';
		name[size] = 0;
		i = (size_t)-1;
	}
	names->count++;
	return name;
}

/* "spanId", "to#2", "#17": as JSON has it. */
static void key_name(char *to, const struct rill_catalog *catalog, const struct ctf_shape *shape,
		     unsigned field)
{
	uint16_t key = ctf_key(shape->words[field]);
	const struct rill_catalog_key *of = find_key(catalog, key);
	unsigned occurrence = 1;
	for (unsigned i = 1; i < field; i++)
		occurrence += ctf_key(shape->words[i]) == key;
	int used =
		of ? snprintf(to, NAME_ROOM, "%s", of->name) : snprintf(to, NAME_ROOM, "#%u", key);
	if (used > (int)NAME_ROOM - 16)
		used = (int)NAME_ROOM - 16;
	if (occurrence > 1)
		snprintf(to + used, NAME_ROOM - (size_t)used, "#%u", occurrence);
}

static const char *type_of(unsigned type)
{
	static const char *const types[RILL_TYPE_COUNT] = {
		[RILL_TYPE_BOOL] = "bool",     [RILL_TYPE_U64] = "u64",
		[RILL_TYPE_I64] = "i64",       [RILL_TYPE_F64] = "f64",
		[RILL_TYPE_DURATION] = "i64",  [RILL_TYPE_TIMESTAMP] = "u64",
		[RILL_TYPE_STRING] = "string", [RILL_TYPE_BYTES] = "x8",
		[RILL_TYPE_IP] = "string",     [RILL_TYPE_LIST] = "string",
		[RILL_TYPE_EVENT] = "string",
	};
	return types[type] ? types[type] : "struct { }";
}

static void put_sequence(struct buffer *to, struct names *names, const char *key,
			 const char *prefix, const char *type)
{
	const char *size = field_name(names, "size_", key);
	put(to, "\t\tu32 %s;\n", size);
	put(to, "\t\t%s %s[%s];\n", type, field_name(names, prefix, key), size);
}

static void put_field(struct buffer *to, struct names *names, const char *key,
		      const struct rill_catalog *catalog, uint32_t word)
{
	unsigned form = ctf_form(word), type = ctf_type(word);
	if (ctf_tells_type(catalog, word))
		put(to, "\t\ttype %s;\n", field_name(names, "type_", key));
	if (form >= CTF_SEQUENCE)
		put_sequence(to, names, key, "", type_of(form - CTF_SEQUENCE));
	else if (type == RILL_TYPE_BYTES)
		put_sequence(to, names, key, "", "x8");
	else
		put(to, "\t\t%s %s;\n", type_of(type), field_name(names, "", key));
	if (form == CTF_RAW)
		put_sequence(to, names, key, "raw_", "x8");
	if (ctf_cut(word))
		put(to, "\t\tu64 %s;\n", field_name(names, "cut_", key));
}

static void put_context(struct buffer *to, const struct ctf_shape *shape, const char *text)
{
	buffer_text(to, "\tcontext := struct {\n\t\tenum : u8 { ");
	put_literal(to, text);
	buffer_text(to, " = 0 } _text;\n");
	if (shape->words[0] & CTF_SPAN)
		put(to, "\t\tspan_names_%u _span;\n\t\tx64 _span_id;\n", shape->catalog);
	if (shape->words[0] & CTF_PARENT)
		buffer_text(to, "\t\tx64 _span_parent;\n");
	if (shape->words[0] & CTF_SPAN)
		buffer_text(to, "\t\tstring _span_trace;\n");
	buffer_text(to, "\t};\n");
}

/* LTTng's: emergency is 0, debug is 14. */
static unsigned level_number(unsigned level)
{
	static const unsigned char numbers[] = {
		[RILL_TRACE] = 14, [RILL_DEBUG] = 7, [RILL_INFO] = 6,
		[RILL_WARN] = 4,   [RILL_ERROR] = 3,
	};
	return level < sizeof numbers ? numbers[level] : 14;
}

static void put_event(struct buffer *to, struct names *names, const struct rill_catalog *catalog,
		      const struct ctf_shape *shape)
{
	const struct rill_catalog_event *event = &catalog->events[shape->event];
	char key[NAME_ROOM];
	names->count = 0;
	buffer_text(to, "event {\n\tname = ");
	put_literal(to, event->name);
	put(to, ";\n\tid = %" PRIu32 ";\n\tstream_id = %u;\n\tloglevel = %u;\n", shape->id,
	    CTF_THREADS, level_number(event->level));
	put_context(to, shape, event->brief);
	buffer_text(to, "\tfields := struct {\n");
	if (shape->words[0] & CTF_WHOLE_JSON)
		buffer_text(to, "\t\tstring _keys;\n");
	for (unsigned i = 1; i < shape->nwords; i++) {
		key_name(key, catalog, shape, i);
		put_field(to, names, key, catalog, shape->words[i]);
	}
	buffer_text(to, "\t};\n};\n\n");
}

void ctf_put_metadata(struct buffer *to, const struct ctf_trace *trace)
{
	const struct rill_catalogs *catalogs = &trace->origin->catalogs;
	struct names *names = malloc(sizeof *names);
	if (!names) {
		to->broken = true;
		return;
	}
	put_head(to, trace);
	put_stream(to, CTF_THREADS);
	put_stream(to, CTF_LOSSES);
	for (uint32_t i = 0; i < trace->ncatalogs; i++) {
		const struct rill_catalog *catalog = catalogs->catalog[i];
		if (!trace->shapes[i])
			continue;
		put_span_names(to, catalog, i);
		for (unsigned event = 0; event < catalog->nevents; event++)
			for (const struct ctf_shape *at = trace->shapes[i][event]; at;
			     at = at->next)
				put_event(to, names, catalog, at);
	}
	free(names);
}
