/*
 * A thread ends and its ring goes to the next one: every record is taken once, as its writer's, and
 * the next owner finds the ring empty.
 *
 * Models give_up() of src/core/producer.c, ring_hand_out(), ring_recycle(), spare_put() and
 * spare_take() of src/core/ring.c, and of src/collect/collector.c take_pending() and what
 * disarm_idle() does with a ring whose owner has left. A record is one word: its writer and its
 * position.
 *
 * Memory: cpu.pml, with -DTSO or -DWEAK.
 *
 * Left out: sleeping (park.pml), more than one spare (spares.pml), records' insides (ring.pml).
 *
 * Broken: -DSTATUS_LATE: asks whether the owner has left only after it has found the ring empty.
 * -DPUSH_EARLY: makes it a spare before it is empty. -DKEEP_TAIL: forgets to begin anew itself.
 * Under the weak memory besides: -DRELAXED_STATUS: the owner leaves by a relaxed store.
 * -DRELAXED_PUSH: the ring becomes a spare by a relaxed operation.
 */
#define EVENTS 2

#define THREADS   3
#define COLLECTOR 2

#define PLACES  7
#define WORD    0 /* two of them */
#define HEAD    2
#define STATUS  3
#define TID     4
#define SPARE   5 /* 1: the stack holds the ring */
#define PENDING 6
#include "cpu.pml"

#define OWNED 0
#define LEFT  1
#define FREE  2

#define TIDS 10 /* a thread's number: 10 times its index, and 10 */

byte committed[2], taken[2], ended;

/* Instructions that change a place: the newest value, at once. */
inline changes(t, place, new)
{
	atomic { cpu[t].waits == 0 -> memory[place] = new; set_early(t, 0) }
}

proctype owner(byte t)
{
	byte n;
	run drain(t);
	if
	:: t == 1 ->
		/* spare_take() and ring_hand_out() */
		atomic {
			memory[SPARE] == 1 ->
			memory[SPARE] = 0;
			set_early(t, 0)
		}
	:: else
	fi;
	STORE(t, TID, TIDS * (t + 1));
	STORE_RELEASE(t, STATUS, OWNED);
	do
	:: n < EVENTS ->
		STORE(t, WORD + n, TIDS * (t + 1) + n);
		if
		:: true ->
			STORE_RELEASE(t, HEAD, n + 1);
			committed[t]++
		:: break /* cancelled: what was written was never published */
		fi;
		if
		:: n == 0 -> changes(t, PENDING, 1) /* rill__notify() */
		:: else
		fi;
		n++
	:: n > 0 -> break
	od;
	/* thread_exit() */
#ifdef RELAXED_STATUS
	STORE(t, STATUS, LEFT);
#else
	STORE_RELEASE(t, STATUS, LEFT);
#endif
	changes(t, PENDING, 1);
	ended++
}

inline recycle()
{
#ifdef PUSH_EARLY
	changes(COLLECTOR, SPARE, 1);
#endif
	STORE_RELEASE(COLLECTOR, HEAD, 0);
#ifndef KEEP_TAIL
	tail = 0;
#endif
	STORE(COLLECTOR, STATUS, FREE);
#ifndef PUSH_EARLY
#ifdef RELAXED_PUSH
	memory[SPARE] = 1
#else
	changes(COLLECTOR, SPARE, 1)
#endif
#endif
}

/* What was published since the last time. */
inline take()
{
	load_acquire(COLLECTOR, HEAD, head);
	assert(head >= tail);
	do
	:: tail < head ->
		load(COLLECTOR, TID, tid);
		load(COLLECTOR, WORD + tail, word);
		assert(word == tid + tail);
		tail++;
		taken[tid / TIDS - 1]++
	:: else -> break
	od;
	word = 0;
	tid = 0
}

active proctype collector()
{
	byte tail, head, tid, word, status;
	bool listed;
	run drain(COLLECTOR);
	SPECULATE(COLLECTOR, TID);
	SPECULATE(COLLECTOR, WORD);
	SPECULATE(COLLECTOR, WORD + 1);
end:	do
	:: atomic { memory[PENDING] == 1 && cpu[COLLECTOR].waits == 0 ->
		memory[PENDING] = 0;
		set_early(COLLECTOR, 0);
		listed = true
	   }
	:: listed ->
		take();
#ifndef STATUS_LATE
		load_acquire(COLLECTOR, STATUS, status);
#endif
		load_acquire(COLLECTOR, HEAD, head);
		if
		:: head == tail ->
#ifdef STATUS_LATE
			load_acquire(COLLECTOR, STATUS, status);
#endif
			if
			:: status == LEFT -> recycle(); listed = false
			:: else ->
				/* Nothing is left to do, until something changes. */
				status = 0;
				head = 0;
end1:				(memory[HEAD] != tail || memory[STATUS] == LEFT ||
				 memory[PENDING] == 1)
			fi
		:: else
		fi;
		status = 0;
		head = 0
	od
}

init
{
	atomic {
		memory[STATUS] = FREE;
		run owner(0);
		run owner(1)
	}
}

active proctype monitor()
{
	timeout ->
	assert(ended == 2);
	assert(taken[0] == committed[0] && taken[1] == committed[1]);
	assert(memory[STATUS] == FREE && memory[SPARE] == 1 && memory[HEAD] == 0)
}
