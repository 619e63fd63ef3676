/* A dump whose every string means harm, its harmless twin, and what no output may hold. */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>

/* What is put behind every name and text; with no slash in
 * what files are called. Forges
 * lines and fields, drives terminals by C0, C1 as UTF-8 and as raw bytes, CSI and OSC, reorders and
 * hides text, and is not UTF-8. */
extern const char hostile_text[];
/* Of the same length when it is escaped, of letters but for one byte. */
const char *harmless_text(void);

struct hostile {
	char *folder;
	char *dump;   /* its name has the text in it as well */
	char *broken; /* the same with bytes changed and cut */
	char *event;  /* name of an event */
};

/* Folders of the same length whether it is hostile or its twin. */
struct hostile hostile_make(bool hostile);

/*
 * What in a text is none: a control byte other than LF (and those in `allowed`), what is not UTF-8,
 * C1, line separators; marks that reorder or hide text, unless `marks`. Its offset, or -1. Written
 * down here anew: a fault of rill's own list must not hide itself.
 */
long unclean_at(const char *text, size_t size, const char *allowed, bool marks);
size_t count_bytes(const char *text, size_t size, char byte);

#endif
