/* What the files of the predicate share. */
#ifndef RILL_CLI_PREDICATE_PARTS_H
#define RILL_CLI_PREDICATE_PARTS_H

#include <regex.h>

#include "cli/predicate.h"

enum token_kind {
	TOKEN_END,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_OPERATOR,
	TOKEN_WORD,   /* as it stands */
	TOKEN_STRING, /* quoted */
	TOKEN_NAME,   /* in backquotes: a key */
};

enum operation {
	OPERATION_NONE, /* is there */
	OPERATION_EQUAL,
	OPERATION_LESS,
	OPERATION_LESS_EQUAL,
	OPERATION_GREATER,
	OPERATION_GREATER_EQUAL,
	OPERATION_MATCH,
};

struct token {
	enum token_kind kind;
	enum operation operation;
	bool negated; /* of an operation: != and !~ */
	bool in;      /* EQUAL, and a list of values may follow */
	size_t at;    /* in the text */
	size_t length;
	const char
		*bytes; /* of a word, string or name, without quotes and escapes; NUL behind it */
	size_t size;
};

struct scanner {
	const char *text;
	size_t at;
	char *bytes; /* where strings go: they are never longer than in the text */
	size_t used;
	struct predicate_error *error;
};

/* The next token. False: there is none, and the error is told. */
bool scan_token(struct scanner *scanner, struct token *token);

/* A regular expression. */
struct pattern {
	bool plain; /* it has no special characters: the text is looked for */
	regex_t regex;
};

enum literal_kind {
	LITERAL_BOOL,
	LITERAL_INTEGER,
	LITERAL_REAL,
	LITERAL_DURATION,
	LITERAL_STRING,
	LITERAL_IP,
	LITERAL_TIME,
};

struct literal {
	enum literal_kind kind;
	bool boolean;
	bool has_time; /* a string may be a time as well */
	bool quoted;
	uint8_t prefix;   /* of ip: bits */
	__int128 integer; /* of 64 bits with or without a sign */
	double real;
	int64_t duration_ns;
	uint64_t time_ns;
	unsigned char ip[16];
	const char *bytes; /* its text */
	size_t size;
	struct pattern *pattern; /* of OPERATION_MATCH */
	size_t at;
	size_t length;
};

/* What a word or string stands for. False: a number too large, and the error is told. */
bool literal_read(struct literal *literal, const struct token *token,
		  struct predicate_error *error);
/* Compiles its text as a regular expression. False, and the error is told. */
bool literal_compile(struct literal *literal, bool any_case, struct predicate_error *error);
/* An IPv4 address as IPv6 has it. */
void ip_widen(unsigned char to[16], const unsigned char *bytes, size_t size);
/* Types of values that it can equal, be less than, or match. */
unsigned literal_types(const struct literal *literal, enum operation operation);
/* "a number", "text". */
const char *literal_is(const struct literal *literal);

/* Does not write to the error when there is one already. Always false. */
bool predicate_fail(struct predicate_error *error, size_t at, size_t length, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));

enum subject {
	SUBJECT_KEY,
	/* The same for every record of an event: answered once for each catalog. */
	SUBJECT_EVENT,
	SUBJECT_LEVEL,
	SUBJECT_CATALOG,
	SUBJECT_SUBSYSTEM,
	SUBJECT_KIND,
	SUBJECT_TIME,
	SUBJECT_SPAN,
	SUBJECT_ID,
	SUBJECT_TRACE,
	SUBJECT_STATE,
	SUBJECT_DURATION,
	SUBJECT_PID,
	SUBJECT_TID,
	SUBJECT_PROCESS,
	SUBJECT_HOST,
};

static inline bool subject_is_fixed(enum subject subject)
{
	return subject >= SUBJECT_EVENT && subject <= SUBJECT_SUBSYSTEM;
}

enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_TEST };

#define NO_NODE UINT32_MAX

struct node {
	enum node_kind kind;
	uint32_t first; /* child */
	uint32_t next;  /* sibling */
	/* of a test */
	enum subject subject;
	enum operation operation;
	bool negated;
	bool perhaps_event; /* a word alone: a key, else an event */
	uint16_t key;       /* index of its name */
	uint16_t fixed;     /* index of its answers, when subject_is_fixed() or perhaps_event */
	uint32_t literals;  /* index of the first */
	uint32_t nliterals;
	size_t at;
	size_t length;
};

/* What names mean in one catalog. */
struct binding {
	struct binding *next;
	const struct rill_catalog *catalog;
	size_t nanswers;   /* events, then spans: answers of one test */
	uint16_t *keys;    /* by name; RILL_NO_KEY: the catalog has none */
	uint8_t answers[]; /* by fixed test, then by event or span */
};

struct predicate {
	char *text;
	char *bytes;
	struct node *nodes;
	uint32_t nnodes;
	uint32_t root;
	struct literal *literals;
	uint32_t nliterals;
	const char **keys; /* names, each once */
	uint16_t nkeys;
	uint16_t nfixed;
	struct binding *bindings;
	struct binding *last; /* asked for */
};

/* NULL: no memory. */
struct binding *predicate_bind(struct predicate *predicate, const struct rill_catalog *catalog);

/* Whether text passes a test's operation with one of its literals, `negated` aside. glob: what is
 * compared by == may have wildcards. */
bool text_passes(const struct predicate *predicate, const struct node *node, const char *bytes,
		 size_t size, bool glob);
bool item_passes(const struct predicate *predicate, const struct node *node,
		 const struct rill_item *item, const struct rill_catalogs *catalogs);
bool integer_passes(const struct predicate *predicate, const struct node *node, __int128 value);

#endif
