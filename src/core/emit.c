/*
 * rill__emit(): an event by one call, for compact sites and for all that the inline path of
 * rill_event() leaves. Signal-safe, keeps errno.
 *
 * Most records need no look at their values before: they are written in one pass, straight into
 * the ring. More words, lists, events, and strings that might have to be cut go the general way:
 * measure, cut, reserve, write.
 */
#include <stdarg.h>

#include "core/core.h"
#include "core/encode.h"

/* --- in one pass --------------------------------------------------------------------------- */

/* Words of a call that emit() has as parameters, and so the most that a quick record may have. */
#define QUICK_WORDS 5u
/* More than such a record can need: header, tags, words, a short text each, and the padding's
 * store. Closer than that to the limit it goes the general way. */
#define QUICK_ROOM 256u
_Static_assert(RILL__TAIL_AT(QUICK_WORDS) + QUICK_WORDS * RILL__SHORT_LENGTH + 8 <= QUICK_ROOM,
	       "a quick record has its room");

/* Up to one more than is short: so that nothing is called. */
static inline uint64_t short_length(const char *text)
{
	uint64_t length = 0;
	while (length <= RILL__SHORT_LENGTH && text[length])
		length++;
	return length;
}

/*
 * Writes the slots from the first on that is more than a word. Returns the end of their bytes.
 * NULL: not this way; then what has been written is nothing to anybody.
 */
static inline unsigned char *put_rest(unsigned char *to, unsigned char *tail, uint64_t kinds,
				      const uint64_t *word)
{
	const unsigned char *const end = tail; /* of the words */
	const unsigned first = (unsigned)__builtin_ctzll(kinds) / 4;
	word += first;
	kinds >>= 4 * first;
	for (to += 8ul * first; to < end; to += 8, kinds >>= 4) {
		const uint32_t kind = kinds & 15;
		const void *data = (const void *)(uintptr_t)*word;
		struct rill_value val = {0, 0, *word++, data};
		if (RILL__LIKELY(kind == RILL__BY_SIZED) || kind == RILL__BY_TEXT) {
			if (!data)
				return NULL;
			uint64_t length = kind == RILL__BY_TEXT ? short_length(data) : *word++;
			if (RILL__UNLIKELY(length > RILL__SHORT_LENGTH))
				return NULL;
			rill__put32(to, (uint32_t)length);
			rill__put32(to + 4, (uint32_t)length);
			rill__put_short(tail, data, length);
			tail += length;
			continue;
		}
		if (kind == RILL__BY_WORD) {
			rill__put64(to, val.word);
			continue;
		}
		if (kind == RILL__BY_WHOLE)
			return NULL;
		val = kind == RILL__BY_SOCKADDR ? encode_sockaddr(data)
						: rill__looked_at(kind, val);
		rill__put64(to, val.word);
		if (val.data && val.word == RILL__IP_WORD(16)) {
			memcpy(tail, val.data, 16);
			tail += 16;
		}
	}
	return tail;
}

static inline void commit_quick(const struct rill__gate *gate, struct rill__place place,
				unsigned char *at, unsigned char *end)
{
	rill__put64(end, 0); /* the padding; what is behind that is not published */
	uint64_t size = ((uint64_t)(end - at) + 7) & ~7ull;
	rill__put_size(at, gate, size);
	rill__commit(place, size);
}

/* Of a quick record's strings: so many that none is cut whatever the others' lengths are. */
#define QUICK_LENGTH EASY_LENGTH(QUICK_WORDS)

/* Some hundred bytes at most: sixteen at a time, without the call. The last ones may overlap. */
static inline void put_bytes(unsigned char *to, const unsigned char *from, uint64_t length)
{
	if (length <= RILL__SHORT_LENGTH) {
		rill__put_short(to, from, length);
		return;
	}
	for (uint64_t i = 0; i < length - 16; i += 16)
		memcpy(to + i, from + i, 16);
	memcpy(to + length - 16, from + length - 16, 16);
}

/* The slots once more, with strings that are longer than short. Each string asks for its own room,
 * and for QUICK_ROOM behind it, which is more than what is no string can need. */
