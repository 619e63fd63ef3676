/*
 * A bar on the terminal for what takes longer than a second: on standard error, when that is a
 * terminal and standard output is no pipe (whose reader may use the same terminal). One at a time.
 */
#ifndef RILL_CLI_PROGRESS_H
#define RILL_CLI_PROGRESS_H

#include <stdint.h>

void progress_begin(void);
/* So many bytes of so many are done. To be called often: it looks at the clock and draws seldom. */
void progress_show(uint64_t done, uint64_t all);
/* Before something is printed: where the bar stands, that will stand. It comes back when nothing
 * has been printed for a second. */
void progress_hide(void);
void progress_end(void);

#endif
