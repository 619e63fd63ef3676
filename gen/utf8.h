/* UTF-8: which characters may stand on a page. */
#ifndef GEN_UTF8_H
#define GEN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decodes one character of `size_bytes` > 0 bytes. Returns its length, or 0 where no valid
 * character begins (RFC 3629: overlong forms, surrogates and values above U+10FFFF are invalid). */
size_t utf8_decode(const char *data, size_t size_bytes, uint32_t *character);

/* NULL, or why this character may not stand on a page, as the end of a sentence. Tab and line feed
 * may; other controls may not, nor those that reorder text: they would make the generated header
 * read otherwise than it compiles (and gcc warns of them). */
const char *utf8_refusal(uint32_t character);

#endif
