/* The grammar of predicates: from tokens to a tree. */
#include "cli/predicate.h"

#include <stdlib.h>
#include <string.h>

#include "cli/predicate_parts.h"
#include "core/nearest.h"

const char *const predicate_words[] = {
	"@event", "@level", "@catalog",  "@subsystem", "@kind", "@time",    "@span", "@id",
	"@trace", "@state", "@duration", "@pid",       "@tid",  "@process", "@host", NULL};

static const enum subject word_subjects[] = {
	SUBJECT_EVENT,    SUBJECT_LEVEL, SUBJECT_CATALOG, SUBJECT_SUBSYSTEM, SUBJECT_KIND,
	SUBJECT_TIME,     SUBJECT_SPAN,  SUBJECT_ID,      SUBJECT_TRACE,     SUBJECT_STATE,
	SUBJECT_DURATION, SUBJECT_PID,   SUBJECT_TID,     SUBJECT_PROCESS,   SUBJECT_HOST,
};

#define NWORDS (sizeof word_subjects / sizeof *word_subjects)

struct parser {
	struct predicate *predicate;
	struct scanner scanner;
	struct token token; /* the next one */
	struct predicate_error *error;
	unsigned flags;
	unsigned depth;
};

static bool fail_here(const struct parser *parser, const char *expected)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_END)
		return predicate_fail(parser->error, token->at, 0, "expected %s, not the end",
				      expected);
	return predicate_fail(parser->error, token->at, token->length, "expected %s", expected);
}

static bool advance(struct parser *parser)
{
	return scan_token(&parser->scanner, &parser->token);
}

/* NO_NODE: no memory, or too many. */
static uint32_t new_node(struct parser *parser, enum node_kind kind)
{
	struct predicate *predicate = parser->predicate;
	if (predicate->nnodes == PREDICATE_MAX_NODES) {
		predicate_fail(parser->error, parser->token.at, parser->token.length,
			       "more than %u parts", PREDICATE_MAX_NODES);
		return NO_NODE;
	}
	struct node *node = &predicate->nodes[predicate->nnodes];
	*node = (struct node){.kind = kind,
			      .first = NO_NODE,
			      .next = NO_NODE,
			      .at = parser->token.at,
			      .length = parser->token.length,
			      .literals = predicate->nliterals};
	return predicate->nnodes++;
}

static bool add_literal(struct parser *parser, const struct node *node)
{
	struct predicate *predicate = parser->predicate;
	if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_STRING)
		return fail_here(parser, "a value");
	if (predicate->nliterals == PREDICATE_MAX_NODES)
		return predicate_fail(parser->error, parser->token.at, parser->token.length,
				      "more than %u values", PREDICATE_MAX_NODES);
	struct literal *literal = &predicate->literals[predicate->nliterals];
	if (!literal_read(literal, &parser->token, parser->error))
		return false;
	if (node->operation == OPERATION_MATCH &&
	    !literal_compile(literal, parser->flags & PREDICATE_ANY_CASE, parser->error))
		return false;
	predicate->nliterals++;
	return true;
}

static bool key_name(struct parser *parser, struct node *node, const char *name)
{
	struct predicate *predicate = parser->predicate;
	for (uint16_t i = 0; i < predicate->nkeys; i++) {
		if (strcmp(predicate->keys[i], name) == 0) {
			node->key = i;
			return true;
		}
	}
	predicate->keys[predicate->nkeys] = name;
	node->key = predicate->nkeys++;
	return true;
}

static const char *word_name(const void *context, size_t i)
{
	(void)context;
	return predicate_words[i];
}

static bool built_in(struct parser *parser, struct node *node)
{
	const struct token *token = &parser->token;
	for (size_t i = 0; i < NWORDS; i++) {
		if (strcmp(token->bytes, predicate_words[i]) == 0) {
			node->subject = word_subjects[i];
			return true;
		}
	}
	const char *near;
	bool found = nearest_names(token->bytes, word_name, NULL, NWORDS, &near, 1);
	return predicate_fail(parser->error, token->at, token->length, "there is no %.40s%s%s%s",
			      token->bytes, found ? "; did you mean " : "", found ? near : "",
			      found ? "?" : "");
}

