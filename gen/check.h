/* What a page's rows must be to each other: unique, named by one another, within the bounds. */
#ifndef GEN_CHECK_H
#define GEN_CHECK_H

#include "arena.h"
#include "page.h"
#include "report.h"

/* Checks, and resolves the names in Keys, Start, End and Key. */
void page_check(struct page *page, struct arena *a, struct report *r);

#endif
