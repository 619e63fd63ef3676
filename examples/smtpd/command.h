/* SMTP's command lines, taken apart (RFC 5321, section 4.1). Nothing here knows a session. */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With CRLF: RFC 5321, 4.5.3.1.4; RFC 1870 and RFC 6152 add 26 and 17 for MAIL. */
#define COMMAND_MAX      512u
#define COMMAND_MAIL_MAX (COMMAND_MAX + 26u + 17u)

/* RFC 5321, section 4.5.3.1. */
#define LOCAL_MAX  64u
#define DOMAIN_MAX 255u
#define PATH_MAX_  256u

enum verb {
	VERB_UNKNOWN,
	VERB_HELO,
	VERB_EHLO,
	VERB_LHLO,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_RSET,
	VERB_NOOP,
	VERB_VRFY,
	VERB_EXPN,
	VERB_HELP,
	VERB_QUIT,
	VERB_AUTH,
	VERB_STARTTLS,
	VERB_OTHER, /* known to other servers */
};

/* The verb of a NUL-terminated line; *arguments then points behind it and the spaces. */
enum verb command_verb(const char *line, const char **arguments);

struct address {
	char text[PATH_MAX_ + 1];    /* as sent, without <> and source route; "": null sender */
	char local[LOCAL_MAX + 1];   /* without quotes */
	char domain[DOMAIN_MAX + 1]; /* lower case; "": none was given */
};

/* `FROM:<path>` or `TO:<path>` (`prefix` with the colon). *rest: the parameters. */
enum path_status { PATH_OK, PATH_SYNTAX, PATH_ADDRESS };
enum path_status command_path(const char *arguments, const char *prefix, struct address *address,
			      const char **rest);

/* An address, with or without <>, up to the end of the text. */
bool command_address(const char *text, struct address *address);

/* A host name or an address literal, as HELO and EHLO have it. */
bool command_domain(const char *text);

/* The next of `NAME[=VALUE] ...` in *rest: 1 and the parts, 0 at the end, -1 bad syntax. */
struct parameter {
	char name[32]; /* upper case */
	char value[COMMAND_MAIL_MAX];
	bool has_value;
};
int command_parameter(const char **rest, struct parameter *parameter);

/* Up to 20 decimal digits and no more; false also when it does not fit. */
bool command_number(const char *text, uint64_t *number);

#endif
