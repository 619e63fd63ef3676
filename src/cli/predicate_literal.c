/* Values in predicates: numbers, durations, sizes, addresses, times, text. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/predicate_parts.h"
#include "cli/select.h"

static const struct unit {
	const char *name;
	uint64_t scale;
} durations[] = {{"ns", 1},
		 {"us", 1000},
		 {"\xc2\xb5s", 1000}, /* the micro sign */
		 {"\xce\xbcs", 1000}, /* mu */
		 {"ms", 1000000},
		 {"s", 1000000000},
		 {"m", UINT64_C(60) * 1000000000},
		 {"h", UINT64_C(3600) * 1000000000},
		 {"d", UINT64_C(86400) * 1000000000},
		 {NULL, 0}},
  sizes[] = {{"B", 1},
	     {"KiB", UINT64_C(1) << 10},
	     {"MiB", UINT64_C(1) << 20},
	     {"GiB", UINT64_C(1) << 30},
	     {"TiB", UINT64_C(1) << 40},
	     {"kB", 1000},
	     {"MB", 1000000},
	     {"GB", 1000000000},
	     {"TB", UINT64_C(1000000000000)},
	     {NULL, 0}};

/* Digits with an optional fraction and a unit, at *text, which is moved behind them. False: that is
 * not what stands there. The sum is saturated. */
static bool read_part(const char **text, const struct unit *units, __int128 *sum)
{
	const char *at = *text;
	__int128 whole = 0, fraction = 0, scale = 1;
	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++)
		whole = whole > UINT64_MAX ? whole : whole * 10 + (*at - '0');
	if (*at == '.') {
		if (!isdigit((unsigned char)*++at))
			return false;
		for (; isdigit((unsigned char)*at); at++)
			if (scale < INT64_C(1000000000000000)) {
				fraction = fraction * 10 + (*at - '0');
				scale *= 10;
			}
	}
	const struct unit *unit = NULL;
	size_t longest = 0;
	for (; units->name; units++) {
		size_t length = strlen(units->name);
		if (length > longest && strncmp(at, units->name, length) == 0) {
			unit = units;
			longest = length;
		}
	}
	if (!unit)
		return false;
	*sum += whole * unit->scale + fraction * unit->scale / scale;
	*text = at + longest;
	return true;
}

static bool read_duration(struct literal *literal, const char *text, bool *too_large)
{
	bool negative = *text == '-';
	__int128 sum = 0;
	text += negative;
	/* 1h30m: one bound for what is summed up. */
	for (unsigned parts = 0; *text; parts++)
		if (parts == 8 || !read_part(&text, durations, &sum))
			return false;
	*too_large = sum > INT64_MAX;
	literal->kind = LITERAL_DURATION;
	literal->duration_ns = (int64_t)(negative ? -sum : sum);
	return true;
}

static bool read_size(struct literal *literal, const char *text, bool *too_large)
{
	__int128 sum = 0;
	if (!read_part(&text, sizes, &sum) || *text)
		return false;
	*too_large = sum > UINT64_MAX;
	literal->kind = LITERAL_INTEGER;
	literal->integer = sum;
	return true;
}

static bool read_integer(struct literal *literal, const char *text, bool *too_large)
{
	bool negative = *text == '-';
	text += negative || *text == '+';
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = text + (hex ? 2 : 0);
	size_t length = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	if (!length || digits[length])
		return false;
	errno = 0;
	uint64_t magnitude = strtoull(digits, NULL, hex ? 16 : 10);
	*too_large = errno || (negative && magnitude > (uint64_t)1 << 63);
	literal->kind = LITERAL_INTEGER;
	literal->integer = negative ? -(__int128)magnitude : (__int128)magnitude;
	return true;
}

static bool read_real(struct literal *literal, const char *text, bool *too_large)
{
	char *end;
	/* Neither "inf" nor hexadecimal. */
	if (strspn(text, "+-.0123456789eE") != strlen(text) || !strpbrk(text, "0123456789"))
		return false;
	literal->kind = LITERAL_REAL;
	literal->real = strtod(text, &end);
	*too_large = isinf(literal->real);
	return !*end;
}

