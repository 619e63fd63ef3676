/* Building a plan's program, running it into text, JSON and dump at once, comparing all of them. */
#ifndef TESTS_EDGE_RUN_H
#define TESTS_EDGE_RUN_H

#include "support/edge_program.h"

/*
 * Runs rill-gen on each page's text (NULL: the page is stalwart), compiles with `optimization`,
 * runs, and compares each value of each record: as the dump's reader gives it, as
 * tests/dump/second_reader.py does, as jq reads the JSON, as the text parser reads the text. Fails
 * the test with event, key, type and edge.
 */
void plan_check(const struct plan *plan, const char *const *page_texts, const char *optimization);

#endif
