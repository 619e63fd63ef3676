/* A page's tables read as catalog: which row declares which event, key or span. */
#ifndef GEN_READ_H
#define GEN_READ_H

#include "arena.h"
#include "page.h"
#include "report.h"

/* Reads the page at page->path. Errors are in the report; what could be read is in the page. */
void page_read(struct page *page, struct arena *a, struct report *r);

#endif
