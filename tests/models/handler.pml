/*
 * Signal handlers that emit while they interrupt an emit of their own thread: each record is whole,
 * in a ring of its own or in its place, and counted when there is none; head never runs back.
 *
 * Models rill__reserve() and rill__commit() of rill/static/ring.h, and interrupted() and
 * reserve() of src/core/producer.c, step by step. A handler runs to its end before what it
 * interrupted goes on; handlers nest two deep. No memory model: it is all one thread.
 *
 * Left out: the consumer (ring.pml), handlers that leave by siglongjmp().
 *
 * Broken: -DHEAD_BEFORE_MARK: takes the ring's head from the state that it found even, so a handler
 * that emits before the mark is stored has its record overwritten. -DSTATE_BEFORE_HEAD: leaves the
 * section before the record is published.
 */
#define LEVELS 3 /* the thread, a handler, a handler of that one's */
#define EVENTS 2
#define PLACES 8

#define MAIN   0
#define NESTED 1

byte state[2]; /* even: twice the head; odd: inside a section */
byte head[2];
byte place[16]; /* of both rings: which record was written there */
byte level;     /* which of them runs */
byte returned;
byte emitted, lost;

#define RUNS (level == me)

inline publish(ring)
{
	RUNS -> assert(head[ring] == at);
	head[ring] = at + 1
}

proctype run_level(byte me)
{
	byte n, at, ring, found, record;
	if
	:: me == 0
	:: else -> RUNS
	fi;
	do
	:: n < EVENTS ->
		n++;
		atomic { RUNS -> emitted++; record = emitted; ring = MAIN }
		RUNS -> found = state[MAIN];
		if
		:: found % 2 == 1 ->
			/* interrupted() */
			ring = NESTED;
			RUNS -> found = state[NESTED]
		:: else
		fi;
		if
		:: found % 2 == 1 -> RUNS -> lost++
		:: else ->
			RUNS -> state[ring] = 1;
#ifdef HEAD_BEFORE_MARK
			at = found / 2;
#else
			RUNS -> at = head[ring];
#endif
			RUNS -> place[ring * PLACES + at] = record;
#ifdef STATE_BEFORE_HEAD
			RUNS -> state[ring] = 2 * (at + 1);
			publish(ring)
#else
			publish(ring);
			RUNS -> assert(place[ring * PLACES + at] == record);
			RUNS -> state[ring] = 2 * (at + 1)
#endif
		fi
	:: n == EVENTS -> break
	od;
	if
	:: me > 0 -> atomic { RUNS -> level = me - 1; returned++ }
	:: else -> returned++
	fi
}

/* A signal arrives at any moment. */
active proctype signals()
{
	byte n;
end:	do
	:: atomic {
		n + 1 < LEVELS && level == n && returned == 0 ->
		n++;
		level = n;
		run run_level(n)
	   }
	:: true -> break
	od
}

init
{
	run run_level(0)
}

active proctype monitor()
{
	byte i, seen;
	timeout ->
	assert(head[MAIN] + head[NESTED] + lost == emitted);
	do
	:: i < head[MAIN] -> assert(place[i] != 0); i++
	:: else -> break
	od
}
