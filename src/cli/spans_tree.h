/* A trace: its spans, each below the one that it happened in. */
#ifndef RILL_CLI_SPANS_TREE_H
#define RILL_CLI_SPANS_TREE_H

#include "cli/spans.h"

#define SPAN_NO_NODE UINT32_MAX

struct span_node {
	uint32_t parent; /* indices of rows */
	uint32_t child;  /* the first */
	uint32_t sibling;
};

struct span_tree {
	struct span_row *rows; /* by id */
	struct span_node *nodes;
	size_t nrows;
	uint32_t root; /* the first, or SPAN_NO_NODE */
};

/* From tree->root on, parents before their children. *depth: 0 at the root. */
uint32_t span_tree_next(const struct span_tree *tree, uint32_t at, uint32_t *depth);

void span_tree_print(const struct span_options *options, const struct span_tree *tree);

#endif
