#include "disasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static void *grow(void *array, size_t count, size_t size)
{
	/* At powers of two: a function of a thousand instructions is copied ten times. */
	if (count & (count - 1))
		return array;
	array = realloc(array, (count ? count * 2 : 1) * size);
	if (!array)
		abort();
	return array;
}

static void copy(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

/* `   7:\tf6 40 36 40 \ttestb  $0x40,0x36(%rax)   # 10 <f+0x10>\t3: R_X86_64_PC32\tsymbol-0x4` */
static bool read_insn(struct disasm_insn *insn, char *line)
{
	char *bytes, *text, *relocation, *comment, *end;

	*insn = (struct disasm_insn){.address = strtoull(line, &end, 16), .target = -1};
	if (end == line || end[0] != ':' || end[1] != '\t')
		return false;
	bytes = end + 2;
	text = strchr(bytes, '\t');
	if (!text)
		return false;
	insn->size_bytes = (unsigned)((text - bytes) / 3);
	while (insn->size_bytes && bytes[3 * insn->size_bytes - 2] == ' ')
		insn->size_bytes--;
	*text++ = '\0';
	relocation = strchr(text, '\t');
	if (relocation)
		*relocation++ = '\0';
	comment = strstr(text, " # ");
	if (comment)
		*comment = '\0';
	while (strncmp(text, "cs ", 3) == 0 || strncmp(text, "data16 ", 7) == 0 ||
	       strncmp(text, "notrack ", 8) == 0 || strncmp(text, "bnd ", 4) == 0)
		text = strchr(text, ' ') + 1;
	copy(insn->op, sizeof insn->op, text, strcspn(text, " "));
	text += strcspn(text, " ");
	text += strspn(text, " ");
	copy(insn->args, sizeof insn->args, text, strlen(text));
	for (size_t n = strlen(insn->args); n && insn->args[n - 1] == ' '; n--)
		insn->args[n - 1] = '\0';
	if (relocation && strchr(relocation, '\t'))
		copy(insn->symbol, sizeof insn->symbol, strchr(relocation, '\t') + 1,
		     strcspn(strchr(relocation, '\t') + 1, "+-@"));
	else if (comment)
		insn->refers = strtoull(comment + 3, NULL, 16);
	else if (disasm_is_jump(insn))
		insn->target = -2; /* an address of this section: to be looked up */
	return true;
}

static void resolve_targets(struct disasm_function *function)
{
	for (size_t i = 0; i < function->count; i++) {
		struct disasm_insn *insn = &function->insns[i];

		if (insn->target != -2)
			continue;
		insn->target = -1;
		uint64_t address = strtoull(insn->args, NULL, 16);
		for (size_t k = 0; k < function->count; k++) {
			if (function->insns[k].address == address)
				insn->target = (int)k;
		}
	}
}

/* In a linked object objdump's comments name whatever dynamic symbol they find for an address; its
 * symbol table knows better. `0000000000007060 l     O .data\t0000000000000018  name` */
static void name_objects(struct disasm *disasm, const char *path)
{
	struct run_result r = RUN(NULL, "objdump", "-t", path);

	for (char *rest = r.out, *line; (line = strsep(&rest, "\n"));) {
		char *kind = strstr(line, " O "), *tab = strchr(line, '\t'), *name;

		if (!kind || !tab)
			continue;
		uint64_t start = strtoull(line, NULL, 16), size = strtoull(tab, &name, 16);
		name += strspn(name, " ");
		if (strncmp(name, ".hidden ", 8) == 0)
			name += 8;
		for (size_t i = 0; i < disasm->count; i++) {
			for (size_t k = 0; k < disasm->functions[i].count; k++) {
				struct disasm_insn *insn = &disasm->functions[i].insns[k];

				if (insn->refers && insn->refers - start < size)
					copy(insn->symbol, sizeof insn->symbol, name, strlen(name));
			}
		}
	}
	run_free(&r);
}

struct disasm disasm_load(const char *path)
{
	struct run_result r = RUN(NULL, "objdump", "-d", "-r", "-w", path);
	struct disasm disasm = {0};
	struct disasm_function *function = NULL;
	struct disasm_insn insn;

	if (r.code != 0) {
		fprintf(stderr, "objdump %s: %s\n", path, r.err);
		abort();
	}
	for (char *rest = r.out, *line; (line = strsep(&rest, "\n"));) {
		char *name = strstr(line, " <");

		if (line[0] != ' ' && name && strstr(name, ">:")) {
			disasm.functions =
				grow(disasm.functions, disasm.count, sizeof *disasm.functions);
			function = &disasm.functions[disasm.count++];
			*function = (struct disasm_function){0};
			copy(function->name, sizeof function->name, name + 2,
			     (size_t)(strstr(name, ">:") - name - 2));
		} else if (function && read_insn(&insn, line)) {
			function->insns =
				grow(function->insns, function->count, sizeof *function->insns);
			function->insns[function->count++] = insn;
		}
	}
	for (size_t i = 0; i < disasm.count; i++)
		resolve_targets(&disasm.functions[i]);
	run_free(&r);
	name_objects(&disasm, path);
	return disasm;
}

const struct disasm_function *disasm_find(const struct disasm *disasm, const char *name)
{
	for (size_t i = 0; i < disasm->count; i++) {
		if (strcmp(disasm->functions[i].name, name) == 0)
			return &disasm->functions[i];
	}
	return NULL;
}

unsigned disasm_bytes(const struct disasm_function *function)
{
	size_t count = function->count;

	/* What pads the function to the next one's alignment is not its own. */
	while (count && (strncmp(function->insns[count - 1].op, "nop", 3) == 0 ||
			 strcmp(function->insns[count - 1].args, "%ax,%ax") == 0))
		count--;
	if (!count)
		return 0;
	return (unsigned)(function->insns[count - 1].address - function->insns[0].address) +
	       function->insns[count - 1].size_bytes;
}

bool disasm_is(const struct disasm_insn *insn, const char *op)
{
	return strcmp(insn->op, op) == 0;
}

bool disasm_is_jump(const struct disasm_insn *insn)
{
	return insn->op[0] == 'j';
}

bool disasm_ends_flow(const struct disasm_insn *insn)
{
	return strncmp(insn->op, "ret", 3) == 0 || disasm_is(insn, "repz") ||
	       disasm_is(insn, "jmp") || disasm_is(insn, "ud2") || disasm_is(insn, "hlt");
}

/* The last operand: what the instruction writes, if it writes an operand at all. */
static const char *last_operand(const struct disasm_insn *insn)
{
	const char *last = insn->args;
	int depth = 0;

	for (const char *p = insn->args; *p; p++) {
		depth += (*p == '(') - (*p == ')');
		if (*p == ',' && depth == 0)
			last = p + 1;
	}
	return last;
}

static const char *stack_operand(const char *text)
{
	const char *operand = strstr(text, "(%rsp");

	return operand ? operand : strstr(text, "(%rbp");
}

static bool only_compares(const struct disasm_insn *insn)
{
	return strncmp(insn->op, "cmp", 3) == 0 || strncmp(insn->op, "test", 4) == 0 ||
	       strncmp(insn->op, "bt", 2) == 0 || strncmp(insn->op, "ucomi", 5) == 0;
}

bool disasm_writes_stack(const struct disasm_insn *insn)
{
	const char *last = last_operand(insn);

	if (strncmp(insn->op, "push", 4) == 0)
		return true;
	/* A single memory operand is written by setcc, inc, neg and so on, and read by few others;
	 * then it counts twice. */
	return stack_operand(last) && !only_compares(insn) && !disasm_is(insn, "lea") &&
	       !disasm_is_jump(insn) && !disasm_is(insn, "call");
}

bool disasm_reads_stack(const struct disasm_insn *insn)
{
	const char *operand = stack_operand(insn->args);

	if (strncmp(insn->op, "pop", 3) == 0)
		return true;
	if (!operand || disasm_is(insn, "lea"))
		return false;
	return operand < last_operand(insn) || strncmp(insn->op, "mov", 3) != 0;
}

const char *disasm_register(const char *operand)
{
	static const char *const names[][5] = {
		{"rax", "eax", "ax", "al"},      {"rbx", "ebx", "bx", "bl"},
		{"rcx", "ecx", "cx", "cl"},      {"rdx", "edx", "dx", "dl"},
		{"rsi", "esi", "si", "sil"},     {"rdi", "edi", "di", "dil"},
		{"rbp", "ebp", "bp", "bpl"},     {"r8", "r8d", "r8w", "r8b"},
		{"r9", "r9d", "r9w", "r9b"},     {"r10", "r10d", "r10w", "r10b"},
		{"r11", "r11d", "r11w", "r11b"}, {"r12", "r12d", "r12w", "r12b"},
		{"r13", "r13d", "r13w", "r13b"}, {"r14", "r14d", "r14w", "r14b"},
		{"r15", "r15d", "r15w", "r15b"},
	};
	const char *name = strchr(operand, '%');
	size_t length;

	if (!name)
		return NULL;
	length = strcspn(++name, ",)");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		for (size_t k = 0; k < 4; k++) {
			if (strlen(names[i][k]) == length && !strncmp(names[i][k], name, length))
				return names[i][0];
		}
	}
	return NULL;
}

const char *disasm_register_written(const struct disasm_insn *insn)
{
	const char *last = last_operand(insn);

	if (last[0] != '%' || only_compares(insn) || strncmp(insn->op, "push", 4) == 0)
		return NULL;
	return disasm_register(last);
}
