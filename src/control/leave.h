/* What a process writes into its runtime directory for whoever finds it dead: whose it is, the
 * catalogs of its records, and where its dumps are. docs/ring-file.md. */
#ifndef RILL_CONTROL_LEAVE_H
#define RILL_CONTROL_LEAVE_H

#include "collect/collector.h"

#define LEAVE_HOST_BYTES sizeof((struct dump_target *)0)->host
/* Who this process is. host: of LEAVE_HOST_BYTES; the description points to it. */
struct dump_process leave_describe(const struct process *process, char *host);
/* Those catalogs that are not there yet. Under the control lock, before events of theirs are on. */
void leave_catalogs(struct process *process);
/* A dump that is about to be written. Under the control lock. */
void leave_dump(const struct process *process, const struct dump_target *target);

#endif
