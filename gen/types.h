/* Sets of value types as text: "string|u64". */
#ifndef GEN_TYPES_H
#define GEN_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <rill/types.h>

#include "buffer.h"

/* Reads a set into its bits and its order. Returns 0; or 1 with *bad, *bad_length the piece that is
 * no type's name; or 2 when that piece stands there twice. Spaces around a type's name are skipped.
 */
int types_parse(const char *text, uint16_t *types, uint8_t order[RILL_TYPE_COUNT], size_t *count,
		const char **bad, size_t *bad_length);

/* Adds the names, in that order, with `between` between them and `last` before the last. */
void types_print(struct buffer *b, const uint8_t *order, size_t count, const char *between,
		 const char *last);

#endif