/* Which texts a built-in word can be compared with; NULL-terminated. */
static const char *const *choices_of(enum subject subject)
{
	static const char *const levels[] = {"trace", "debug", "info", "warn", "error", NULL};
	static const char *const kinds[] = {"event", "span", NULL};
	static const char *const states[] = {"ended", "abandoned", "headless", "open", NULL};
	return subject == SUBJECT_LEVEL   ? levels
	       : subject == SUBJECT_KIND  ? kinds
	       : subject == SUBJECT_STATE ? states
					  : NULL;
}

static bool check_choice(const struct parser *parser, const struct literal *literal,
			 const char *const *choices)
{
	char list[96];
	size_t used = 0;
	for (size_t i = 0; choices[i]; i++) {
		if (strcmp(choices[i], literal->bytes) == 0)
			return true;
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
					 choices[i]);
	}
	return predicate_fail(parser->error, literal->at, literal->length, "expected one of: %s",
			      list);
}

static bool is_ordered(enum operation operation)
{
	return operation >= OPERATION_LESS && operation <= OPERATION_GREATER_EQUAL;
}

/* A built-in word has one type, known without a catalog. */
static bool check_built_in(const struct parser *parser, const struct node *node)
{
	const struct literal *literal = &parser->predicate->literals[node->literals];
	const char *const *choices = choices_of(node->subject);
	for (uint32_t i = 0; i < node->nliterals; i++, literal++) {
		if (choices && node->operation != OPERATION_MATCH) {
			if (!check_choice(parser, literal, choices))
				return false;
		} else if (node->subject == SUBJECT_TIME) {
			if (!literal->has_time || node->operation == OPERATION_MATCH)
				return predicate_fail(parser->error, literal->at, literal->length,
						      "expected a time: 2026-01-31T23:59:59.5Z, "
						      "\"2026-01-31 23:59\", @SECONDS");
		} else if (node->subject == SUBJECT_DURATION) {
			if (literal->kind != LITERAL_DURATION || node->operation == OPERATION_MATCH)
				return predicate_fail(parser->error, literal->at, literal->length,
						      "expected a duration: 250us, 1.5s, 1h30m");
		} else if (node->subject == SUBJECT_PID || node->subject == SUBJECT_TID) {
			if (literal->kind != LITERAL_INTEGER && node->operation != OPERATION_MATCH)
				return predicate_fail(parser->error, literal->at, literal->length,
						      "expected a number");
		}
	}
	if (is_ordered(node->operation) && node->subject != SUBJECT_LEVEL &&
	    node->subject != SUBJECT_TIME && node->subject != SUBJECT_DURATION &&
	    node->subject != SUBJECT_PID && node->subject != SUBJECT_TID)
		return predicate_fail(parser->error, node->at, node->length,
				      "%s has no order: ==, !=, ~, !~ or in",
				      predicate_words[node->subject - SUBJECT_EVENT]);
	return true;
}

/* "(25, 465)" or one value. */
static bool parse_values(struct parser *parser, struct node *node, bool in)
{
	bool list = in && parser->token.kind == TOKEN_OPEN;
	if (list && !advance(parser))
		return false;
	for (;;) {
		if (!add_literal(parser, node) || !advance(parser))
			return false;
		node->nliterals++;
		if (!list || parser->token.kind != TOKEN_COMMA)
			break;
		if (!advance(parser))
			return false;
	}
	if (!list)
		return true;
	if (parser->token.kind != TOKEN_CLOSE)
		return fail_here(parser, ", or )");
	return advance(parser);
}

