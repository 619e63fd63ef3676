/*
 * Traces as trees. The dump is read twice: to find the traces that the chosen spans are in, of
 * which only ids are kept, and then to take the spans of these.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/spans_tree.h"

/* Of all traces that are shown; a trace can be of any size. */
#define MOST_ROWS 400000u

/* --- which traces -------------------------------------------------------------------------- */

struct trace {
	uint64_t id[2];
	uint64_t weight; /* greater: rather shown */
};

struct choosing {
	const struct span_options *options;
	struct feed feed;
	struct trace *traces;
	size_t ntraces;
	size_t least; /* the one that a better one takes the place of */
};

static void find_least(struct choosing *choosing)
{
	choosing->least = 0;
	for (size_t i = 1; i < choosing->ntraces; i++)
		if (choosing->traces[i].weight < choosing->traces[choosing->least].weight)
			choosing->least = i;
}

static struct trace *known_trace(const struct choosing *choosing, const uint64_t *id)
{
	for (size_t i = 0; i < choosing->ntraces; i++)
		if (choosing->traces[i].id[1] == id[1] && choosing->traces[i].id[0] == id[0])
			return &choosing->traces[i];
	return NULL;
}

/* A trace is as good as the best of its spans. One that lost its place comes back with a better
 * span, so that those at the end are the best. */
static void choose_trace(void *context, const struct rill_span *span)
{
	struct choosing *choosing = context;
	const struct span_options *options = choosing->options;
	if (!span_is_chosen(options, &choosing->feed, span))
		return;
	uint64_t weight =
		options->by_start ? UINT64_MAX - span->start_ns : span->end_ns - span->start_ns;
	bool full = choosing->ntraces == options->limit;
	if (full && weight <= choosing->traces[choosing->least].weight)
		return;
	struct trace *trace = known_trace(choosing, span->trace_id);
	if (!trace)
		trace = &choosing->traces[full ? choosing->least : choosing->ntraces++];
	else if (trace->weight >= weight)
		return;
	*trace = (struct trace){{span->trace_id[0], span->trace_id[1]}, weight};
	find_least(choosing);
}

static int by_id(const void *left, const void *right)
{
	const struct trace *a = left, *b = right;
	if (a->id[0] != b->id[0])
		return a->id[0] < b->id[0] ? -1 : 1;
	return (a->id[1] > b->id[1]) - (a->id[1] < b->id[1]);
}

static int by_weight(const void *left, const void *right)
{
	const struct trace *a = left, *b = right;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return by_id(left, right);
}

/* --- their spans --------------------------------------------------------------------------- */

struct taking {
	struct feed feed;
	const struct trace *traces; /* by id */
	size_t ntraces;
	struct span_row *rows;
	size_t nrows;
	size_t room;
	uint64_t left_out;
	bool no_memory;
};

static void take_span(void *context, const struct rill_span *span)
{
	struct taking *taking = context;
	const struct trace wanted = {{span->trace_id[0], span->trace_id[1]}, 0};
	if (!bsearch(&wanted, taking->traces, taking->ntraces, sizeof wanted, by_id))
		return;
	if (taking->nrows == MOST_ROWS) {
		taking->left_out++;
		return;
	}
	if (taking->nrows == taking->room) {
		size_t room = taking->room ? 2 * taking->room : 256;
		struct span_row *rows = realloc(taking->rows, room * sizeof *rows);
		if (!rows) {
			taking->no_memory = true;
			return;
		}
		taking->rows = rows;
		taking->room = room;
	}
	span_row_make(&taking->rows[taking->nrows++], &taking->feed, span);
}

/* --- trees --------------------------------------------------------------------------------- */

static int by_trace(const void *left, const void *right)
{
	const struct span_row *a = left, *b = right;
	if (a->trace_id[0] != b->trace_id[0])
		return a->trace_id[0] < b->trace_id[0] ? -1 : 1;
	if (a->trace_id[1] != b->trace_id[1])
		return a->trace_id[1] < b->trace_id[1] ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	/* What was told of as headless and then found whole has one id: the whole one goes first.
	 */
	return (int)(a->state == RILL_SPAN_HEADLESS) - (int)(b->state == RILL_SPAN_HEADLESS);
}

static size_t drop_twins(struct span_row *rows, size_t nrows)
{
	size_t kept = 0;
	for (size_t i = 0; i < nrows; i++)
		if (!kept || rows[i].state != RILL_SPAN_HEADLESS || rows[kept - 1].id != rows[i].id)
			rows[kept++] = rows[i];
	return kept;
}

static int by_span_id(const void *key, const void *element)
{
	uint64_t id = *(const uint64_t *)key;
	const struct span_row *row = element;
	return (id > row->id) - (id < row->id);
}

static bool starts_before(const struct span_row *a, const struct span_row *b)
{
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns;
	return a->duration_ns > b->duration_ns;
}

