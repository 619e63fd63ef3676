/* From the text of a predicate to words, strings and signs. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/predicate_parts.h"
#include "core/characters.h"

bool predicate_fail(struct predicate_error *error, size_t at, size_t length, const char *format,
		    ...)
{
	va_list arguments;
	if (error->message[0])
		return false;
	error->at = at;
	error->length = length;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	return false;
}

static const struct sign {
	const char *text;
	enum token_kind kind;
	enum operation operation;
	bool negated;
} signs[] = {
	/* Longer ones first. */
	{"&&", TOKEN_AND, OPERATION_NONE, false},
	{"||", TOKEN_OR, OPERATION_NONE, false},
	{"==", TOKEN_OPERATOR, OPERATION_EQUAL, false},
	{"=~", TOKEN_OPERATOR, OPERATION_MATCH, false},
	{"!=", TOKEN_OPERATOR, OPERATION_EQUAL, true},
	{"!~", TOKEN_OPERATOR, OPERATION_MATCH, true},
	{"<=", TOKEN_OPERATOR, OPERATION_LESS_EQUAL, false},
	{">=", TOKEN_OPERATOR, OPERATION_GREATER_EQUAL, false},
	{"=", TOKEN_OPERATOR, OPERATION_EQUAL, false},
	{"~", TOKEN_OPERATOR, OPERATION_MATCH, false},
	{"<", TOKEN_OPERATOR, OPERATION_LESS, false},
	{">", TOKEN_OPERATOR, OPERATION_GREATER, false},
	{"!", TOKEN_NOT, OPERATION_NONE, false},
	{"(", TOKEN_OPEN, OPERATION_NONE, false},
	{")", TOKEN_CLOSE, OPERATION_NONE, false},
	{",", TOKEN_COMMA, OPERATION_NONE, false},
};

static bool is_word(unsigned char c)
{
	return c > ' ' && c != 0x7f && !strchr("()!<>=~&|,\"'`", c);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What a backslash and what follows stand for; others stand for themselves, so that regular
 * expressions need no second backslash. Returns how many bytes of the text these are. */
static size_t read_escape(const char *at, char *to, size_t *written)
{
	static const char letters[] = "n\nt\tr\r";
	const char *letter = at[1] ? strchr(letters, at[1]) : NULL;
	*written = 1;
	if (at[1] == '"' || at[1] == '\'' || at[1] == '`' || at[1] == '\\') {
		*to = at[1];
		return 2;
	}
	if (letter && (letter - letters) % 2 == 0) {
		*to = letter[1];
		return 2;
	}
	int high = at[1] == 'x' ? hex_digit(at[2]) : -1, low = high < 0 ? -1 : hex_digit(at[3]);
	if (high >= 0 && low >= 0) {
		*to = (char)(high * 16 + low);
		return 4;
	}
	*to = '\\';
	return 1;
}

static bool scan_string(struct scanner *scanner, struct token *token)
{
	const char *text = scanner->text;
	size_t at = scanner->at;
	char quote = text[at++], *bytes = scanner->bytes + scanner->used;
	size_t size = 0;
	while (text[at] != quote) {
		if (!text[at])
			return predicate_fail(scanner->error, scanner->at, at - scanner->at,
					      "this %c is never closed", quote);
		size_t written = 1;
		if (text[at] == '\\')
			at += read_escape(text + at, bytes + size, &written);
		else
			bytes[size] = text[at++];
		size += written;
	}
	bytes[size] = 0;
	scanner->used += size + 1;
	*token = (struct token){.kind = quote == '`' ? TOKEN_NAME : TOKEN_STRING,
				.at = scanner->at,
				.length = at + 1 - scanner->at,
				.bytes = bytes,
				.size = size};
	scanner->at = at + 1;
	return true;
}

static void name_word(struct token *token)
{
	static const struct {
		const char *word;
		enum token_kind kind;
	} words[] = {{"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(token->bytes, words[i].word) == 0)
			token->kind = words[i].kind;
	if (strcasecmp(token->bytes, "in") == 0) {
		token->kind = TOKEN_OPERATOR;
		token->operation = OPERATION_EQUAL;
		token->in = true;
	}
}

static bool scan_word(struct scanner *scanner, struct token *token)
{
	const char *start = scanner->text + scanner->at;
	size_t size = 0;
	while (is_word((unsigned char)start[size]))
		size++;
	if (!size)
		return predicate_fail(scanner->error, scanner->at, 1,
				      *start == '&' ? "one & means nothing: &&, or quotes around it"
				      : *start == '|'
					      ? "one | means nothing: ||, or quotes around it"
					      : "this byte stands in quotes only");
	char *bytes = scanner->bytes + scanner->used;
	memcpy(bytes, start, size);
	bytes[size] = 0;
	scanner->used += size + 1;
	*token = (struct token){.kind = TOKEN_WORD,
				.at = scanner->at,
				.length = size,
				.bytes = bytes,
				.size = size};
	scanner->at += size;
	name_word(token);
	return true;
}

bool scan_token(struct scanner *scanner, struct token *token)
{
	const char *text = scanner->text;
	while (text[scanner->at] && strchr(" \t\n\r", text[scanner->at]))
		scanner->at++;
	char c = text[scanner->at];
	if (!c) {
		*token = (struct token){.kind = TOKEN_END, .at = scanner->at};
		return true;
	}
	if (c == '"' || c == '\'' || c == '`')
		return scan_string(scanner, token);
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t length = strlen(signs[i].text);
		if (strncmp(text + scanner->at, signs[i].text, length) != 0)
			continue;
		*token = (struct token){.kind = signs[i].kind,
					.operation = signs[i].operation,
					.negated = signs[i].negated,
					.at = scanner->at,
					.length = length};
		scanner->at += length;
		return true;
	}
	return scan_word(scanner, token);
}

void predicate_print_error(FILE *out, const char *text, const struct predicate_error *error)
{
	/* Of a long text the part around the place; what could drive a terminal is shown as dots.
	 */
	size_t size = strlen(text), from = error->at > 60 ? error->at - 50 : 0;
	size_t to = from + 100 < size ? from + 100 : size;
	size_t column = 0, length = 0, bytes;
	while (from < error->at && ((unsigned char)text[from] & 0xc0) == 0x80)
		from++;
	fputs("  ", out);
	for (size_t i = from; i < to; i += bytes) {
		uint32_t c;
		bytes = utf8_read((const unsigned char *)text + i, size - i, &c);
		if (bytes && !character_is_unsafe(c))
			fwrite(text + i, 1, bytes, out);
		else
			fputc('.', out);
		bytes += !bytes;
		/* Columns, not bytes. */
		column += i < error->at;
		length += i >= error->at && i < error->at + error->length;
	}
	fprintf(out, "\n  %*s^", (int)column, "");
	while (length-- > 1)
		fputc('~', out);
	/* Names in it may be those of a dump's catalog. */
	fprintf(out, "\n  %s\n", shown(error->message));
}
