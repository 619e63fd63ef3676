/*
 * One ring: what the consumer takes is what the producer wrote, and nothing is lost or taken twice.
 *
 * Models rill__reserve() and rill__commit() of rill/static/ring.h with make_room() of
 * src/core/producer.c (producer), and drain_pass() with advance() of src/collect/drain.c
 * (consumer). Records are of one or two words; a word holds its own position in the stream, so that
 * any word that is overwritten or read too early shows.
 *
 * Memory: partial store order. Stores to the words become visible in any order; a release store
 * waits for all stores before it, a relaxed one for none. Loads are in program order: the acquire
 * loads of head and tail demand it of every CPU.
 *
 * Left out: the end of the double mapping (a bound on limit like the others), the reserve for
 * `Loss: never`, waiting for room (room.pml), handlers (handler.pml).
 *
 * Broken: -DEARLY_HEAD: publishes before the words are written. -DRELAXED_HEAD: publishes by a
 * relaxed store. -DEARLY_TAIL: gives the room back before the words are copied. -DLATE_LIMIT: takes
 * a limit one word too high.
 */
#define WORDS   4
#define RECORDS 6

byte data[WORDS], head, tail;

/* The producer's store buffer: at most one store a word, and one of head. */
bool word_waits[WORDS];
byte word_value[WORDS];
bool head_waits;
byte head_value;
bool head_after[WORDS]; /* stores that head's waits for */

bool tail_waits;
byte tail_value;

byte written, discarded;
bool done;

active [WORDS] proctype drain_word()
{
	byte w = _pid;
end:	do
	:: atomic {
		word_waits[w] ->
		data[w] = word_value[w];
		word_waits[w] = false;
		word_value[w] = 0;
		head_after[w] = false
	   }
	od
}

active proctype drain_positions()
{
end:	do
	:: atomic {
		head_waits && !head_after[0] && !head_after[1] && !head_after[2] && !head_after[3] ->
		head = head_value;
		head_waits = false;
		head_value = 0
	   }
	:: atomic {
		tail_waits ->
		tail = tail_value;
		tail_waits = false;
		tail_value = 0
	   }
	od
}

inline write_words()
{
	for (i : 0 .. size - 1) {
		atomic {
			!word_waits[(at + i) % WORDS] ->
			word_waits[(at + i) % WORDS] = true;
			word_value[(at + i) % WORDS] = at + i + 1
		}
	}
}

inline publish()
{
	atomic {
		!head_waits ->
		head_waits = true;
		head_value = at + size;
#ifndef RELAXED_HEAD
		for (i : 0 .. WORDS - 1) {
			head_after[i] = word_waits[i]
		}
#endif
	}
}

active proctype producer()
{
	byte n, i, at, size;
	byte limit; /* rill__producer.limit: tail is read only when it is reached */
	for (n : 1 .. RECORDS) {
		if
		:: size = 1
		:: size = 2
		fi;
		if
		:: at + size > limit ->
#ifdef LATE_LIMIT
			limit = tail + WORDS + 1
#else
			limit = tail + WORDS
#endif
		:: else
		fi;
		if
		:: at + size > limit -> discarded++
		:: else ->
#ifdef EARLY_HEAD
			publish();
			write_words();
#else
			write_words();
			publish();
#endif
			at = at + size;
			written++
		fi
	}
	done = true
}

active proctype consumer()
{
	byte at, to;
end:	do
	:: head != at ->
		to = head;
		assert(to > at && to - at <= WORDS);
#ifdef EARLY_TAIL
		atomic { !tail_waits -> tail_waits = true; tail_value = to }
#endif
		do
		:: at < to ->
			assert(data[at % WORDS] == at + 1);
			at++
		:: else -> break
		od;
#ifndef EARLY_TAIL
		atomic { !tail_waits -> tail_waits = true; tail_value = to }
#endif
	od
}

active proctype monitor()
{
	timeout -> assert(done && head == tail && written + discarded == RECORDS)
}
