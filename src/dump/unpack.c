/*
 * Decoding. The input is copied to where zeros follow it, so that what has a fixed size is read
 * without looking where the input ends; a record that turns out to end behind that is not whole.
 * Bytes with a length, and all output, are checked before they are touched.
 */
#include "dump/unpack.h"

#include <errno.h>
#include <stdlib.h>

#include "core/decode.h"
#include "dump/filter.h"

/* More than a record takes without its bytes: time, shape and its definition, words. */
#define INPUT_SLACK 512u
#define TAG_PLACES  (2 * PACK_MAX_SLOTS)
#define MAX_EVENT   0xffffffu /* catalog and event */

struct text {
	const unsigned char *bytes;
	uint32_t size;
};

struct decoder {
	unsigned char *input;
	size_t input_room;
	uint32_t nshapes;
	uint32_t nslots;
	uint32_t ncolumns;
	uint32_t nwords;
	uint32_t ntexts;
	bool odd; /* an address is of a size that none has */
	struct shape shapes[PACK_MAX_SHAPES];
	struct slot_state slots[PACK_MAX_SLOTS];
	struct column columns[PACK_MAX_SLOTS];
	uint32_t tag_places[TAG_PLACES]; /* index of the column + 1 */
	uint64_t words[PACK_MAX_ENTRIES];
	struct text texts[PACK_MAX_ENTRIES];
};

/* Where the decoder stands. */
struct source {
	const unsigned char *control;
	const unsigned char *control_end;
	const unsigned char *payload;
	const unsigned char *payload_end;
	uint64_t ticks; /* of the record before */
};

struct decoder *decoder_new(void)
{
	return calloc(1, sizeof(struct decoder));
}

void decoder_free(struct decoder *decoder)
{
	if (decoder)
		free(decoder->input);
	free(decoder);
}

/* --- header -------------------------------------------------------------------------------- */

