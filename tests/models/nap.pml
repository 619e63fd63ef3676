/*
 * Napping: while the collector naps, no ring fills up beyond seven eighths without its producer
 * having told.
 *
 * Models make_room() and producer_kick() of src/core/producer.c, and a pass, take_pending(),
 * fills_up() and nap() of src/collect/collector.c. The ring is not yet active: its first record
 * makes it pending. Sizes are in eighths of the ring, which is the largest record.
 *
 * Memory: the producer's stores to head go through a FIFO store buffer; a fence and a locked
 * instruction empty it. The collector's stores are made at once: it fences after each that counts.
 *
 * Left out: the end of a nap by time, messages, the reserve (the room is smaller by it, not the
 * marks), the end of the double mapping (one more look at tail).
 *
 * Broken: -DNO_FENCE: producer_kick() looks at wake without a fence. -DNO_CHECK: the collector naps
 * without a look at the rings. -DCHECK_FIRST: it looks before it says that it naps. -DNO_PENDING: it
 * looks at the rings that were active at the pass.
 */
#define RECORDS 18
#define SIZE    8

#define RUNNING 0
#define NAPPING 1
#define TOLD    2

byte wake = RUNNING;
bool asleep;
byte issued, visible; /* head: stored by the producer, seen by the collector */
byte tail;
bool pending, listed; /* what take_pending() finds; what is active */
bool ended;

active proctype buffer()
{
end:	do
	:: atomic { visible < issued -> visible++ }
	od
}

inline fence()
{
	visible == issued
}

active proctype producer()
{
	byte seen, limit, half;
	limit = 4;
	do
	:: issued == RECORDS -> break
	:: issued < RECORDS && issued + 1 <= limit ->
		atomic {
			issued++;
			assert(issued - tail < SIZE - 1 || !asleep || wake == TOLD)
		};
		if
		:: issued == 1 -> atomic { fence(); pending = true } /* rill__notify() */
		:: else
		fi
	:: issued < RECORDS && issued + 1 > limit ->
		atomic { seen = tail; half = seen + 4 }
		if
		:: issued + 1 <= half -> limit = half
		:: else ->
#ifndef NO_FENCE
			fence();
#endif
			if
			:: wake == NAPPING ->
				atomic {
					fence();
					if
					:: wake == NAPPING -> wake = TOLD
					:: else
					fi
				};
				asleep = false
			:: else
			fi;
			limit = seen + SIZE
		fi;
		if
		:: issued + 1 > limit -> tail > seen /* no room: others tell of that */
		:: else
		fi
	od;
	ended = true
}

active proctype collector()
{
	bool fills;
end:	do
	:: true ->
		listed = listed || pending;
		if
		:: listed -> tail = visible
		:: else
		fi;
#ifdef CHECK_FIRST
		fills = (visible - tail >= 2);
#endif
		wake = NAPPING;
#ifndef NO_PENDING
		listed = listed || pending;
#endif
#if !defined(NO_CHECK) && !defined(CHECK_FIRST)
		fills = (listed && visible - tail >= 2);
#endif
		if
		:: fills
		:: else ->
			atomic {
				if
				:: wake == NAPPING -> asleep = true
				:: else
				fi
			}
			do
			:: asleep && ended -> asleep = false /* its time has come */
			:: !asleep -> break
			od
		fi;
		fills = false;
		wake = RUNNING
	od
}

active proctype monitor()
{
	ended && issued == RECORDS && visible == issued;
	assert(issued - tail <= SIZE)
}
