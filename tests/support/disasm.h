/* x86-64 instructions of an object, as objdump reads them. */
#ifndef TESTS_DISASM_H
#define TESTS_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disasm_insn {
	uint64_t address;
	unsigned size_bytes;
	int target;      /* of a branch: index in the function; -1: elsewhere, or no branch */
	char op[16];     /* "testb" */
	char args[112];  /* "$0x40,0x36(%rax)" */
	uint64_t refers; /* address of an operand relative to the instruction; 0: none */
	char symbol[80]; /* that a relocation or that address names, without an offset */
};

struct disasm_function {
	char name[128];
	struct disasm_insn *insns;
	size_t count;
};

struct disasm {
	struct disasm_function *functions;
	size_t count;
};

/* Runs objdump on an object, executable or shared object; aborts when it can't. What is returned is
 * the caller's to leave: each Criterion test is a process. */
struct disasm disasm_load(const char *path);

/* NULL: no such function. */
const struct disasm_function *disasm_find(const struct disasm *disasm, const char *name);

/* Bytes from the function's first instruction to the end of its last. */
unsigned disasm_bytes(const struct disasm_function *function);

bool disasm_is(const struct disasm_insn *insn, const char *op);
bool disasm_is_jump(const struct disasm_insn *insn);      /* conditional or not */
bool disasm_ends_flow(const struct disasm_insn *insn);    /* ret, jmp, ud2 */
bool disasm_reads_stack(const struct disasm_insn *insn);  /* pop and stack operands */
bool disasm_writes_stack(const struct disasm_insn *insn); /* push and stack operands */
/* "rax" when the instruction's last operand is a general register, whatever its width; else NULL.
 */
const char *disasm_register_written(const struct disasm_insn *insn);
/* The same for a register's name as it stands in an operand: "%eax", "(%rax)". */
const char *disasm_register(const char *operand);

#endif
