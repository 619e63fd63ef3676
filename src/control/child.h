/* A child of clone() or _Fork(): nobody has made the C library's locks free for it. */
#ifndef RILL_CONTROL_CHILD_H
#define RILL_CONTROL_CHILD_H

#include <stdbool.h>

/* Whether memory can be had and a thread started: not if one that the child does not have was
 * holding a lock of the C library's. Takes a tenth of a second at most, and as a rule what fork()
 * takes. */
bool child_can_start(void);

/* False: in a child of clone() in which taking or freeing memory would hang, or nobody knows. */
bool child_has_memory(void);

#endif
