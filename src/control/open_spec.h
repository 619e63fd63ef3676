/* Opens what a sink's spec says, and hands it to the collector. */
#ifndef RILL_CONTROL_OPEN_SPEC_H
#define RILL_CONTROL_OPEN_SPEC_H

#include "collect/collector.h"

/* 0; a negative errno, after a diagnostic. */
int open_spec(struct collector *collector, const char *spec);

#endif