static unsigned char *put_longer(unsigned char *to, unsigned char *tail, uint64_t kinds,
				 const uint64_t *word, const unsigned char *limit)
{
	const unsigned char *const end = tail; /* of the words */
	for (; to < end; to += 8, kinds >>= 4) {
		const uint32_t kind = kinds & 15;
		struct rill_value val = {0, 0, *word, (const void *)(uintptr_t)*word};
		word++;
		if (kind == RILL__BY_WHOLE)
			return NULL;
		if (kind == RILL__BY_SIZED)
			val.word = *word++;
		val = rill__looked_at(kind, val);
		if (kind == RILL__BY_SIZED || kind == RILL__BY_TEXT) {
			if (val.word > QUICK_LENGTH || tail + val.word + QUICK_ROOM > limit)
				return NULL;
			rill__put32(to, (uint32_t)val.word);
			rill__put32(to + 4, (uint32_t)val.word);
			put_bytes(tail, val.data, val.word);
			tail += val.word;
			continue;
		}
		rill__put64(to, val.word);
		if (kind != RILL__BY_WORD && val.word == RILL__IP_WORD(16)) {
			memcpy(tail, val.data, 16);
			tail += 16;
		}
	}
	return tail;
}

/* All of the record but its slots has been written. */
static __attribute__((noinline)) bool quick_longer(const struct rill__site *site,
						   const uint64_t *words, struct rill__place place)
{
	const uint32_t nslots = SITE_SLOTS(site);
	unsigned char *const at = rill__place_at(place);
	unsigned char *end =
		put_longer(at + RILL__WORDS_AT(nslots), at + RILL__TAIL_AT(nslots), site->kinds,
			   words, at + (place.producer->limit - place.position));
	if (!end) {
		rill__leave(place);
		return false;
	}
	commit_quick(site->gate, place, at, end);
	return true;
}

/* Of what is short, nothing is called here but rill__notify() at the end: all stays in registers.
 * words: a to e. */
static inline bool emit_quick(const struct rill__site *site, const uint64_t *words, uint64_t a,
			      uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	const struct rill__gate *const gate = site->gate;
	const uint32_t head = site->head;
	const uint64_t nslots = head >> 16 & 0xff;
	uint64_t ticks;
	struct rill__place place = rill__reserve(gate, head & UINT16_MAX, QUICK_ROOM, &ticks);
	if (!rill__reserved(place))
		return false;
	unsigned char *const at = rill__place_at(place);
	rill__put64(at, ticks);
	rill__put32(at + 8, head & 0xffffff);
	for (uint64_t i = 0; i < nslots; i += 2)
		memcpy(at + sizeof(struct rill__record) + 4 * i, site->tags + i, 8);
	unsigned char *const to = at + RILL__WORDS_AT(nslots);
	unsigned char *end = to + 8 * nslots;
	/* There is room: what is more than the slots is overwritten, or not published. */
	rill__put64(to, a);
	rill__put64(to + 8, b);
	rill__put64(to + 16, c);
	rill__put64(to + 24, d);
	rill__put64(to + 32, e);
	if (site->kinds) {
		end = put_rest(to, end, site->kinds, words);
		if (RILL__UNLIKELY(!end))
			return quick_longer(site, words, place);
	}
	commit_quick(gate, place, at, end);
	return true;
}

/* --- the general way ----------------------------------------------------------------------- */

/* A slot of what its words say. Returns where the next slot's are. */
static const uint64_t *look(struct slot *slot, uint32_t kind, const uint64_t *word)
{
	struct rill_value val = rill__val_word(*word);
	const void *data = (const void *)(uintptr_t)*word++;
	slot->body = NULL;
	if (kind == RILL__BY_WHOLE && RILL__IS_BODY(SLOT_TYPE(slot))) {
		slot->body = data;
		encode_measure(slot);
		return word;
	}
	if (kind == RILL__BY_WHOLE)
		val = *(const struct rill_value *)data;
	else if (kind == RILL__BY_SIZED)
		val = rill__val_sized(data, *word++);
	else if (kind != RILL__BY_WORD)
		val = rill__val_at(data);
	val = rill__looked_at(kind, val);
	slot->word = val.word;
	slot->data = val.data;
	slot->length = rill__length(SLOT_TYPE(slot), kind, &val);
	return word;
}

