/* What the second reader and jq print of a value. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/value.h"

static const char *const type_words[] = {"none",      "bool",   "u64",   "i64", "f64",  "duration",
					 "timestamp", "string", "bytes", "ip",  "list", "event"};

const char *type_word(unsigned type)
{
	return type < RILL_TYPE_COUNT ? type_words[type] : "?";
}

unsigned type_of_word(const char *word, size_t size)
{
	for (unsigned type = 0; type < RILL_TYPE_COUNT; type++)
		if (strlen(type_words[type]) == size && !strncmp(word, type_words[type], size))
			return type;
	cr_assert_fail("no type: %.*s", (int)size, word);
	return 0;
}

unsigned types_of(const char *text)
{
	unsigned types = 0;
	for (size_t size; *text; text += size + (text[size] == '|')) {
		size = strcspn(text, "|");
		types |= 1u << type_of_word(text, size);
	}
	return types;
}

enum rill_type type_seen(const struct value *value)
{
	return value->type == RILL_TYPE_IP && value->size == 0 ? RILL_TYPE_NONE : value->type;
}

static void put_hex(FILE *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(to, "%02x", bytes[i]);
}

void value_second(FILE *to, const struct value *value, uint32_t catalog)
{
	switch (type_seen(value)) {
	case RILL_TYPE_NONE:
		fputc('0', to);
		break;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		fprintf(to, "%" PRId64, (int64_t)value->word);
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
	case RILL_TYPE_IP:
		put_hex(to, value->bytes, value->size);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		fprintf(to, "%zu(", value->page ? value->event + ((size_t)catalog << 24) : 0);
		for (size_t i = 0; i < value->nmembers; i++) {
			fprintf(to, "%s%zu:%s=", i ? " " : "", value->page ? value->keys[i] : 0,
				type_word(type_seen(value->members[i])));
			value_second(to, value->members[i], catalog);
		}
		fputc(')', to);
		break;
	default:
		fprintf(to, "%" PRIu64, value->word);
	}
	if (value->original)
		fputc('~', to);
}

/* --- JSON
 * ------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at `at`; 0: there is none (Unicode, table 3-7). */
static size_t utf8_length(const unsigned char *at, size_t size)
{
	static const unsigned char rows[][4] = {{0xc2, 0xdf, 0x80, 0xbf}, {0xe0, 0xe0, 0xa0, 0xbf},
						{0xe1, 0xec, 0x80, 0xbf}, {0xed, 0xed, 0x80, 0x9f},
						{0xee, 0xef, 0x80, 0xbf}, {0xf0, 0xf0, 0x90, 0xbf},
						{0xf1, 0xf3, 0x80, 0xbf}, {0xf4, 0xf4, 0x80, 0x8f}};
	if (*at < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t length = i == 0 ? 2 : i < 5 ? 3 : 4;
		if (*at < rows[i][0] || *at > rows[i][1])
			continue;
		if (size < length || at[1] < rows[i][2] || at[1] > rows[i][3])
			return 0;
		for (size_t k = 2; k < length; k++)
			if (at[k] >> 6 != 2)
				return 0;
		return length;
	}
	return 0;
}

/* A JSON string as jq writes it. False: a byte of it was not UTF-8. */
static bool put_string(FILE *to, const unsigned char *bytes, size_t size)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	bool valid = true;
	fputc('"', to);
	for (size_t i = 0, length; i < size; i += length) {
		length = utf8_length(bytes + i, size - i);
		const char *found = bytes[i] ? strchr(escaped, bytes[i]) : NULL;
		if (length == 0) {
			fputs("\xef\xbf\xbd", to);
			valid = false;
			length = 1;
		} else if (found) {
			fprintf(to, "\\%c", letters[found - escaped]);
		} else if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
			fprintf(to, "\\u%04x", bytes[i]);
		} else {
			fwrite(bytes + i, 1, length, to);
		}
	}
	fputc('"', to);
	return valid;
}

enum { TYPES, RAW, CUT, LISTS };
struct notes {
	char *text[LISTS];
	size_t size[LISTS];
	FILE *list[LISTS];
	size_t count[LISTS];
};

static void notes_begin(struct notes *notes)
{
	memset(notes, 0, sizeof *notes);
	for (int i = 0; i < LISTS; i++)
		notes->list[i] = open_memstream(&notes->text[i], &notes->size[i]);
}

static void notes_free(struct notes *notes)
{
	for (int i = 0; i < LISTS; i++)
		free(notes->text[i]);
}

/* The list of notes to which one on this path is to be appended. */
static FILE *note(struct notes *notes, int list, const char *path)
{
	fprintf(notes->list[list], "%s\"%s\":", notes->count[list]++ ? "," : "", path);
	return notes->list[list];
}

/* Types that JSON shows. */
static bool natural(enum rill_type type)
{
	return type == RILL_TYPE_NONE || type == RILL_TYPE_BOOL || type == RILL_TYPE_STRING ||
	       type == RILL_TYPE_LIST || type == RILL_TYPE_EVENT;
}