/* What follows a name: an operation and a value, or nothing. */
static bool parse_comparison(struct parser *parser, struct node *node)
{
	bool negated = false, in = false;
	if (parser->token.kind == TOKEN_NOT) {
		struct token sign = parser->token;
		if (!advance(parser))
			return false;
		if (!parser->token.in)
			return predicate_fail(parser->error, sign.at, sign.length,
					      "expected an operator, && or ||");
		negated = true;
	}
	if (parser->token.kind != TOKEN_OPERATOR)
		return true;
	node->operation = parser->token.operation;
	node->negated = negated || parser->token.negated;
	in = parser->token.in;
	return advance(parser) && parse_values(parser, node, in);
}

/* A word alone: an event's name or glob, or a key. */
static bool is_event_glob(const struct token *token)
{
	return token->kind == TOKEN_STRING || strpbrk(token->bytes, ".*?[") != NULL;
}

static bool make_glob(struct parser *parser, struct node *node, const struct token *token)
{
	struct predicate *predicate = parser->predicate;
	if (predicate->nliterals == PREDICATE_MAX_NODES)
		return predicate_fail(parser->error, token->at, token->length, "too many values");
	if (!literal_read(&predicate->literals[predicate->nliterals], token, parser->error))
		return false;
	node->subject = SUBJECT_EVENT;
	node->operation = OPERATION_EQUAL;
	node->literals = predicate->nliterals++;
	node->nliterals = 1;
	return true;
}

static uint32_t parse_test(struct parser *parser)
{
	struct token name = parser->token;
	uint32_t index = new_node(parser, NODE_TEST);
	if (index == NO_NODE)
		return NO_NODE;
	struct node *node = &parser->predicate->nodes[index];
	bool word = name.kind == TOKEN_WORD && *name.bytes == '@';
	if ((word && !built_in(parser, node)) || !advance(parser) ||
	    !parse_comparison(parser, node))
		return NO_NODE;
	bool alone = node->operation == OPERATION_NONE;
	if (word) {
		if (alone) {
			fail_here(parser, "an operator: == != < <= > >= ~ !~ in");
			return NO_NODE;
		}
		if (!check_built_in(parser, node))
			return NO_NODE;
	} else if (name.kind != TOKEN_NAME && is_event_glob(&name)) {
		if (!alone) {
			predicate_fail(parser->error, name.at, name.length,
				       "this is no key; an event's name stands alone, or: "
				       "@event == %.60s",
				       name.bytes);
			return NO_NODE;
		}
		if (!make_glob(parser, node, &name))
			return NO_NODE;
	} else {
		if (alone && name.kind == TOKEN_WORD) {
			if (!make_glob(parser, node, &name))
				return NO_NODE;
			node->operation = OPERATION_NONE;
			node->perhaps_event = true;
		}
		node->subject = SUBJECT_KEY;
		key_name(parser, node, name.bytes);
	}
	if (subject_is_fixed(node->subject) || node->perhaps_event)
		node->fixed = parser->predicate->nfixed++;
	return index;
}

static uint32_t parse_or(struct parser *parser);

static uint32_t parse_factor(struct parser *parser)
{
	uint32_t index = NO_NODE;
	if (++parser->depth > PREDICATE_MAX_DEPTH) {
		predicate_fail(parser->error, parser->token.at, parser->token.length,
			       "more than %u parentheses and negations within each other",
			       PREDICATE_MAX_DEPTH);
		return NO_NODE;
	}
	switch (parser->token.kind) {
	case TOKEN_NOT:
		index = new_node(parser, NODE_NOT);
		if (index == NO_NODE || !advance(parser))
			return NO_NODE;
		parser->predicate->nodes[index].first = parse_factor(parser);
		if (parser->predicate->nodes[index].first == NO_NODE)
			return NO_NODE;
		break;
	case TOKEN_OPEN:
		if (!advance(parser))
			return NO_NODE;
		index = parse_or(parser);
		if (index == NO_NODE)
			return NO_NODE;
		if (parser->token.kind != TOKEN_CLOSE) {
			fail_here(parser, "&&, || or )");
			return NO_NODE;
		}
		if (!advance(parser))
			return NO_NODE;
		break;
	case TOKEN_WORD:
	case TOKEN_STRING:
	case TOKEN_NAME:
		index = parse_test(parser);
		break;
	default:
		fail_here(parser, "a key, an event or (");
	}
	parser->depth--;
	return index;
}

