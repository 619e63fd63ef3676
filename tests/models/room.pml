/*
 * Policy `block`: a producer that waits for room is woken when there is room, without the help of
 * the timeouts that the code has besides.
 *
 * Models reserve(), wait_for_room() and producer_room() of src/core/producer.c and advance() of
 * src/collect/drain.c. A handler that emits, and waits, while the producer waits is left out: it
 * returns before the producer goes on, which then looks at everything again.
 *
 * Memory: stores go through FIFO store buffers; SEQ_CST stores, fences and locked instructions need
 * one's own buffer empty.
 *
 * Broken: -DLATE_WAITING: says that it waits only after it has looked at tail. -DNO_FENCE:
 * producer_room() looks at `waiting` while its store of tail may still be on its way. -DLATE_ROOM:
 * the futex's value is read after the check instead of before it.
 */
#define WORDS   2
#define RECORDS 5

byte head, tail, room;
bool waiting, asleep, done;

chan consumer_buffer = [2] of { byte };

active proctype drain()
{
	byte value;
end:	do
	:: atomic { consumer_buffer?value -> tail = value; value = 0 }
	od
}

/* FUTEX_WAIT: compares and sleeps in one step. */
inline futex_wait(seen)
{
	atomic {
		if
		:: room == seen -> asleep = true
		:: else
		fi
	}
	!asleep
}

active proctype producer()
{
	byte seen, n;
	for (n : 1 .. RECORDS) {
		do
		:: head + 1 - tail <= WORDS -> break /* make_room() */
		:: else ->
#ifndef LATE_ROOM
			seen = room;
#endif
#ifndef LATE_WAITING
			waiting = true;
#endif
			if
			:: head + 1 - tail <= WORDS
			:: else ->
#ifdef LATE_ROOM
				seen = room;
#endif
#ifdef LATE_WAITING
				waiting = true;
#endif
				futex_wait(seen)
			fi
		od;
		head++ /* the producer's own buffer: seen at any later time, by whoever looks again */
	}
	done = true
}

active proctype consumer()
{
	byte at;
	bool told;
end:	do
	:: head != at ->
		at++;
		consumer_buffer!at;
#ifndef NO_FENCE
		empty(consumer_buffer);
#endif
		told = waiting;
		if
		:: told ->
			waiting = false;
			atomic { empty(consumer_buffer) -> room++ }
			asleep = false
		:: else
		fi
	od
}

active proctype monitor()
{
	timeout -> assert(done && head == tail)
}
