/* Values compared with what the dump's reader and the text parser say. */
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/value.h"

static const char *item_nested(const struct value *value, const struct rill_item *item,
			       const struct rill_catalogs *catalogs)
{
	struct rill_nested nested;
	struct rill_item element;
	if (rill_nested_open(&nested, item, catalogs))
		return "can't be opened";
	if (value->page && (!nested.event || !nested.catalog ||
			    strcmp(nested.event->name, value->page->events[value->event]) != 0 ||
			    strcmp(nested.catalog->name, value->page->catalog) != 0))
		return format("is event %s", nested.event ? nested.event->name : "?");
	for (size_t i = 0; i < value->nmembers; i++) {
		if (rill_nested_next(&nested, &element) != 1)
			return format("ends before element %zu", i);
		if (value->page && strcmp(nested.catalog->keys[element.key].name,
					  value->page->keys[value->keys[i]].name) != 0)
			return format("element %zu has the wrong key", i);
		const char *differs = value_differs_item(value->members[i], &element, catalogs);
		if (differs)
			return format("element %zu (%s %s): %s", i,
				      type_word(value->members[i]->type), value->members[i]->edge,
				      differs);
	}
	return rill_nested_next(&nested, &element) == 0 ? NULL : "goes on";
}

const char *value_differs_item(const struct value *value, const struct rill_item *item,
			       const struct rill_catalogs *catalogs)
{
	enum rill_type type = type_seen(value);
	if (item->type != type)
		return format("type is %s", type_word(item->type));
	if (item->cut != (value->original != 0))
		return item->cut ? "is cut" : "is not cut";
	if (value->original && item->original_size != value->original)
		return format("had %u bytes, not %zu", item->original_size,
			      (size_t)value->original);
	switch (type) {
	case RILL_TYPE_NONE:
		return NULL;
	case RILL_TYPE_BOOL:
		return item->boolean == (value->word != 0) ? NULL : "is the other";
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
	case RILL_TYPE_IP:
		if (item->size != value->size)
			return format("has %u bytes, not %zu", item->size, value->size);
		return memcmp(item->bytes, value->bytes, value->size) == 0 ? NULL
									   : "has other bytes";
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		return item_nested(value, item, catalogs);
	default: /* bits, so that -0 is not 0 and NaN is itself */
		return item->u64 == value->word
			       ? NULL
			       : format("is %llx, not %llx", (unsigned long long)item->u64,
					(unsigned long long)value->word);
	}
}

/* --- text
 * ------------------------------------------------------------------------------------------- */

/* docs/text.md: what stands without quotes. */
static bool is_word(const unsigned char *bytes, size_t size)
{
	static const char *const taken[] = {"none", "true", "false", "nan", "infinity"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";
	char *text = strndup((const char *)bytes, size);
	bool word = size > 0 && size <= 255 && strlen(text) == size && strchr(letters, text[0]) &&
		    strspn(text, format("%s0123456789.-@+", letters)) == size;
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		word = word && strcasecmp(text, taken[i]) != 0;
	return word;
}

static const char *text_nested(const struct value *value, const struct text_parsed *parsed)
{
	if (parsed->kind != (value->page ? TEXT_EVENT : TEXT_LIST))
		return "is no list or event";
	if (value->page && strcmp(parsed->bytes, value->page->events[value->event]) != 0)
		return format("is event %s", parsed->bytes);
	if (parsed->npairs != value->nmembers)
		return format("has %zu elements, not %zu", parsed->npairs, value->nmembers);
	for (size_t i = 0; i < value->nmembers; i++) {
		if (value->page &&
		    strcmp(parsed->pairs[i].key, value->page->keys[value->keys[i]].name) != 0)
			return format("element %zu has the key %s", i, parsed->pairs[i].key);
		const char *differs =
			value_differs_text(value->members[i], &parsed->pairs[i].value);
		if (differs)
			return format("element %zu (%s %s): %s", i,
				      type_word(value->members[i]->type), value->members[i]->edge,
				      differs);
	}
	return NULL;
}

static const char *text_number(const struct value *value)
{
	switch (type_seen(value)) {
	case RILL_TYPE_NONE:
		return "none";
	case RILL_TYPE_BOOL:
		return value->word ? "true" : "false";
	case RILL_TYPE_U64:
		return format("%llu", (unsigned long long)value->word);
	case RILL_TYPE_I64:
		return format("%lld", (long long)value->word);
	default:
		return value->text;
	}
}

const char *value_differs_text(const struct value *value, const struct text_parsed *parsed)
{
	const char *expected;
	char *hex;
	if (parsed->remark != (value->original != 0) || parsed->remark_size != value->original)
		return format("remark on %zu bytes", (size_t)parsed->remark_size);
	switch (type_seen(value)) {
	case RILL_TYPE_STRING:
		if (parsed->kind != (is_word(value->bytes, value->size) && !value->original
					     ? TEXT_WORD
					     : TEXT_STRING))
			return "quotes";
		if (parsed->size != value->size)
			return format("has %zu bytes, not %zu", parsed->size, value->size);
		return memcmp(parsed->bytes, value->bytes, value->size) == 0 ? NULL
									     : "has other bytes";
	case RILL_TYPE_BYTES:
		hex = calloc(value->size + 1, 2);
		for (size_t i = 0; i < value->size; i++)
			snprintf(hex + 2 * i, 3, "%02x", value->bytes[i]);
		expected = format("0x%s", hex);
		break;
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		return text_nested(value, parsed);
	default:
		expected = text_number(value);
	}
	if (parsed->kind != TEXT_WORD || strcmp(parsed->bytes, expected) != 0)
		return format("is %s, not %s", parsed->bytes, expected);
	return NULL;
}
