/* Whose a dump is, by its name and by its first block. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dump/format.h"

#define HEAD_BYTES 4096u
/* Before the program's name: process id, part, the process's number, its start. */
#define BEFORE_PROGRAM (4 + 4 + 16 + 8)

int dump_program(int fd, char *program, size_t size)
{
	unsigned char head[HEAD_BYTES];
	struct block block;
	ssize_t got = pread(fd, head, sizeof head, 0);
	if (got < (ssize_t)(FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE) ||
	    memcmp(head, FORMAT_MAGIC, 8) != 0 || head[8] != FORMAT_MAJOR || head[9] != 0 ||
	    !block_header_get(&block, head + FORMAT_HEADER_SIZE, FORMAT_HEADER_SIZE) ||
	    block.type != BLOCK_PROCESS || block.flags != 0)
		return -EBADMSG;
	const unsigned char *body = head + FORMAT_HEADER_SIZE + BLOCK_HEADER_SIZE;
	if (block.size > (size_t)(head + got - body) ||
	    format_crc(0, body, block.size) != block.body_check || block.size < BEFORE_PROGRAM)
		return -EBADMSG;
	struct unpacker unpacker = {.at = body + BEFORE_PROGRAM, .end = body + block.size};
	size_t length = unpack_int(&unpacker, 4);
	if (unpacker.failed || length > (size_t)(unpacker.end - unpacker.at) || length >= size)
		return -EBADMSG;
	memcpy(program, unpacker.at, length);
	program[length] = 0;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* START-PROGRAM-PID.rill, or with a number behind. */
bool dump_is_name(const char *name)
{
	static const char start[] = "00000000T000000.000000000Z-";
	size_t length = strlen(name), n = sizeof start - 1;
	if (length < n + 8 || strcmp(name + length - 5, ".rill") != 0 ||
	    !is_digit(name[length - 6]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (start[i] == '0' ? !is_digit(name[i]) : name[i] != start[i])
			return false;
	return true;
}