/* Operands of one kind of operation, which become the children of one node. */
static uint32_t parse_chain(struct parser *parser, enum node_kind kind, enum token_kind sign,
			    uint32_t (*operand)(struct parser *))
{
	uint32_t first = operand(parser), last = first;
	if (first == NO_NODE || parser->token.kind != sign)
		return first;
	uint32_t index = new_node(parser, kind);
	if (index == NO_NODE)
		return NO_NODE;
	struct node *nodes = parser->predicate->nodes;
	nodes[index].first = first;
	while (parser->token.kind == sign) {
		if (!advance(parser))
			return NO_NODE;
		uint32_t next = operand(parser);
		if (next == NO_NODE)
			return NO_NODE;
		nodes[last].next = next;
		last = next;
	}
	return index;
}

static uint32_t parse_and(struct parser *parser)
{
	return parse_chain(parser, NODE_AND, TOKEN_AND, parse_factor);
}

static uint32_t parse_or(struct parser *parser)
{
	return parse_chain(parser, NODE_OR, TOKEN_OR, parse_and);
}

static bool parse(struct parser *parser)
{
	struct predicate *predicate = parser->predicate;
	if (!advance(parser))
		return false;
	predicate->root = parse_or(parser);
	if (predicate->root == NO_NODE)
		return fail_here(parser, "a predicate");
	if (parser->token.kind != TOKEN_END)
		return fail_here(parser, "an operator, && or ||");
	return true;
}

struct predicate *predicate_parse(const char *text, unsigned flags, struct predicate_error *error)
{
	size_t size = strlen(text);
	*error = (struct predicate_error){0};
	if (size > PREDICATE_MAX_TEXT) {
		predicate_fail(error, 0, 1, "a predicate has at most %u bytes", PREDICATE_MAX_TEXT);
		return NULL;
	}
	struct predicate *predicate = calloc(1, sizeof *predicate);
	if (!predicate)
		goto no_memory;
	predicate->text = strdup(text);
	/* Each token adds a NUL. */
	predicate->bytes = malloc(2 * size + 2);
	predicate->nodes = calloc(PREDICATE_MAX_NODES, sizeof *predicate->nodes);
	predicate->literals = calloc(PREDICATE_MAX_NODES, sizeof *predicate->literals);
	predicate->keys = calloc(PREDICATE_MAX_NODES, sizeof *predicate->keys);
	if (!predicate->text || !predicate->bytes || !predicate->nodes || !predicate->literals ||
	    !predicate->keys)
		goto no_memory;
	struct parser parser = {
		.predicate = predicate,
		.scanner = {.text = predicate->text, .bytes = predicate->bytes, .error = error},
		.error = error,
		.flags = flags};
	if (parse(&parser))
		return predicate;
	predicate_free(predicate);
	return NULL;
no_memory:
	predicate_free(predicate);
	predicate_fail(error, 0, 0, "no memory");
	return NULL;
}

void predicate_forget(struct predicate *predicate)
{
	while (predicate->bindings) {
		struct binding *binding = predicate->bindings;
		predicate->bindings = binding->next;
		free(binding->keys);
		free(binding);
	}
	predicate->last = NULL;
}

void predicate_free(struct predicate *predicate)
{
	if (!predicate)
		return;
	for (uint32_t i = 0; predicate->literals && i < predicate->nliterals; i++) {
		struct pattern *pattern = predicate->literals[i].pattern;
		if (pattern && !pattern->plain)
			regfree(&pattern->regex);
		free(pattern);
	}
	predicate_forget(predicate);
	free(predicate->text);
	free(predicate->bytes);
	free(predicate->nodes);
	free(predicate->literals);
	free(predicate->keys);
	free(predicate);
}
