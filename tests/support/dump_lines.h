/* What a dump holds, in lines, as the C reader has it: the ones that tests/dump/second_checks.py
 * prints as well. */
#ifndef TESTS_DUMP_LINES_H
#define TESTS_DUMP_LINES_H

/* Of one file. The caller frees. */
char *dump_lines(const char *path);
/* What second_checks.py prints of it, whole, and those of its lines that dump_lines() has. */
char *second_lines(const char *path);
char *second_common(const char *lines);
/* Fails the test where the two readers differ; what second_lines() gave. */
char *readers_agree(const char *path);

#endif