void ip_widen(unsigned char to[16], const unsigned char *bytes, size_t size)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	memset(to, 0, 16);
	if (size == 4)
		memcpy(to, mapped, 12);
	memcpy(to + (size == 4 ? 12 : 0), bytes, size == 4 ? 4 : 16);
}

static bool read_ip(struct literal *literal, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	size_t length = strcspn(text, "/");
	if (length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	size_t size = inet_pton(AF_INET, address, bytes) == 1    ? 4
		      : inet_pton(AF_INET6, address, bytes) == 1 ? 16
								 : 0;
	if (!size)
		return false;
	unsigned long bits = 8 * size;
	if (text[length]) {
		const char *digits = text + length + 1;
		size_t count = strspn(digits, "0123456789");
		if (!count || count > 3 || digits[count] || strtoul(digits, NULL, 10) > bits)
			return false;
		bits = strtoul(digits, NULL, 10);
	}
	ip_widen(literal->ip, bytes, size);
	literal->prefix = (uint8_t)(bits + (size == 4 ? 96 : 0));
	literal->kind = LITERAL_IP;
	return true;
}

bool literal_read(struct literal *literal, const struct token *token, struct predicate_error *error)
{
	const char *text = token->bytes;
	bool too_large = false;
	*literal = (struct literal){.kind = LITERAL_STRING,
				    .quoted = token->kind == TOKEN_STRING,
				    .bytes = text,
				    .size = token->size,
				    .at = token->at,
				    .length = token->length};
	literal->has_time =
		strlen(text) == token->size && select_parse_time(&literal->time_ns, text);
	if (literal->quoted)
		return true;
	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		literal->kind = LITERAL_BOOL;
		literal->boolean = *text == 't';
	} else if (read_integer(literal, text, &too_large) ||
		   read_duration(literal, text, &too_large) ||
		   read_size(literal, text, &too_large) || read_ip(literal, text)) {
		;
	} else if (literal->has_time) {
		literal->kind = LITERAL_TIME;
	} else if (!read_real(literal, text, &too_large)) {
		literal->kind = LITERAL_STRING;
	}
	if (too_large)
		return predicate_fail(error, token->at, token->length,
				      "no value is as large as %.40s", text);
	return true;
}

const char *literal_is(const struct literal *literal)
{
	static const char *const names[] = {
		[LITERAL_BOOL] = "a truth value", [LITERAL_INTEGER] = "a number",
		[LITERAL_REAL] = "a number",      [LITERAL_DURATION] = "a duration",
		[LITERAL_STRING] = "text",        [LITERAL_IP] = "an address",
		[LITERAL_TIME] = "a time",
	};
	return names[literal->kind];
}

#define TEXTS   ((unsigned)(RILL_SET_STRING | RILL_SET_BYTES | RILL_SET_EVENT))
#define NUMBERS ((unsigned)(RILL_SET_U64 | RILL_SET_I64 | RILL_SET_F64))

unsigned literal_types(const struct literal *literal, enum operation operation)
{
	if (operation == OPERATION_MATCH)
		return TEXTS | RILL_SET_IP | RILL_SET_U64 | RILL_SET_I64;
	switch (literal->kind) {
	case LITERAL_BOOL:
		return operation == OPERATION_EQUAL ? RILL_SET_BOOL : 0;
	case LITERAL_INTEGER:
		return NUMBERS | (literal->integer == 0 ? RILL_SET_DURATION : 0);
	case LITERAL_REAL:
		return NUMBERS;
	case LITERAL_DURATION:
		return RILL_SET_DURATION;
	case LITERAL_IP:
		return operation == OPERATION_EQUAL ? RILL_SET_IP | TEXTS : TEXTS;
	case LITERAL_TIME:
		return RILL_SET_TIMESTAMP | TEXTS;
	case LITERAL_STRING:
	default:
		return TEXTS | (literal->has_time ? RILL_SET_TIMESTAMP : 0u);
	}
}

