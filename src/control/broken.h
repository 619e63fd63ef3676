/* In the place of a sink that could not be opened: counts what it does not get, and tells at its
 * end. */
#ifndef RILL_CONTROL_BROKEN_H
#define RILL_CONTROL_BROKEN_H

#include <stdbool.h>

#include "collect/pipeline.h"

/* False: no memory. */
bool broken_open(struct output *output, const char *spec);

#endif
