/*
 * A thread's two rings: what the consumer takes is what the producer and the handlers that interrupt
 * it wrote, and nothing is lost or taken twice.
 *
 * Models rill__reserve() and rill__commit() of rill/static/ring.h with make_room() and
 * interrupted() of src/core/producer.c (producer), and drain_pass() with advance() of
 * src/collect/drain.c (consumer). Records are of one or two words; a word holds its own position in
 * the stream, so that any word that is overwritten or read too early shows. A handler may interrupt
 * an emit at any step and runs to its end: before the section is entered it emits into the main
 * ring, inside it into the nested one.
 *
 * Memory: cpu.pml, with -DTSO or -DWEAK.
 *
 * Left out: the end of the double mapping (a bound on limit like the others), the reserve for
 * `Loss: never`, waiting for room (room.pml), handlers of handlers (handler.pml).
 *
 * Broken: -DEARLY_HEAD: publishes before the words are written. -DEARLY_TAIL: gives the room back
 * before the words are copied. -DLATE_LIMIT: takes a limit one word too high. -DPOSITION_FIRST:
 * reads the position before the section is entered. -DONE_RING: the handler takes the main ring
 * always. Under the weak memory besides: -DRELAXED_HEAD: publishes by a relaxed store.
 * -DRELAXED_LOAD: reads head by a relaxed load.
 */
#ifdef WEAK
#define WORDS   2
#define RECORDS 3
#define SIGNALS 1
#else
#define WORDS   3
#define RECORDS 4
#define SIGNALS 2
#endif

#define THREADS  2
#define PRODUCER 0
#define CONSUMER 1

#define PLACES      (WORDS + SIGNALS + 3)
#define HEAD        (WORDS)
#define TAIL        (WORDS + 1)
#define NESTED_HEAD (WORDS + 2)
#define NESTED      (WORDS + 3) /* its words: one for each signal */
#include "cpu.pml"

byte written, discarded, taken, signals;
byte words; /* of all records in the main ring */
bool inside; /* the producer's state is odd: only its own thread looks */
byte position, limit, nested_at;
bool done;

/* In the main ring, from the look at the position on. `here` is the interrupted emit's or the
 * handler's own. */
inline look_at_position(here)
{
	here = position;
	if
	:: here + size > limit ->
		load_acquire(PRODUCER, TAIL, limit);
#ifdef LATE_LIMIT
		limit = limit + WORDS + 1
#else
		limit = limit + WORDS
#endif
	:: else
	fi
}

inline write_words(here)
{
	STORE(PRODUCER, here % WORDS, here + 1);
	if
	:: size == 2 -> STORE(PRODUCER, (here + 1) % WORDS, here + 2)
	:: else
	fi
}

inline publish(here)
{
#ifdef RELAXED_HEAD
	STORE(PRODUCER, HEAD, here + size)
#else
	STORE_RELEASE(PRODUCER, HEAD, here + size)
#endif
}

inline handler_in_main_ring()
{
	kept_size = size;
	size = 1;
	look_at_position(handlers);
	if
	:: handlers + 1 > limit -> discarded++
	:: else ->
		write_words(handlers);
		publish(handlers);
		position = handlers + 1;
		words++;
		written++
	fi;
	size = kept_size;
	handlers = 0;
	kept_size = 0
}

inline handler_in_nested_ring()
{
	STORE(PRODUCER, NESTED + nested_at, nested_at + 1);
	nested_at++;
	STORE_RELEASE(PRODUCER, NESTED_HEAD, nested_at);
	written++
}

/* A signal may arrive here. */
inline interrupt()
{
	if
	:: signals < SIGNALS ->
		signals++;
#ifdef ONE_RING
		handler_in_main_ring()
#else
		if
		:: inside -> handler_in_nested_ring()
		:: else -> handler_in_main_ring()
		fi
#endif
	:: true
	fi
}

active proctype producer()
{
	byte n, at, size, handlers, kept_size;
	run drain(PRODUCER);
	for (n : 1 .. RECORDS) {
		if
		:: size = 1
		:: size = 2
		fi;
#ifdef POSITION_FIRST
		look_at_position(at);
		interrupt();
		inside = true;
#else
		interrupt(); /* found even, and not yet odd */
		inside = true;
		interrupt();
		look_at_position(at);
#endif
		if
		:: at + size > limit -> inside = false; discarded++
		:: else ->
#ifdef EARLY_HEAD
			publish(at);
			interrupt();
			write_words(at);
#else
			write_words(at);
			interrupt();
			publish(at);
#endif
			interrupt();
			position = at + size;
			words = words + size;
			inside = false;
			written++
		fi;
		at = 0
	}
	done = true
}

/* A record in the main ring may be of two words: it is counted by its last one. */
active proctype consumer()
{
	byte at, to, word, nested;
	run drain(CONSUMER);
	SPECULATE(CONSUMER, 0);
	SPECULATE(CONSUMER, 1);
#if WORDS > 2
	SPECULATE(CONSUMER, 2);
#endif
	SPECULATE(CONSUMER, NESTED);
#ifdef RELAXED_LOAD
	SPECULATE(CONSUMER, HEAD);
#endif
end:	do
	:: memory[HEAD] != at ->
#ifdef RELAXED_LOAD
		load(CONSUMER, HEAD, to);
#else
		load_acquire(CONSUMER, HEAD, to);
#endif
		assert(to >= at && to - at <= WORDS);
#ifdef EARLY_TAIL
		STORE_RELEASE(CONSUMER, TAIL, to);
#endif
		do
		:: at < to ->
			load(CONSUMER, at % WORDS, word);
			assert(word == at + 1);
			at++
		:: else -> break
		od;
#ifndef EARLY_TAIL
		STORE_RELEASE(CONSUMER, TAIL, to);
#endif
		word = 0;
		to = 0
	:: memory[NESTED_HEAD] != nested ->
		load_acquire(CONSUMER, NESTED_HEAD, to);
		do
		:: nested < to ->
			load(CONSUMER, NESTED + nested, word);
			assert(word == nested + 1);
			nested++
		:: else -> break
		od;
		taken = nested;
		word = 0;
		to = 0
	od
}

active proctype monitor()
{
	timeout ->
	assert(done && written + discarded == RECORDS + signals);
	assert(memory[HEAD] == memory[TAIL] && memory[HEAD] == words);
	assert(taken == nested_at)
}