/* --- regular expressions --------------------------------------------------------------------- */

#define MAX_GROUPS 32u   /* within each other */
#define MAX_PARTS  4096u /* when repetitions are written out, as regcomp() does */
#define MAX_ROW    2u    /* repetitions of each other: "a+?" */
#define SPECIAL    ".[]{}()*+?|^$\\"

/* The largest number in "{3,17}". */
static unsigned long repetitions(const char *at)
{
	unsigned long most = 1;
	for (at++; *at && *at != '}'; at++) {
		if (!isdigit((unsigned char)*at))
			continue;
		char *end;
		unsigned long number = strtoul(at, &end, 10);
		most = number > most ? number : most;
		at = end - 1;
	}
	return most < MAX_PARTS ? most : MAX_PARTS;
}

static const char *skip_brackets(const char *at)
{
	at++;
	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']') {
		char kind = at[1];
		if (*at == '[' && (kind == ':' || kind == '.' || kind == '=')) {
			for (at += 2; *at && !(*at == kind && at[1] == ']');)
				at++;
			at += *at ? 1 : 0;
		}
		at += *at ? 1 : 0;
	}
	return at;
}

/*
 * regcomp() takes stack by the depth of groups, and memory by the parts that there are when
 * repetitions are written out: each + around another one doubles them; and time without bound for
 * many in a row. regexec() takes time without bound for back references. NULL, or what is too much.
 */
static const char *too_much(const char *text)
{
	unsigned long sums[MAX_GROUPS + 1] = {0}, last = 0, times;
	unsigned depth = 0, row = 0;
	for (const char *at = text; *at; at++) {
		times = 1;
		row = strchr("*+?{", *at) ? row + 1 : 0;
		if (row > MAX_ROW)
			return "too many repetitions behind each other";
		switch (*at) {
		case '(':
			if (++depth > MAX_GROUPS)
				return "too many groups within each other";
			sums[depth] = 0;
			continue;
		case ')':
			last = sums[depth] + 1;
			depth -= depth > 0;
			break;
		case '{':
			times = repetitions(at);
			break;
		case '+':
			times = 2;
			break;
		case '[':
			at = skip_brackets(at);
			if (!*at)
				return NULL; /* regcomp() says so */
			last = 1;
			break;
		case '\\':
			if (at[1] >= '1' && at[1] <= '9')
				return "back references are not supported";
			at += at[1] ? 1 : 0;
			last = 1;
			break;
		default:
			last = 1;
		}
		sums[depth] += times > 1 ? last * (times - 1) : *at == '{' || *at == '+' ? 0 : last;
		last *= times;
		if (sums[depth] > MAX_PARTS || last > MAX_PARTS)
			return "too many repetitions";
	}
	return NULL;
}

bool literal_compile(struct literal *literal, bool any_case, struct predicate_error *error)
{
	if (literal->size > PREDICATE_MAX_PATTERN)
		return predicate_fail(error, literal->at, literal->length,
				      "a regular expression has at most %u bytes",
				      PREDICATE_MAX_PATTERN);
	if (strlen(literal->bytes) != literal->size)
		return predicate_fail(error, literal->at, literal->length,
				      "a regular expression has no zero byte");
	struct pattern *pattern = calloc(1, sizeof *pattern);
	if (!pattern)
		return predicate_fail(error, literal->at, literal->length, "no memory");
	if (!any_case && !strpbrk(literal->bytes, SPECIAL)) {
		pattern->plain = true;
		literal->pattern = pattern;
		return true;
	}
	const char *why = too_much(literal->bytes);
	char message[160];
	if (!why) {
		int flags = REG_EXTENDED | REG_NOSUB | (any_case ? REG_ICASE : 0);
		int code = regcomp(&pattern->regex, literal->bytes, flags);
		if (!code) {
			literal->pattern = pattern;
			return true;
		}
		regerror(code, &pattern->regex, message, sizeof message);
		why = message;
	}
	free(pattern);
	return predicate_fail(error, literal->at, literal->length, "not a regular expression: %s",
			      why);
}
