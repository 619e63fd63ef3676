#include "sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far before its test a scheduler may have moved the load. */
#define MAX_DISTANCE 24

static bool of_gate(const struct disasm_insn *insn)
{
	size_t length = strlen(insn->symbol);

	return strncmp(insn->symbol, "rill__", 6) == 0 && length > 5 &&
	       strcmp(insn->symbol + length - 5, "_gate") == 0;
}

/* `testb $0x40,0x36(%rax)`; of bit 7 compilers prefer `cmpb $0x0,0x36(%rax)` and its sign. */
static bool tests_one_bit(const struct disasm_insn *insn)
{
	unsigned long bit;

	if (insn->args[0] != '$' || !strstr(insn->args, "(%"))
		return false;
	bit = strtoul(insn->args + 1, NULL, 16) & 0xff;
	if (disasm_is(insn, "testb"))
		return bit && !(bit & (bit - 1));
	return disasm_is(insn, "cmpb") && bit == 0;
}

/* The load whose register a test looks behind; SIZE_MAX: the test is none of a gate. */
static size_t load_of(const struct disasm_function *function, size_t test)
{
	const char *base = disasm_register(function->insns[test].args);

	for (size_t i = test; base && i-- > 0 && test - i <= MAX_DISTANCE;) {
		const char *written = disasm_register_written(&function->insns[i]);

		if (disasm_is(&function->insns[i], "call"))
			break;
		if (written && strcmp(written, base) == 0)
			return of_gate(&function->insns[i]) ? i : SIZE_MAX;
	}
	return SIZE_MAX;
}

static bool taken_when_set(const struct disasm_insn *test, const struct disasm_insn *branch)
{
	if (disasm_is(test, "testb"))
		return disasm_is(branch, "jne");
	return disasm_is(branch, "js") || disasm_is(branch, "jl");
}

static void found_wrong(struct sites *sites, const struct disasm_function *function, size_t at,
			const char *what)
{
	snprintf(sites->wrong, sizeof sites->wrong, "%.60s+0x%llx: %.16s %.60s: %s", function->name,
		 (unsigned long long)(function->insns[at].address - function->insns[0].address),
		 function->insns[at].op, function->insns[at].args, what);
}

/* The site whose branch this is. False: it is an ordinary branch. */
static bool site_at(struct sites *sites, const struct disasm_function *function, size_t branch)
{
	struct site site = {.branch = branch, .test = branch};

	while (site.test-- > 0 && branch - site.test <= MAX_DISTANCE) {
		const struct disasm_insn *insn = &function->insns[site.test];

		if (disasm_is_jump(insn) || disasm_ends_flow(insn))
			return false;
		if (tests_one_bit(insn) && load_of(function, site.test) != SIZE_MAX)
			break;
	}
	if (site.test == SIZE_MAX || branch - site.test > MAX_DISTANCE)
		return false;
	site.load = load_of(function, site.test);
	if (!taken_when_set(&function->insns[site.test], &function->insns[branch])) {
		found_wrong(sites, function, branch, "taken when the event is off");
		return false;
	}
	for (size_t i = site.load; i <= branch; i++)
		site.nspills += disasm_writes_stack(&function->insns[i]);
	site.size_bytes = function->insns[site.load].size_bytes +
			  function->insns[site.test].size_bytes +
			  function->insns[branch].size_bytes;
	if (sites->count == SITES_MAX)
		abort();
	sites->site[sites->count++] = site;
	return true;
}

struct sites sites_find(const struct disasm_function *function)
{
	struct sites sites = {.reached = calloc(function->count, sizeof(bool))};
	size_t *todo = calloc(2 * function->count + 1, sizeof *todo), ntodo = 1;

	if (!sites.reached || !todo)
		abort();
	while (ntodo) {
		size_t i = todo[--ntodo];

		if (i >= function->count || sites.reached[i])
			continue;
		const struct disasm_insn *insn = &function->insns[i];
		sites.reached[i] = true;
		sites.nreached++;
		sites.ncalls += disasm_is(insn, "call");
		sites.nwrites += disasm_writes_stack(insn);
		if (insn->target >= 0 && !site_at(&sites, function, i))
			todo[ntodo++] = (size_t)insn->target;
		else if (insn->target < 0 && disasm_is_jump(insn))
			site_at(&sites, function, i);
		if (!disasm_ends_flow(insn))
			todo[ntodo++] = i + 1;
	}
	free(todo);
	/* Whoever looks at a gate but not as above, pays more than three instructions. (clang takes
	 * a gate's address out of a loop, with lea, for the second look.) */
	for (size_t i = 0; i < function->count; i++) {
		bool known = !sites.reached[i] || !of_gate(&function->insns[i]) ||
			     disasm_is(&function->insns[i], "lea");

		for (size_t k = 0; !known && k < sites.count; k++)
			known = sites.site[k].load == i;
		if (!known)
			found_wrong(&sites, function, i, "a look at the gate that is no site");
	}
	return sites;
}

/* What can be reached from `start` among the reached, in one step or more. */
static void mark_from(const struct disasm_function *function, const struct sites *sites,
		      size_t start, bool *marked)
{
	size_t *todo = calloc(2 * function->count + 2, sizeof *todo), ntodo = 0, i = start;
	bool first = true;

	if (!todo)
		abort();
	memset(marked, 0, function->count * sizeof *marked);
	while (first || ntodo) {
		if (!first) {
			i = todo[--ntodo];
			if (i >= function->count || !sites->reached[i] || marked[i])
				continue;
			marked[i] = true;
		}
		first = false;
		bool gate = false;
		for (size_t k = 0; k < sites->count; k++)
			gate |= sites->site[k].branch == i;
		if (function->insns[i].target >= 0 && !gate)
			todo[ntodo++] = (size_t)function->insns[i].target;
		if (!disasm_ends_flow(&function->insns[i]))
			todo[ntodo++] = i + 1;
	}
	free(todo);
}

struct site_loop sites_loop(const struct disasm_function *function, const struct sites *sites)
{
	struct site_loop largest = {0};
	bool *from = calloc(function->count, sizeof *from);
	bool *back = calloc(function->count, sizeof *back);

	if (!from || !back)
		abort();
	for (size_t i = 0; i < function->count; i++) {
		/* A loop is what its last branch can reach and what can reach that branch. */
		if (!sites->reached[i] || function->insns[i].target < 0 ||
		    (size_t)function->insns[i].target > i)
			continue;
		struct site_loop loop = {0};
		mark_from(function, sites, i, from);
		for (size_t k = 0; k < function->count; k++) {
			if (!from[k])
				continue;
			mark_from(function, sites, k, back);
			if (!back[i])
				continue;
			loop.ninsns++;
			loop.nreads += disasm_reads_stack(&function->insns[k]);
			loop.nwrites += disasm_writes_stack(&function->insns[k]);
		}
		if (loop.ninsns > largest.ninsns)
			largest = loop;
	}
	free(from);
	free(back);
	return largest;
}