static int by_start(const void *left, const void *right, void *rows)
{
	const struct span_row *a = (struct span_row *)rows + *(const uint32_t *)left;
	const struct span_row *b = (struct span_row *)rows + *(const uint32_t *)right;
	if (starts_before(a, b) != starts_before(b, a))
		return starts_before(a, b) ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* Hangs every span below its parent, in order of time; what has none that is there is a root. */
static void link_rows(struct span_tree *tree, uint32_t *order)
{
	for (uint32_t i = 0; i < tree->nrows; i++) {
		order[i] = i;
		tree->nodes[i] = (struct span_node){SPAN_NO_NODE, SPAN_NO_NODE, SPAN_NO_NODE};
	}
	qsort_r(order, tree->nrows, sizeof *order, by_start, tree->rows);
	tree->root = SPAN_NO_NODE;
	for (size_t i = tree->nrows; i-- > 0;) {
		uint32_t at = order[i];
		const struct span_row *row = &tree->rows[at], *parent = NULL;
		if (row->parent_id)
			parent = bsearch(&row->parent_id, tree->rows, tree->nrows,
					 sizeof *tree->rows, by_span_id);
		uint32_t *first = &tree->root;
		if (parent && parent != row) {
			tree->nodes[at].parent = (uint32_t)(parent - tree->rows);
			first = &tree->nodes[tree->nodes[at].parent].child;
		}
		tree->nodes[at].sibling = *first;
		*first = at;
	}
}

/* Only what is below one span. False: the trace has no such span. */
static bool prune(struct span_tree *tree, uint64_t id)
{
	const struct span_row *row =
		bsearch(&id, tree->rows, tree->nrows, sizeof *tree->rows, by_span_id);
	if (!row)
		return false;
	tree->root = (uint32_t)(row - tree->rows);
	tree->nodes[tree->root].parent = tree->nodes[tree->root].sibling = SPAN_NO_NODE;
	return true;
}

uint32_t span_tree_next(const struct span_tree *tree, uint32_t at, uint32_t *depth)
{
	if (tree->nodes[at].child != SPAN_NO_NODE) {
		++*depth;
		return tree->nodes[at].child;
	}
	while (tree->nodes[at].sibling == SPAN_NO_NODE) {
		at = tree->nodes[at].parent;
		if (at == SPAN_NO_NODE)
			return SPAN_NO_NODE;
		--*depth;
	}
	return tree->nodes[at].sibling;
}

/* --- from choosing to printing ------------------------------------------------------------- */

static int print_traces(const struct span_options *options, struct taking *taking,
			const struct trace *traces)
{
	struct span_node *nodes = calloc(taking->nrows + 1, sizeof *nodes);
	uint32_t *order = calloc(taking->nrows + 1, sizeof *order);
	int code = EXIT_OK;
	if (taking->nrows)
		qsort(taking->rows, taking->nrows, sizeof *taking->rows, by_trace);
	for (size_t t = 0; nodes && order && traces && t < taking->ntraces; t++) {
		const uint64_t *id = traces[t].id;
		size_t from = 0, to;
		while (from < taking->nrows &&
		       memcmp(taking->rows[from].trace_id, id, sizeof traces[t].id) != 0)
			from++;
		for (to = from; to < taking->nrows &&
				memcmp(taking->rows[to].trace_id, id, sizeof traces[t].id) == 0;)
			to++;
		struct span_tree tree = {.rows = taking->rows + from,
					 .nrows = drop_twins(taking->rows + from, to - from),
					 .nodes = nodes};
		link_rows(&tree, order);
		/* A trace that was more than there is memory for may lack it. */
		const uint64_t *only = options->selection->span;
		if (only[1] && !only[0] && !prune(&tree, only[1]))
			continue;
		if (t)
			putchar('\n');
		span_tree_print(options, &tree);
	}
	if (!nodes || !order)
		code = trouble("no memory for all of it");
	free(nodes);
	free(order);
	if (taking->left_out)
		code = trouble("%" PRIu64 " more spans of these traces are left out",
			       taking->left_out);
	return code;
}

static int take_and_print(const struct span_options *options, struct choosing *choosing)
{
	struct dump_reader *reader = open_dumps(options->paths, options->npaths, NULL);
	if (!reader)
		return EXIT_TROUBLE;
	struct trace *sorted = calloc(choosing->ntraces + 1, sizeof *sorted);
	struct taking taking = {.traces = sorted, .ntraces = choosing->ntraces};
	int code = EXIT_TROUBLE;
	taking.feed = (struct feed){.on_span = take_span, .context = &taking};
	if (sorted && choosing->traces) {
		memcpy(sorted, choosing->traces, choosing->ntraces * sizeof *sorted);
		qsort(sorted, choosing->ntraces, sizeof *sorted, by_id);
		qsort(choosing->traces, choosing->ntraces, sizeof *sorted, by_weight);
	}
	if (!sorted || feed_run(&taking.feed, reader) || taking.no_memory)
		trouble("no memory for all of it");
	else
		code = print_traces(options, &taking, choosing->traces);
	fflush(stdout);
	if (report_damage(reader))
		code = EXIT_TROUBLE;
	free(taking.rows);
	free(sorted);
	dump_reader_close(reader);
	return code;
}

int spans_tree(const struct span_options *options)
{
	struct choosing choosing = {.options = options};
	int code = EXIT_OK;
	struct dump_reader *reader = span_open(options, &choosing.feed, &code);
	if (!reader)
		return code;
	choosing.feed = (struct feed){.on_span = choose_trace, .context = &choosing};
	choosing.traces = calloc(options->limit, sizeof *choosing.traces);
	if (!choosing.traces || feed_run(&choosing.feed, reader))
		code = trouble("no memory for all of it");
	else if (!choosing.ntraces)
		code = span_none(options);
	if (code && report_damage(reader))
		code = EXIT_TROUBLE;
	select_close(options->selection, reader);
	if (!code)
		code = take_and_print(options, &choosing);
	free(choosing.traces);
	return code;
}
