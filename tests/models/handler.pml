/*
 * Signal handlers that emit while they interrupt an emit of their own thread: each record is whole,
 * in a ring of its own or in its place, and counted when there is none; head never runs back.
 *
 * Models rill__reserve() and rill__commit() of rill/static/ring.h, and interrupted() and
 * reserve() of src/core/producer.c, step by step. A handler runs to its end before what it
 * interrupted goes on; handlers nest as deep as there are rings, so that the innermost one finds
 * none: two of them with two events each; with -DTHREE_RINGS three with one event each. (The code
 * has RING_LEVELS, five, and the same loop over them.) No memory model: it is all one thread.
 *
 * Left out: the consumer (ring.pml), handlers that leave by siglongjmp().
 *
 * Broken: -DHEAD_BEFORE_MARK: takes the ring's head from the state that it found even, so a handler
 * that emits before the mark is stored has its record overwritten. -DSTATE_BEFORE_HEAD: leaves the
 * section before the record is published.
 */
#ifdef THREE_RINGS
#define RINGS  3
#define EVENTS 1
#else
#define RINGS  2
#define EVENTS 2
#endif
#define LEVELS (RINGS + 1) /* the thread, a handler, a handler of that one's ... */
#define PLACES (EVENTS * LEVELS)

byte state[RINGS]; /* even: twice the head; odd: inside a section */
byte head[RINGS];
byte place[RINGS * PLACES]; /* of all rings: which record was written there */
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
		atomic { RUNS -> emitted++; record = emitted; ring = 0 }
		RUNS -> found = state[ring];
		do
		:: found % 2 == 1 && ring + 1 < RINGS ->
			/* interrupted() */
			ring++;
			RUNS -> found = state[ring]
		:: else -> break
		od;
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
	byte ring, i, seen;
	timeout ->
	do
	:: ring < RINGS && i < head[ring] -> assert(place[ring * PLACES + i] != 0); i++; seen++
	:: ring < RINGS && i == head[ring] -> ring++; i = 0
	:: else -> break
	od;
	assert(seen + lost == emitted)
}
