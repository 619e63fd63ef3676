/* A bound on the processor time of the Markdown parser. Some texts that nobody writes by hand take
 * it time that grows with the square of their length; a page of the largest size takes about one
 * second. */
#ifndef GEN_LIMIT_H
#define GEN_LIMIT_H

#define LIMIT_SECONDS 5

/* Past the limit the program ends with an error on the page's first line and exit code 1. */
void limit_start(const char *path);
void limit_stop(void);

#endif
