/* Catalog pages that a test makes up. */
#ifndef TESTS_PAGE_TEXT_H
#define TESTS_PAGE_TEXT_H

#include "support/value.h"

/* The page as Markdown, for rill-gen; at most 100 events a subsystem. */
char *page_text(const struct page *page);

#endif