static bool get_varint(struct chunk_view *view, uint64_t *value)
{
	*value = 0;
	for (uint32_t shift = 0; shift < 64 && view->at < view->end; shift += 7) {
		unsigned char byte = *view->at++;
		*value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

int chunk_view_open(struct chunk_view *view, const unsigned char *body, uint64_t available)
{
	*view = (struct chunk_view){.at = body, .end = body + available};
	if (!get_varint(view, &view->nsegments) || !get_varint(view, &view->control_bytes) ||
	    view->nsegments > PACK_MAX_SEGMENTS || view->end - view->at < 8)
		return -EBADMSG;
	view->first = pack_get64(view->at);
	view->at += 8;
	return 0;
}

int chunk_view_next(struct chunk_view *view, struct pack_segment *segment)
{
	uint64_t tid, words, records, first, below, above;
	if (view->seen == view->nsegments)
		return 0;
	view->seen++;
	if (!get_varint(view, &segment->ring) || !get_varint(view, &tid) ||
	    !get_varint(view, &segment->from) || !get_varint(view, &words) ||
	    !get_varint(view, &records) || !get_varint(view, &first) || !get_varint(view, &below) ||
	    !get_varint(view, &above))
		return -EBADMSG;
	segment->tid = (uint32_t)tid;
	segment->size = 8 * words;
	segment->records = records >> 1;
	segment->sorted = records & 1;
	segment->first = view->first + unzigzag(first);
	segment->low = segment->first - below;
	segment->high = segment->first + above;
	/* A record takes two words at least. */
	if (words > PACK_MAX_RAW / 8 || segment->size > PACK_MAX_RAW - view->raw ||
	    segment->records == 0 || segment->records > words / 2 ||
	    segment->from + segment->size < segment->from)
		return -EBADMSG;
	view->raw += segment->size;
	return 1;
}

int chunk_view_events(struct chunk_view *view)
{
	uint64_t count, event, records, last = 0, filter;
	if (!get_varint(view, &count) || count > PACK_MAX_SHAPES)
		return -EBADMSG;
	view->nevents = (uint32_t)count;
	view->events = view->at;
	for (uint64_t i = 0; i < count; i++) {
		if (!get_varint(view, &event) || !get_varint(view, &records) ||
		    event > MAX_EVENT - last || (i && event == 0))
			return -EBADMSG;
		last += event;
	}
	view->events_end = view->at;
	if (!get_varint(view, &filter) || !filter_size_valid(filter) ||
	    filter > (size_t)(view->end - view->at))
		return -EBADMSG;
	view->filter = view->at;
	view->filter_size = (uint32_t)filter;
	view->at += filter;
	return 0;
}

/* --- shapes -------------------------------------------------------------------------------- */

static uint32_t tag_place(uint32_t tag)
{
	return (uint32_t)(tag * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (TAG_PLACES - 1);
}

static struct column *column_of(struct decoder *decoder, uint32_t tag)
{
	uint32_t place = tag_place(tag);
	for (; decoder->tag_places[place]; place = (place + 1) & (TAG_PLACES - 1))
		if (decoder->columns[decoder->tag_places[place] - 1].tag == tag)
			return &decoder->columns[decoder->tag_places[place] - 1];
	struct column *column = &decoder->columns[decoder->ncolumns++];
	*column = (struct column){.tag = tag, .chunk = place};
	decoder->tag_places[place] = decoder->ncolumns;
	return column;
}

static void decoder_reset(struct decoder *decoder)
{
	for (uint32_t i = 0; i < decoder->ncolumns; i++)
		decoder->tag_places[decoder->columns[i].chunk] = 0;
	decoder->nshapes = decoder->nslots = decoder->ncolumns = 0;
	decoder->nwords = decoder->ntexts = 0;
	decoder->odd = false;
}

/* A shape's definition. NULL: it is none. */
static struct shape *define(struct decoder *decoder, struct source *source)
{
	const unsigned char *at = source->payload;
	uint32_t n = at[0] & 31u, as_is = n == SHAPE_AS_IS;
	uint64_t catalog = at[1], event = at[2] | (uint32_t)at[3] << 8;
	at += 4;
	if (as_is)
		n = 0;
	if (n > RILL__MAX_SLOTS || decoder->nshapes == PACK_MAX_SHAPES ||
	    n > PACK_MAX_SLOTS - decoder->nslots)
		return NULL;
	struct shape *shape = &decoder->shapes[decoder->nshapes];
	*shape = (struct shape){.key = event | (uint64_t)n << 16 | catalog << 56,
				.fixed = (uint32_t)RILL__TAIL_AT(n),
				.expected = shape,
				.slots = &decoder->slots[decoder->nslots],
				.nslots = (uint8_t)n,
				.control_bytes = (uint8_t)((n + 2) / 2),
				.as_is = (uint8_t)as_is,
				.ntags = (uint8_t)((n + 1) / 2)};
	memcpy(shape->tags, at, (size_t)4 * n);
	decoder->nshapes++;
	decoder->nslots += n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t tag;
		memcpy(&tag, at + (size_t)4 * i, sizeof tag);
		shape->slots[i] = (struct slot_state){.column = column_of(decoder, tag),
						      .kind = (uint8_t)slot_kind(tag >> 16 & 0xff)};
	}
	source->payload = at + (size_t)4 * n;
	return shape;
}

/* The shape of a record that is not the expected one. NULL: there is none. */
static struct shape *shape_of(struct decoder *decoder, struct source *source)
{
	uint32_t number = *source->payload++;
	if (number >= SHAPE_ONE_BYTE)
		number = SHAPE_ONE_BYTE + ((number - SHAPE_ONE_BYTE) << 8 | *source->payload++);
	if (number < decoder->nshapes)
		return &decoder->shapes[number];
	return number == decoder->nshapes ? define(decoder, source) : NULL;
}

/* --- values -------------------------------------------------------------------------------- */

static const uint8_t word_bytes[16] = {0, 0, 0, 1, 2, 1, 2, 3, 4, 6, 8, 4, 8, 1, 2, 0};
static const uint64_t byte_masks[9] = {0,          0xff,         0xffff,         0xffffff,
				       UINT32_MAX, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
				       UINT64_MAX};

static inline bool get_word(struct decoder *decoder, struct slot_state *slot, uint32_t code,
			    const unsigned char **payload, uint64_t *to)
{
	struct column *column = slot->column;
	uint64_t last = slot->last, word;
	uint64_t value = pack_get64(*payload) & byte_masks[word_bytes[code]];
	*payload += word_bytes[code];
	switch (code) {
	case WORD_SAME:
		word = last;
		break;
	case WORD_TAG:
		word = column->last;
		break;
	case WORD_STRIDE:
		word = last + slot->stride;
		break;
	case WORD_DELTA1:
	case WORD_DELTA2:
		word = last + unzigzag(value);
		break;
	case WORD_NEW4:
	case WORD_NEW8:
		word = last ^ value;
		if (decoder->nwords == PACK_MAX_ENTRIES)
			return false;
		decoder->words[decoder->nwords++] = word;
		break;
	case WORD_REF1:
	case WORD_REF2:
		if (value >= decoder->nwords)
			return false;
		word = decoder->words[value];
		break;
	case WORD_IPV6:
		return false;
	default:
		word = last ^ value;
		break;
	}
	slot->stride = word - last;
	slot->last = column->last = word;
	*to = word;
	return true;
}

/* Finds bytes with a length. *word: kept and original. */
RILL__INLINE bool find_bytes(struct decoder *decoder, const struct slot_state *slot, uint32_t code,
			     struct source *source, uint64_t *word, const unsigned char **bytes)
{
	const struct column *column = slot->column;
	const unsigned char *at = source->payload;
	uint64_t size;
	switch (code) {
	case BYTES_SAME:
		*word = slot->kind == SLOT_BYTES ? slot->last : slot->bytes ? IPV6_BYTES : 0;
		*bytes = slot->bytes;
		return true;
	case BYTES_TAG:
		*word = slot->kind == SLOT_BYTES ? column->last : column->bytes ? IPV6_BYTES : 0;
		*bytes = column->bytes;
		return true;
	case BYTES_REF1:
	case BYTES_REF2:
		size = code == BYTES_REF1 ? at[0] : at[0] | (uint64_t)at[1] << 8;
		source->payload = at + (code - BYTES_REF1 + 1);
		if (size >= decoder->ntexts)
			return false;
		*bytes = decoder->texts[size].bytes;
		*word = decoder->texts[size].size * UINT64_C(0x100000001);
		return true;
	case BYTES_PLAIN1:
	case BYTES_NEW1:
		*word = at[0] * UINT64_C(0x100000001);
		at += 1;
		break;
	case BYTES_PLAIN2:
	case BYTES_NEW2:
		*word = (at[0] | (uint64_t)at[1] << 8) * UINT64_C(0x100000001);
		at += 2;
		break;
	case BYTES_PLAIN8:
		*word = pack_get64(at);
		at += 8;
		break;
	default:
		return false;
	}
	size = (uint32_t)*word;
	if (at > source->payload_end || size > (uint64_t)(source->payload_end - at))
		return false;
	*bytes = at;
	source->payload = at + size;
	return true;
}

/* Writes the bytes where a tail goes on. NULL: they are at fault or go beyond `end`. */
RILL__INLINE unsigned char *get_bytes(struct decoder *decoder, struct slot_state *slot,
				      uint32_t code, struct source *source, unsigned char *words,
				      unsigned char *tail, const unsigned char *end)
{
	const unsigned char *bytes;
	uint64_t word;
	if (!find_bytes(decoder, slot, code, source, &word, &bytes))
		return NULL;
	uint32_t size = (uint32_t)word;
	if (size > (size_t)(end - tail))
		return NULL;
	pack_put64(words, word);
	pack_copy(tail, bytes, size);
	if (code == BYTES_NEW1 || code == BYTES_NEW2) {
		if (decoder->ntexts == PACK_MAX_ENTRIES)
			return NULL;
		decoder->texts[decoder->ntexts++] = (struct text){tail, size};
	}
	struct column *column = slot->column;
	/* Of a slot that may hold words as well, those are the last ones. */
	if (slot->kind == SLOT_BYTES)
		slot->last = column->last = word;
	slot->bytes = column->bytes = tail;
	return tail + size;
}

/* The same of an ip slot, whose word says so. */
static __attribute__((noinline)) unsigned char *
get_ipv6(struct decoder *decoder, struct slot_state *slot, struct source *source,
	 unsigned char *words, unsigned char *tail, const unsigned char *end)
{
	unsigned char *next =
		get_bytes(decoder, slot, *source->payload++, source, words, tail, end);
	if (!next || pack_get64(words) != IPV6_BYTES)
		return NULL;
	pack_put64(words, IPV6_WORD);
	return next;
}

/* --- records ------------------------------------------------------------------------------- */

static unsigned char *get_as_is(const struct shape *shape, struct source *source, unsigned char *to,
				const unsigned char *end)
{
	const unsigned char *at = source->payload;
	uint64_t size = at[2] | (uint64_t)at[3] << 8 | (uint64_t)at[4] << 16;
	struct raw_record raw;
	if (size < 16 || size > (size_t)(end - to) || at + 5 > source->payload_end ||
	    size - 16 > (size_t)(source->payload_end - at - 5))
		return NULL;
	pack_put64(to + 8, shape->key | (uint64_t)at[0] << 16 | (uint64_t)at[1] << 24 | size << 32);
	memcpy(to + 16, at + 5, size - 16);
	source->payload = at + 5 + size - 16;
	return raw_record_read(&raw, to, size) ? NULL : to + size;
}

/* One record to `to`. Returns where the next one goes; NULL: no whole record comes. */
static inline unsigned char *get_record(struct decoder *decoder, struct source *source,
					struct shape ***expected, unsigned char *to,
					const unsigned char *end)
{
	struct shape *shape;
	if (source->control >= source->control_end)
		return NULL;
	uint64_t codes = pack_get64(source->control), bytes = (codes & 7) + 1;
	source->ticks += pack_get64(source->payload) & byte_masks[bytes];
	source->payload += bytes;
	if (RILL__LIKELY(codes & NIBBLE_EXPECTED)) {
		shape = **expected;
		if (!shape)
			return NULL;
	} else {
		shape = shape_of(decoder, source);
		if (!shape)
			return NULL;
		**expected = shape;
	}
	*expected = &shape->expected;
	if (shape->fixed > (size_t)(end - to))
		return NULL;
	pack_put64(to, source->ticks);
	if (RILL__UNLIKELY(shape->as_is)) {
		source->control++;
		return get_as_is(shape, source, to, end);
	}
	for (uint32_t i = 0; i < shape->ntags; i++)
		pack_put64(to + 16 + (size_t)8 * i, shape->tags[i]);
	unsigned char *words = to + RILL__WORDS_AT(shape->nslots), *tail = to + shape->fixed;
	codes = codes >> 4 | (uint64_t)source->control[8] << 60;
	source->control += shape->control_bytes;
	for (uint32_t i = 0; i < shape->nslots; i++, words += 8, codes >>= 4) {
		struct slot_state *slot = &shape->slots[i];
		if (slot->kind == SLOT_BYTES) {
			tail = get_bytes(decoder, slot, codes & 15, source, words, tail, end);
			if (!tail)
				return NULL;
		} else if ((codes & 15) == WORD_IPV6 && slot->kind == SLOT_IP) {
			tail = get_ipv6(decoder, slot, source, words, tail, end);
			if (!tail)
				return NULL;
		} else {
			uint64_t word;
			if (!get_word(decoder, slot, codes & 15, &source->payload, &word))
				return NULL;
			pack_put64(words, word);
			if (slot->kind == SLOT_IP && word >> 32 != 4) {
				if (word >> 32 == 16)
					return NULL;
				decoder->odd |= word >> 32 != 0;
			}
		}
	}
	/* Zeros up to a multiple of 8: into the slack, at the very end. */
	uint64_t size = (uint64_t)(tail - to), padded = (size + 7) & ~UINT64_C(7);
	pack_put64(tail, 0);
	pack_put64(to + 8, shape->key | padded << 32);
	return padded <= (size_t)(end - to) ? to + padded : NULL;
}

static bool shape_known(const struct shape *shape, const struct rill_catalogs *catalogs)
{
	uint32_t index = (uint32_t)(shape->key >> 56);
	const struct rill_catalog *catalog =
		index < catalogs->count ? catalogs->catalog[index] : NULL;
	if (!catalog || shape->as_is || (shape->key & 0xffff) >= catalog->nevents)
		return false;
	for (uint32_t i = 0; i < shape->nslots; i++) {
		uint32_t tag = shape->slots[i].column->tag;
		if ((tag & 0xffff) >= catalog->nkeys || tag >> 16 >= RILL_TYPE_COUNT)
			return false;
	}
	return true;
}

bool decoder_vouches(const struct decoder *decoder, const struct rill_catalogs *catalogs)
{
	for (uint32_t i = 0; i < decoder->nshapes; i++)
		if (!shape_known(&decoder->shapes[i], catalogs))
			return false;
	return !decoder->odd;
}

static int decoder_input(struct decoder *decoder, const unsigned char *from, size_t size)
{
	if (size + INPUT_SLACK > decoder->input_room) {
		size_t room = size + size / 2 + INPUT_SLACK;
		unsigned char *grown = malloc(room);
		if (!grown)
			return -ENOMEM;
		free(decoder->input);
		decoder->input = grown;
		decoder->input_room = room;
	}
	memcpy(decoder->input, from, size);
	memset(decoder->input + size, 0, INPUT_SLACK);
	return 0;
}

int decoder_run(struct decoder *decoder, const unsigned char *body, uint64_t available,
		unsigned char *raw, uint64_t room, uint64_t *whole)
{
	struct chunk_view view, segments;
	struct pack_segment segment;
	*whole = 0;
	/* All is read from the copy: what stands in the file may change between two looks. */
	if (decoder_input(decoder, body, available))
		return -ENOMEM;
	int more = chunk_view_open(&view, decoder->input, available);
	segments = view;
	while (!more && (more = chunk_view_next(&view, &segment)) == 1)
		more = 0;
	if (!more)
		more = chunk_view_events(&view);
	if (more || view.raw > room || view.control_bytes > (size_t)(view.end - view.at))
		return -EBADMSG;
	decoder_reset(decoder);
	struct source source = {.control = view.at,
				.control_end = view.at + view.control_bytes,
				.payload = view.at + view.control_bytes,
				.payload_end = view.end};
	struct shape *start = NULL, **expected;
	unsigned char *at = raw, *next;
	while (chunk_view_next(&segments, &segment) == 1) {
		const unsigned char *end = at + segment.size;
		source.ticks = segment.first;
		expected = &start;
		for (uint64_t i = 0; i < segment.records; i++) {
			next = get_record(decoder, &source, &expected, at, end);
			if (!next || source.payload > source.payload_end ||
			    source.control > source.control_end)
				return -EBADMSG;
			at = next;
			*whole = (uint64_t)(at - raw);
		}
		if (at != end)
			return -EBADMSG;
	}
	return 0;
}
