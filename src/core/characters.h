/* Characters of UTF-8, and which of them may reach a terminal or a line as they are. */
#ifndef RILL_CORE_CHARACTERS_H
#define RILL_CORE_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One character of UTF-8 (RFC 3629, section 4). Returns its bytes; 0: none is valid here. */
size_t utf8_read(const unsigned char *bytes, size_t size, uint32_t *character);

/* Could end a line, drive a terminal, or make text look other than it is: controls (C0, DEL, C1),
 * line separators, bidirectional controls, what has no shape, noncharacters. */
bool character_is_unsafe(uint32_t character);

/* Every byte is part of a valid character that is not unsafe. */
bool characters_are_safe(const char *text, size_t size);

/* What characters_escape() takes at most, for so many bytes and the NUL. */
#define ESCAPED_ROOM(size) (4 * (size_t)(size) + 1)

/*
 * Text for a message: what is unsafe becomes \n, \r, \t, \xNN (a byte) or \u{NNNN} (a character);
 * all else, quotes and backslashes as well, stays. Ends with a NUL; where `room` (1 at least) is
 * too small, between characters with "...". Returns the length. Allocates nothing; safe in signal
 * handlers.
 */
size_t characters_escape(char *to, size_t room, const char *text, size_t size);

#endif