static void put_value(FILE *to, const struct value *value, const char *path, struct notes *notes);

static void put_list(FILE *to, const struct value *list, const char *path, struct notes *notes)
{
	bool common = list->nmembers > 0;
	fputc('[', to);
	for (size_t i = 1; i < list->nmembers; i++)
		common = common && type_seen(list->members[i]) == type_seen(list->members[0]);
	for (size_t i = 0; i < list->nmembers; i++) {
		enum rill_type type = type_seen(list->members[i]);
		char *inner = format("%s[%zu]", path, i), *all = format("%s[]", path);
		if (!natural(type) && (!common || i == 0))
			fprintf(note(notes, TYPES, common ? all : inner), "\"%s\"",
				type_word(type));
		if (i)
			fputc(',', to);
		put_value(to, list->members[i], inner, notes);
		free(inner);
		free(all);
	}
	fputc(']', to);
}

static void put_key(FILE *to, const struct page *page, size_t key, const char *name,
		    const struct value *value, struct notes *notes)
{
	unsigned type = type_seen(value), types = page->keys[key].types;
	if (!natural(type) && types != 1u << type)
		fprintf(note(notes, TYPES, name), "\"%s\"", type_word(type));
	put_value(to, value, name, notes);
}

static void put_event(FILE *to, const struct value *event)
{
	static const char *const words[] = {"types", "raw", "cut"};
	struct notes notes;
	notes_begin(&notes);
	fprintf(to, "{\"event\":\"%s\",\"keys\":{", event->page->events[event->event]);
	for (size_t i = 0; i < event->nmembers; i++) {
		const char *key = event->page->keys[event->keys[i]].name;
		size_t before = 1;
		for (size_t k = 0; k < i; k++)
			before += event->keys[k] == event->keys[i];
		char *name = before > 1 ? format("%s#%zu", key, before) : format("%s", key);
		fprintf(to, "%s\"%s\":", i ? "," : "", name);
		put_key(to, event->page, event->keys[i], name, event->members[i], &notes);
		free(name);
	}
	fputc('}', to);
	for (int i = 0; i < LISTS; i++) {
		fclose(notes.list[i]);
		if (notes.count[i])
			fprintf(to, ",\"%s\":{%s}", words[i], notes.text[i]);
	}
	fputc('}', to);
	notes_free(&notes);
}

/* As jq writes the same number: a whole one without .0, an exponent with its sign. */
static void put_f64(FILE *to, const char *text)
{
	int size = (int)strlen(text);
	const char *exponent = strstr(text, "e3");
	if (strpbrk(text, "yN"))
		fprintf(to, "\"%s\"", text);
	else if (strcmp(text + size - 2, ".0") == 0)
		fprintf(to, "%.*s", size - 2, text);
	else if (exponent)
		fprintf(to, "%.*se+%s", (int)(exponent - text), text, exponent + 1);
	else
		fputs(text, to);
}

static void put_value(FILE *to, const struct value *value, const char *path, struct notes *notes)
{
	switch (type_seen(value)) {
	case RILL_TYPE_NONE:
		fputs("null", to);
		break;
	case RILL_TYPE_BOOL:
		fputs(value->word ? "true" : "false", to);
		break;
	case RILL_TYPE_U64:
		fprintf(to, "\"%" PRIu64 "\"", value->word);
		break;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		fprintf(to, "\"%" PRId64 "\"", (int64_t)value->word);
		break;
	case RILL_TYPE_F64:
		put_f64(to, value->text);
		break;
	case RILL_TYPE_STRING:
		if (!put_string(to, value->bytes, value->size)) {
			FILE *raw = note(notes, RAW, path);
			fputc('"', raw);
			put_hex(raw, value->bytes, value->size);
			fputc('"', raw);
		}
		break;
	case RILL_TYPE_BYTES:
		fputc('"', to);
		put_hex(to, value->bytes, value->size);
		fputc('"', to);
		break;
	case RILL_TYPE_LIST:
		if (value->too_deep)
			fputs("null", to);
		else
			put_list(to, value, path, notes);
		break;
	case RILL_TYPE_EVENT:
		put_event(to, value);
		break;
	default:
		fprintf(to, "\"%s\"", value->text);
	}
	if (value->original)
		fprintf(note(notes, CUT, path), "%" PRIu64, value->original);
}

void value_jq(FILE *to, const struct page *page, size_t key, const struct value *value,
	      size_t *total)
{
	struct notes notes;
	const char *name = page->keys[key].name;
	notes_begin(&notes);
	fprintf(to, "[\"%s\",", name);
	put_key(to, page, key, name, value, &notes);
	for (int i = 0; i < LISTS; i++) {
		fclose(notes.list[i]);
		fprintf(to, ",{%s}", notes.text[i]);
		*total += notes.count[i];
	}
	fputs("]", to);
	notes_free(&notes);
}