/* Writes a slot's word, and its bytes at `tail`. Returns the end of them. */
static inline unsigned char *put(unsigned char *word, unsigned char *tail, const struct slot *slot)
{
	uint64_t length = slot->length;
	if (!RILL__HAS_LENGTH(SLOT_TYPE(slot))) {
		rill__put64(word, slot->word);
		if (length)
			memcpy(tail, slot->data, 16);
		return tail + length;
	}
	rill__put32(word, (uint32_t)length);
	rill__put32(word + 4, (uint32_t)slot->word);
	if (slot->body)
		encode_body(tail, slot);
	else if (length <= RILL__SHORT_LENGTH)
		rill__put_short(tail, slot->data, length);
	else if (slot->data)
		memcpy(tail, slot->data, length);
	return tail + length;
}

static void put_record(unsigned char *at, const struct slot *slots, uint32_t nslots)
{
	unsigned char *tag = at + sizeof(struct rill__record);
	unsigned char *word = at + RILL__WORDS_AT(nslots);
	unsigned char *tail = at + RILL__TAIL_AT(nslots);
	if (nslots % 2)
		rill__put32(word - 4, 0);
	for (uint32_t i = 0; i < nslots; i++) {
		rill__put32(tag + 4ul * i, slots[i].tag);
		tail = put(word + 8ul * i, tail, &slots[i]);
	}
}

/* mark: the stack pointer of the frame that emits, as rill__stack_mark() would give it there. What
 * the section stores is that of this frame: also of a handler's, it lies below. */
static __attribute__((noinline)) void emit_any(const struct rill__site *site,
					       const uint64_t first[QUICK_WORDS], va_list *more,
					       uint64_t mark)
{
	const uint32_t nslots = SITE_SLOTS(site);
	uint64_t words[2 * RILL__MAX_SLOTS];
	struct slot slots[RILL__MAX_SLOTS];
	uint64_t tails = 0;
	bool easy = true;

	memcpy(words, first, QUICK_WORDS * sizeof *words);
	for (uint32_t i = QUICK_WORDS; i < SITE_WORDS(site); i++)
		words[i] = va_arg(*more, uint64_t);
	const uint64_t *word = words;
	for (uint32_t i = 0; i < nslots; i++) {
		slots[i].tag = site->tags[i];
		word = look(&slots[i], site->kinds >> 4 * i & 15, word);
		easy = easy && slots[i].length <= EASY_LENGTH(nslots);
	}
	if (!easy)
		encode_shorten(slots, nslots);
	for (uint32_t i = 0; i < nslots; i++)
		tails += slots[i].length;
	uint64_t size = RILL__TAIL_AT(nslots) + ((tails + 7) & ~7ull);
	uint64_t ticks;
	struct rill__place place = rill__reserve(site->gate, SITE_EVENT(site), size, &ticks);
	if (!rill__reserved(place)) {
		place = producer_reserve(site->gate, SITE_EVENT(site), size, mark,
					 rill__stack_mark());
		if (!place.producer)
			return;
		ticks = place.producer->ticks;
	}
	unsigned char *at = rill__place_at(place);
	if (tails)
		rill__put64(at + size - 8, 0);
	rill__put_header(at, site->gate, ticks, SITE_EVENT(site), nslots, size);
	put_record(at, slots, nslots);
	rill__commit(place, size);
}

/*
 * rill__emit() as its callers do not see it: not cold, or the compiler would make it small instead
 * of quick; and the first words, which they pass like any others, are parameters. On the machines
 * that rill supports both lie in the same registers.
 */
RILL_API void emit(const void *from, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		   ...) __asm__("rill__emit");

void emit(const void *from, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, ...)
{
	const struct rill__site *site = from;
	const uint64_t first[QUICK_WORDS] = {a, b, c, d, e};
	if (RILL__LIKELY(SITE_WORDS(site) <= QUICK_WORDS) &&
	    RILL__LIKELY(emit_quick(site, first, a, b, c, d, e)))
		return;
	uint64_t caller = (uint64_t)(uintptr_t)__builtin_dwarf_cfa();
	/* Words on the stack are pushed, padded to 16 bytes: a section that the same frame has left
	 * behind began above them. What this may count too much, a handler's own frames make up. */
	if (SITE_WORDS(site) > QUICK_WORDS)
		caller += 8 * (SITE_WORDS(site) - QUICK_WORDS + 1);
	va_list more;
	va_start(more, e);
	emit_any(site, first, &more, caller | 1);
	va_end(more);
}
