#include "text_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *at;
	bool failed;
};

static void put(struct text_parsed *to, const char *bytes, size_t size)
{
	to->bytes = realloc(to->bytes, to->size + size + 1);
	memcpy(to->bytes + to->size, bytes, size);
	to->size += size;
	to->bytes[to->size] = '\0';
}

static bool expect(struct reader *reader, const char *text)
{
	if (strncmp(reader->at, text, strlen(text)) != 0) {
		reader->failed = true;
		return false;
	}
	reader->at += strlen(text);
	return true;
}

static void put_code_point(struct text_parsed *to, unsigned long c)
{
	char utf8[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; c >>= 6)
		utf8[i] = (char)(0x80 | (c & 0x3f));
	utf8[0] = (char)(n == 1 ? c : ((0xf00u >> n) & 0xff) | c);
	put(to, utf8, n);
}

static void parse_escape(struct reader *reader, struct text_parsed *to)
{
	const char *short_forms = "n\nr\rt\t\"\"\\\\";
	char *end;
	if (*reader->at == 'x') {
		char digits[3] = {reader->at[1], reader->at[1] ? reader->at[2] : '\0', '\0'};
		char byte = (char)strtoul(digits, &end, 16);
		put(to, &byte, 1);
		reader->failed |= end != digits + 2;
		reader->at += reader->failed ? 0 : 3;
	} else if (strncmp(reader->at, "u{", 2) == 0) {
		put_code_point(to, strtoul(reader->at + 2, &end, 16));
		reader->at = end;
		expect(reader, "}");
	} else {
		for (size_t i = 0; short_forms[i]; i += 2) {
			if (short_forms[i] == *reader->at) {
				put(to, &short_forms[i + 1], 1);
				reader->at++;
				return;
			}
		}
		reader->failed = true;
	}
}

/* In quotes, or up to one of the stops. */
static struct text_parsed parse_string(struct reader *reader, const char *stops)
{
	struct text_parsed parsed = {TEXT_WORD, calloc(1, 1), 0, false, 0, NULL, 0};
	if (*reader->at != '"') {
		size_t size = strcspn(reader->at, stops);
		put(&parsed, reader->at, size);
		reader->at += size;
		return parsed;
	}
	parsed.kind = TEXT_STRING;
	for (reader->at++; *reader->at != '"' && !reader->failed;) {
		if (!*reader->at) {
			reader->failed = true;
		} else if (*reader->at == '\\') {
			reader->at++;
			parse_escape(reader, &parsed);
		} else {
			put(&parsed, reader->at++, 1);
		}
	}
	reader->at++;
	return parsed;
}

static struct text_pair *add_pair(struct text_pair **pairs, size_t *npairs)
{
	*pairs = realloc(*pairs, (*npairs + 1) * sizeof **pairs);
	memset(&(*pairs)[*npairs], 0, sizeof **pairs);
	return &(*pairs)[(*npairs)++];
}

static struct text_parsed parse_value(struct reader *reader);

static void parse_pair(struct reader *reader, struct text_pair *pair)
{
	struct text_parsed key = parse_string(reader, "=");
	pair->key = key.bytes;
	pair->key_size = key.size;
	if (expect(reader, "="))
		pair->value = parse_value(reader);
}

static struct text_parsed parse_value(struct reader *reader)
{
	struct text_parsed parsed = {TEXT_LIST, NULL, 0, false, 0, NULL, 0};
	char close = ']';
	if (*reader->at != '[') {
		parsed = parse_string(reader, " ,]}[{");
		if (parsed.kind == TEXT_WORD && *reader->at == '{') {
			parsed.kind = TEXT_EVENT;
			close = '}';
		}
	}
	if (parsed.kind == TEXT_LIST || parsed.kind == TEXT_EVENT) {
		reader->at++;
		while (*reader->at != close && !reader->failed) {
			if (parsed.npairs)
				expect(reader, close == ']' ? ", " : " ");
			if (close == '}') {
				parse_pair(reader, add_pair(&parsed.pairs, &parsed.npairs));
			} else {
				struct text_pair *pair = add_pair(&parsed.pairs, &parsed.npairs);
				pair->value = parse_value(reader);
			}
		}
		expect(reader, (const char[]){close, '\0'});
	}
	char *remark = parsed.kind == TEXT_WORD ? strstr(parsed.bytes, "...(") : NULL;
	if (remark) { /* of a word: 0x00...(cut, */
		reader->at -= strlen(remark);
		*remark = '\0';
		parsed.size = strlen(parsed.bytes);
	}
	if (strncmp(reader->at, "...(", 4) == 0) {
		char *end = strchr(reader->at, ',');
		parsed.remark = true;
		if (!end || strncmp(end, ", ", 2) != 0) {
			reader->failed = true;
			return parsed;
		}
		parsed.remark_size = strtoull(end + 2, &end, 10);
		reader->at = end;
		expect(reader, " bytes)");
	}
	return parsed;
}

const char *text_parse(struct text_line *line, const char *text)
{
	struct reader reader = {text, false};
	bool inherited = false;
	memset(line, 0, sizeof *line);
	line->time = parse_string(&reader, " ").bytes;
	expect(&reader, " ");
	line->level = parse_string(&reader, " ").bytes;
	reader.at += strspn(reader.at, " ");
	line->event = parse_string(&reader, " ").bytes;
	reader.at += strspn(reader.at, " ");
	if (*reader.at == '"') {
		line->brief = parse_string(&reader, "").bytes;
	} else {
		const char *end = strstr(reader.at, ": ");
		if (!end)
			return reader.at;
		line->brief = strndup(reader.at, (size_t)(end - reader.at));
		reader.at = end;
	}
	expect(&reader, ": ");
	while (!reader.failed && *reader.at != '[') {
		if (strncmp(reader.at, "| ", 2) == 0) {
			inherited = true;
			reader.at += 2;
		}
		struct text_pair *pair = add_pair(&line->pairs, &line->npairs);
		pair->inherited = inherited;
		parse_pair(&reader, pair);
		if (!reader.failed)
			expect(&reader, " ");
	}
	if (reader.failed)
		return reader.at;
	line->place = strdup(reader.at);
	return line->place[strcspn(line->place, "]")] && !strchr(line->place, ']')[1] ? NULL
										      : reader.at;
}
