/* The part of encoding that is not inline: lists, nested events, addresses, cutting. */
#include "core/encode.h"

#include "core/core.h"

static uint64_t values_cut;

uint64_t encode_cut_count(void)
{
	return __atomic_load_n(&values_cut, __ATOMIC_RELAXED);
}

void encode_count_anew(void)
{
	__atomic_store_n(&values_cut, 0, __ATOMIC_RELAXED);
}

struct rill_value rill__val_sockaddr(const void *address)
{
	return encode_sockaddr(address);
}

/* --- lists and nested events --------------------------------------------------------------- */

/*
 * Encoded: event | catalog << 24 (list: 0), count, then tags, words and tails as in a record.
 *
 * Measuring and writing are the same walk with the same budget. Writing with exactly the measured
 * size as budget keeps the same elements: those fitted into it, and the first that did not fit into
 * the larger budget does not fit into the smaller.
 */
#define BODY_HEADER 8u
#define NO_BUDGET   (UINT64_C(1) << 31)

/* A record has 32 bits for the length before a cut. */
static uint64_t original(uint64_t length)
{
	return length < UINT32_MAX ? length : UINT32_MAX;
}

static uint64_t body_fixed(uint64_t count)
{
	return BODY_HEADER + ((4 * count + 7) & ~7ull) + 8 * count;
}

static const struct rill_value *element(const struct rill_value *body, uint64_t i)
{
	return body->type == RILL_TYPE_EVENT ? &((const struct rill_field *)body->data)[i].value
					     : &((const struct rill_value *)body->data)[i];
}

static bool is_body(const struct rill_value *value)
{
	return value->type == RILL_TYPE_LIST || value->type == RILL_TYPE_EVENT;
}

static uint64_t body_size(const struct rill_value *body, uint64_t budget, unsigned depth,
			  uint64_t *kept);

/* Bytes of the tail that an element takes. */
static uint64_t element_size(const struct rill_value *value, uint64_t budget, unsigned depth)
{
	uint64_t kept;
	if (is_body(value))
		return body_size(value, budget, depth + 1, &kept);
	if (value->type == RILL_TYPE_STRING || value->type == RILL_TYPE_BYTES)
		return value->word < NO_BUDGET ? value->word : 0;
	return value->type == RILL_TYPE_IP && value->word == RILL__IP_WORD(16) ? 16 : 0;
}

/* The size of a list or event of which as many elements are kept as fit; budget is at least 8. */
static uint64_t body_size(const struct rill_value *body, uint64_t budget, unsigned depth,
			  uint64_t *kept)
{
	uint64_t tails = 0;
	/* More than an encoded body can count is an error of the caller's: a negative number. */
	uint64_t count = body->word < UINT32_MAX && depth < RILL_MAX_DEPTH ? body->word : 0;
	*kept = 0;
	for (uint64_t i = 0; i < count; i++) {
		const struct rill_value *value = element(body, i);
		uint64_t used = body_fixed(i + 1) + tails;
		if (used + (is_body(value) ? BODY_HEADER : 0) > budget)
			break;
		uint64_t size = element_size(value, budget - used, depth);
		if (((used + size + 7) & ~7ull) > budget)
			break;
		tails += size;
		*kept = i + 1;
	}
	return (body_fixed(*kept) + tails + 7) & ~7ull;
}

static void put_body(unsigned char *to, const struct rill_value *body, uint64_t budget,
		     unsigned depth);

static void put_element(unsigned char *word, unsigned char *tail, const struct rill_value *value,
			uint64_t budget, uint64_t size, unsigned depth)
{
	if (is_body(value)) {
		uint64_t kept, whole = body_size(value, NO_BUDGET, depth + 1, &kept);
		if (kept < value->word)
			whole++; /* cut by depth: original and kept length must differ */
		rill__put64(word, size | whole << 32);
		put_body(tail, value, budget, depth + 1);
	} else if (value->type == RILL_TYPE_STRING || value->type == RILL_TYPE_BYTES) {
		/* Longer than a body can hold: nothing is kept of it. */
		if (size < value->word)
			__atomic_add_fetch(&values_cut, 1, __ATOMIC_RELAXED);
		rill__put64(word, size | original(value->word) << 32);
		if (size) /* the data of an empty one may be NULL */
			memcpy(tail, value->data, size);
	} else {
		rill__put64(word, value->word);
		if (size)
			memcpy(tail, value->data, size);
	}
}

