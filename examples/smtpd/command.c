/* SMTP's command lines, taken apart. */
#include "command.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{"HELO", VERB_HELO},  {"EHLO", VERB_EHLO},         {"LHLO", VERB_LHLO},
	{"MAIL", VERB_MAIL},  {"RCPT", VERB_RCPT},         {"DATA", VERB_DATA},
	{"RSET", VERB_RSET},  {"NOOP", VERB_NOOP},         {"VRFY", VERB_VRFY},
	{"EXPN", VERB_EXPN},  {"HELP", VERB_HELP},         {"QUIT", VERB_QUIT},
	{"AUTH", VERB_AUTH},  {"STARTTLS", VERB_STARTTLS}, {"BDAT", VERB_OTHER},
	{"ETRN", VERB_OTHER}, {"TURN", VERB_OTHER},        {"SEND", VERB_OTHER},
	{"SOML", VERB_OTHER}, {"SAML", VERB_OTHER},        {"BURL", VERB_OTHER},
};

enum verb command_verb(const char *line, const char **arguments)
{
	size_t length = strcspn(line, " \t");

	*arguments = line + length + strspn(line + length, " \t");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strlen(verbs[i].name) == length && !strncasecmp(line, verbs[i].name, length))
			return verbs[i].verb;
	return VERB_UNKNOWN;
}

static bool is_atom(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool command_domain(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > DOMAIN_MAX)
		return false;
	if (*text == '[')
		return length > 2 && text[length - 1] == ']' &&
		       strspn(text + 1, "0123456789abcdefABCDEFIPvx.:") == length - 2;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '.' ? !i || text[i - 1] == '.' : !isalnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* The local part at *at, into address->local; false if it is none. Moves *at behind it. */
static bool take_local(const char **at, struct address *address)
{
	const char *p = *at;
	bool quoted = *p == '"';
	size_t n = 0;

	if (quoted)
		p++;
	for (;; p++) {
		unsigned char c = (unsigned char)*p;

		if (quoted && c == '\\')
			c = (unsigned char)*++p;
		else if (quoted ? c == '"' : c != '.' && !is_atom(c))
			break;
		else if (!quoted && c == '.' && (!n || !is_atom((unsigned char)p[1])))
			return false;
		if (c < ' ' || c > '~' || n == LOCAL_MAX)
			return false;
		address->local[n++] = (char)c;
	}
	address->local[n] = '\0';
	*at = quoted ? p + 1 : p;
	return n > 0;
}

/* A mailbox of `n` octets. A domain may be missing: postmaster, or a local user's name. */
static bool parse_mailbox(const char *text, size_t n, struct address *address)
{
	const char *at = address->text;
	size_t i = 0;

	if (!n || n > PATH_MAX_)
		return false;
	memcpy(address->text, text, n);
	address->text[n] = '\0';
	address->domain[0] = '\0';
	if (!take_local(&at, address))
		return false;
	if (!*at)
		return true;
	if (*at++ != '@' || !command_domain(at))
		return false;
	do
		address->domain[i] = (char)tolower((unsigned char)at[i]);
	while (at[i++]);
	return true;
}

/* Where the '>' is that ends a path which starts behind '<', or NULL. */
static const char *end_of_path(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || *p != '>'); p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return *p ? p : NULL;
}

enum path_status command_path(const char *arguments, const char *prefix, struct address *address,
			      const char **rest)
{
	size_t length = strlen(prefix);
	const char *open;
	const char *close;

	memset(address, 0, sizeof(*address));
	if (strncasecmp(arguments, prefix, length))
		return PATH_SYNTAX;
	open = arguments + length + strspn(arguments + length, " ");
	if (*open != '<' || !(close = end_of_path(open + 1)))
		return PATH_SYNTAX;
	if (close[1] && close[1] != ' ')
		return PATH_SYNTAX;
	*rest = close + 1;
	if (close == open + 1)
		return PATH_OK;
	open++;
	if (*open == '@') { /* a source route: must be understood, should be ignored */
		const char *colon = memchr(open, ':', (size_t)(close - open));

		if (!colon)
			return PATH_ADDRESS;
		open = colon + 1;
	}
	return parse_mailbox(open, (size_t)(close - open), address) ? PATH_OK : PATH_ADDRESS;
}

bool command_address(const char *text, struct address *address)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == ' ')
		length--;
	memset(address, 0, sizeof(*address));
	if (length > 2 && *text == '<' && text[length - 1] == '>')
		return parse_mailbox(text + 1, length - 2, address);
	return parse_mailbox(text, length, address);
}

int command_parameter(const char **rest, struct parameter *parameter)
{
	const char *p = *rest + strspn(*rest, " ");
	size_t n = 0;

	memset(parameter, 0, sizeof(*parameter));
	if (!*p)
		return 0;
	for (; isalnum((unsigned char)*p) || (n && *p == '-'); p++) {
		if (n == sizeof(parameter->name) - 1)
			return -1;
		parameter->name[n++] = (char)toupper((unsigned char)*p);
	}
	if (!n || (*p && *p != ' ' && *p != '='))
		return -1;
	if (*p == '=') {
		parameter->has_value = true;
		n = strcspn(++p, " ");
		if (!n || n >= sizeof(parameter->value) || memchr(p, '=', n))
			return -1;
		memcpy(parameter->value, p, n);
		p += n;
	}
	*rest = p;
	return 1;
}

bool command_number(const char *text, uint64_t *number)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 20)
		return false;
	for (; *text; text++) {
		uint64_t digit;

		if (!isdigit((unsigned char)*text))
			return false;
		digit = (uint64_t)(*text - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}
