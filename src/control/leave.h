/* What a process writes into its runtime directory for whoever finds it dead: whose it is, the
 * catalogs of its records, and where its dumps are. docs/ring-file.md. */
#ifndef RILL_CONTROL_LEAVE_H
#define RILL_CONTROL_LEAVE_H

#include "collect/collector.h"

/* Those catalogs that are not there yet. Under the control lock, before events of theirs are on. */
void leave_catalogs(struct process *process, const struct dump_process *is);
/* A dump that is about to be written. Under the control lock. */
void leave_dump(const struct process *process, const struct dump_target *target);

#endif