static void put_body(unsigned char *to, const struct rill_value *body, uint64_t budget,
		     unsigned depth)
{
	uint64_t kept;
	memset(to, 0, body_size(body, budget, depth, &kept));
	rill__put32(to, body->event);
	rill__put32(to + 4, (uint32_t)kept);
	unsigned char *tag = to + BODY_HEADER;
	unsigned char *word = tag + ((4 * kept + 7) & ~7ull);
	unsigned char *tail = word + 8 * kept;
	uint64_t tails = 0;
	for (uint64_t i = 0; i < kept; i++, tag += 4, word += 8) {
		const struct rill_value *value = element(body, i);
		uint64_t left = budget - body_fixed(i + 1) - tails;
		uint64_t size = element_size(value, left, depth);
		uint32_t key = body->type == RILL_TYPE_EVENT
				       ? ((const struct rill_field *)body->data)[i].key
				       : 0;
		rill__put32(tag, RILL__TAG(key, value->type));
		put_element(word, tail + tails, value, left, size, depth);
		tails += size;
	}
	if (kept < body->word)
		__atomic_add_fetch(&values_cut, 1, __ATOMIC_RELAXED);
}

void encode_measure(struct slot *slot)
{
	uint64_t kept;
	slot->length = slot->word = body_size(slot->body, NO_BUDGET, 0, &kept);
	if (kept < slot->body->word)
		slot->word++; /* original and kept length must differ */
}

void encode_body(unsigned char *to, const struct slot *slot)
{
	put_body(to, slot->body, slot->length, 0);
}

/* --- cutting ------------------------------------------------------------------------------- */

/* The longest prefix of at most `limit` bytes that does not end inside a UTF-8 character. */
static uint64_t utf8_prefix(const unsigned char *text, uint64_t limit)
{
	uint64_t end = limit;
	while (end > 0 && limit - end < 4 && (text[end] & 0xc0) == 0x80)
		end--;
	return limit - end < 4 ? end : limit;
}

/* Of the ring that the calling thread, or handler, is about to write to. */
static uint64_t max_record(void)
{
	struct rill__producer *me = rill__me;
	struct ring *ring = (struct ring *)me->ring;
	if (!ring)
		return rill__settings.ring_size_bytes / RECORD_FRACTION;
	/* Inside a section: this is a handler that interrupted it, and the second ring is smaller.
	 */
	if (__atomic_load_n(&me->state, __ATOMIC_RELAXED) & 1)
		return NESTED_BYTES / RECORD_FRACTION;
	return ring_max_record(ring);
}

/* Longer than this is an error of the caller's, such as a negative length: nothing is kept of it.
 */
#define ABSURD_LENGTH (1ull << 40)

static uint64_t saturate(uint64_t length)
{
	return length < ABSURD_LENGTH ? length : ABSURD_LENGTH;
}

/* How many of a value's bytes are kept in a record whose lengths are together `total`. */
static uint64_t shortened(const struct slot *slot, uint64_t budget, uint64_t total, uint32_t nslots)
{
	const uint64_t easy = EASY_LENGTH(nslots);
	if (slot->length <= easy || (slot->length < ABSURD_LENGTH && total <= budget))
		return slot->length;

	/* Lists and events are counted where they are written: inner ones may be cut as well. */
	if (!slot->body)
		__atomic_add_fetch(&values_cut, 1, __ATOMIC_RELAXED);
	if (slot->length >= ABSURD_LENGTH)
		return 0;
	uint64_t spare = budget - (nslots - 1) * easy;
	uint64_t keep = (uint64_t)((unsigned __int128)slot->length * spare / total);
	if (keep < easy)
		keep = easy;
	if (slot->body) {
		uint64_t kept;
		return body_size(slot->body, keep, 0, &kept);
	}
	return SLOT_TYPE(slot) == RILL_TYPE_STRING
		       ? utf8_prefix((const unsigned char *)slot->data, keep)
		       : keep;
}

/*
 * Every long value gives up the same part of itself. Short ones stay: all that all slots could hold
 * of those is taken off the budget first.
 */
void encode_shorten(struct slot *slots, uint32_t nslots)
{
	uint64_t total = 0, budget = max_record() - RILL__TAIL_AT(nslots) - 8;
	for (uint32_t i = 0; i < nslots; i++)
		if (RILL__HAS_LENGTH(SLOT_TYPE(&slots[i])))
			total += saturate(slots[i].length);
	for (uint32_t i = 0; i < nslots; i++) {
		if (!RILL__HAS_LENGTH(SLOT_TYPE(&slots[i])))
			continue;
		slots[i].length = shortened(&slots[i], budget, total, nslots);
		slots[i].word = original(slots[i].word);
	}
}
