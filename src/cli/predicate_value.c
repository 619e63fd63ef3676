/* Comparing values: each by its own type. */
#include <arpa/inet.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/predicate_parts.h"

#define MAX_NESTING 8u /* of lists */

static bool order_passes(enum operation operation, int order)
{
	switch (operation) {
	case OPERATION_EQUAL:
		return order == 0;
	case OPERATION_LESS:
		return order < 0;
	case OPERATION_LESS_EQUAL:
		return order <= 0;
	case OPERATION_GREATER:
		return order > 0;
	case OPERATION_GREATER_EQUAL:
		return order >= 0;
	default:
		return false;
	}
}

static bool pattern_matches(const struct literal *literal, const char *bytes, size_t size)
{
	const struct pattern *pattern = literal->pattern;
	if (pattern->plain)
		return !literal->size || memmem(bytes, size, literal->bytes, literal->size);
#ifdef REG_STARTEND
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)size};
	return regexec(&pattern->regex, bytes, 1, &range, REG_STARTEND) == 0;
#else /* musl: a NUL within ends it */
	char *text = strndup(bytes, size);
	bool matches = text && regexec(&pattern->regex, text, 0, NULL, 0) == 0;
	free(text);
	return matches;
#endif
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
	return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* What has a type of its own in predicates is no text; quotes make it text. */
static bool is_text(const struct literal *literal)
{
	return literal->kind == LITERAL_STRING || literal->kind == LITERAL_IP ||
	       literal->kind == LITERAL_TIME;
}

static bool text_passes_one(const struct node *node, const struct literal *literal,
			    const char *bytes, size_t size, bool glob)
{
	if (node->operation == OPERATION_MATCH)
		return pattern_matches(literal, bytes, size);
	if (glob && node->operation == OPERATION_EQUAL)
		return fnmatch(literal->bytes, bytes, 0) == 0;
	return (glob || is_text(literal)) &&
	       order_passes(node->operation,
			    compare_bytes(bytes, size, literal->bytes, literal->size));
}

bool text_passes(const struct predicate *predicate, const struct node *node, const char *bytes,
		 size_t size, bool glob)
{
	const struct literal *literals = &predicate->literals[node->literals];
	for (uint32_t i = 0; i < node->nliterals; i++)
		if (text_passes_one(node, &literals[i], bytes, size, glob))
			return true;
	return false;
}

/* Exact where both are integers; long double holds 64 bits where that is the machine's. */
static bool number_passes(const struct node *node, const struct literal *literal, __int128 integer,
			  const double *real)
{
	if (literal->kind == LITERAL_INTEGER && !real)
		return order_passes(node->operation,
				    (integer > literal->integer) - (integer < literal->integer));
	if (literal->kind != LITERAL_INTEGER && literal->kind != LITERAL_REAL)
		return false;
	long double a = real ? (long double)*real : (long double)integer;
	long double b = literal->kind == LITERAL_REAL ? (long double)literal->real
						      : (long double)literal->integer;
	if (isnan(a))
		return false;
	return order_passes(node->operation, (a > b) - (a < b));
}

static bool integer_passes_one(const struct node *node, const struct literal *literal,
			       __int128 value)
{
	if (node->operation != OPERATION_MATCH)
		return number_passes(node, literal, value, NULL);
	char text[24];
	int size = value < 0 ? snprintf(text, sizeof text, "%lld", (long long)value)
			     : snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return pattern_matches(literal, text, (size_t)size);
}

bool integer_passes(const struct predicate *predicate, const struct node *node, __int128 value)
{
	const struct literal *literals = &predicate->literals[node->literals];
	for (uint32_t i = 0; i < node->nliterals; i++)
		if (integer_passes_one(node, &literals[i], value))
			return true;
	return false;
}

static bool ip_passes(const struct node *node, const struct literal *literal,
		      const struct rill_item *item)
{
	if (item->size != 4 && item->size != 16)
		return false;
	if (node->operation == OPERATION_MATCH) {
		char text[INET6_ADDRSTRLEN];
		inet_ntop(item->size == 4 ? AF_INET : AF_INET6, item->bytes, text, sizeof text);
		return pattern_matches(literal, text, strlen(text));
	}
	if (literal->kind != LITERAL_IP || node->operation != OPERATION_EQUAL)
		return false;
	unsigned char ip[16];
	ip_widen(ip, item->bytes, item->size);
	unsigned whole = literal->prefix / 8, rest = literal->prefix % 8;
	return memcmp(ip, literal->ip, whole) == 0 &&
	       (!rest || (ip[whole] ^ literal->ip[whole]) >> (8 - rest) == 0);
}

static bool duration_passes(const struct node *node, const struct literal *literal, int64_t ns)
{
	int64_t wanted = literal->duration_ns;
	if (literal->kind == LITERAL_INTEGER && literal->integer == 0)
		wanted = 0;
	else if (literal->kind != LITERAL_DURATION)
		return false;
	return order_passes(node->operation, (ns > wanted) - (ns < wanted));
}

static bool time_passes(const struct node *node, const struct literal *literal, uint64_t ns)
{
	return literal->has_time &&
	       (literal->kind == LITERAL_TIME || literal->kind == LITERAL_STRING) &&
	       order_passes(node->operation, (ns > literal->time_ns) - (ns < literal->time_ns));
}

static bool passes(const struct node *node, const struct literal *literal,
		   const struct rill_item *item, const struct rill_catalogs *catalogs,
		   unsigned depth);

static bool nested_passes(const struct node *node, const struct literal *literal,
			  const struct rill_item *item, const struct rill_catalogs *catalogs,
			  unsigned depth)
{
	struct rill_nested nested;
	struct rill_item element;
	if (depth == MAX_NESTING || rill_nested_open(&nested, item, catalogs))
		return false;
	/* A nested event is compared by its name. */
	if (item->type == RILL_TYPE_EVENT)
		return nested.event && text_passes_one(node, literal, nested.event->name,
						       strlen(nested.event->name), false);
	while (rill_nested_next(&nested, &element) == 1)
		if (passes(node, literal, &element, catalogs, depth + 1))
			return true;
	return false;
}

static bool passes(const struct node *node, const struct literal *literal,
		   const struct rill_item *item, const struct rill_catalogs *catalogs,
		   unsigned depth)
{
	switch (item->type) {
	case RILL_TYPE_BOOL:
		return node->operation == OPERATION_EQUAL && literal->kind == LITERAL_BOOL &&
		       literal->boolean == item->boolean;
	case RILL_TYPE_U64:
		return integer_passes_one(node, literal, item->u64);
	case RILL_TYPE_I64:
		return integer_passes_one(node, literal, item->i64);
	case RILL_TYPE_F64:
		return number_passes(node, literal, 0, &item->f64);
	case RILL_TYPE_DURATION:
		return duration_passes(node, literal, item->i64);
	case RILL_TYPE_TIMESTAMP:
		return time_passes(node, literal, item->u64);
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		return text_passes_one(node, literal, (const char *)item->bytes, item->size, false);
	case RILL_TYPE_IP:
		return ip_passes(node, literal, item);
	case RILL_TYPE_LIST:
	case RILL_TYPE_EVENT:
		return nested_passes(node, literal, item, catalogs, depth);
	default:
		return false;
	}
}

bool item_passes(const struct predicate *predicate, const struct node *node,
		 const struct rill_item *item, const struct rill_catalogs *catalogs)
{
	const struct literal *literals = &predicate->literals[node->literals];
	for (uint32_t i = 0; i < node->nliterals; i++)
		if (passes(node, &literals[i], item, catalogs, 0))
			return true;
	return false;
}
