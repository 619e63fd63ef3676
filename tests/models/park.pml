/*
 * Parking: when everything is quiet, no published record and no ring of an ended thread is left
 * behind, whatever the collector was doing when the record or the end came.
 *
 * Models rill__commit() of rill/static/ring.h, rill__notify() and give_up() of
 * src/core/producer.c, ring_hand_out(), ring_recycle() and ring_balance_spares() of
 * src/core/ring.c (producers), and take_pending(), activate(), disarm_idle() and
 * sleep_until_told() of src/collect/collector.c.
 *
 * Memory: producers' stores go through FIFO store buffers; locked instructions need one's own
 * buffer empty; membarrier(2) is, for each producer, an instant at which its buffer is empty. The
 * collector's stores are made at once: its membarrier begins with a full fence.
 *
 * A producer may leave rill__notify() at any step (siglongjmp, cancellation) and then goes on with
 * its next event or its end. More than a millisecond is taken to pass before that, so whoever finds
 * a WAKE_TOLD whose teller is gone tells again.
 *
 * Left out: naps (they end by themselves), messages (the same protocol as pending, with SEQ_CST on
 * both sides), the spare stack (spares.pml), sinks.
 *
 * -DRINGS=2: two rings at once, with one event a thread; else one ring, which passes from the first
 * thread to the second.
 *
 * Broken: -DNO_MEMBARRIER: only the collector fences. -DNO_RECHECK: does not look at head again
 * after arming. -DNO_PENDING_CHECK: sleeps without a look at pending. -DSTATUS_LATE: asks whether
 * the owner has left only after it has found the ring empty. -DUNMAP_ACTIVE: gives back the memory
 * of a spare that a stale pending bit made active.
 */
#ifndef RINGS
#define RINGS 1
#endif
#ifndef THREADS
#define THREADS 2
#endif
#define EVENTS (3 - RINGS) /* of a thread, at most */

#define RUNNING  0
#define SLEEPING 1
#define TOLD     2

mtype = { UNUSED, SPARE, OWNED, LEFT, HEAD, STATUS };

mtype status[RINGS] = UNUSED;
byte head[RINGS], tail[RINGS];
bool armed[RINGS], pending[RINGS], ring_active[RINGS], mapped[RINGS];
byte wake = RUNNING;
bool asleep;

byte issued[RINGS]; /* what was stored to head, visible or not */
bool teller_gone;
byte ended;

chan buffer[THREADS] = [3] of { mtype, byte, byte };

proctype drain(byte t)
{
	mtype place;
	byte r, value;
end:	do
	:: atomic {
		buffer[t]?place,r,value;
		if
		:: place == HEAD -> head[r] = value
		:: place == STATUS -> status[r] = LEFT
		fi;
		place = 0;
		r = 0;
		value = 0
	   }
	od
}

/* Leaves at any step when `leaves`. */
inline notify(leaves)
{
	do
	:: true ->
		if
		:: pending[r]
		:: else ->
			if :: leaves -> break :: true fi;
			atomic { empty(buffer[t]) -> pending[r] = true }
		fi;
		if :: leaves -> break :: true fi;
		seen = wake;
		if
		:: seen == SLEEPING ->
			atomic {
				empty(buffer[t]) ->
				won = (wake == SLEEPING);
				if
				:: won -> wake = TOLD; teller_gone = false
				:: else
				fi
			}
			if
			:: won ->
				if :: leaves -> teller_gone = true; break :: true fi;
				asleep = false
			:: else
			fi
		:: seen == TOLD ->
			if
			:: asleep = false
			:: !teller_gone
			fi
		:: else
		fi;
		break
	od;
	seen = 0;
	won = false
}

proctype producer(byte t)
{
	byte r, n, seen;
	bool won;
	/* ring_take() and ring_hand_out() */
	atomic {
		if
		:: status[0] == UNUSED || status[0] == SPARE -> r = 0
#if RINGS > 1
		:: status[1] == UNUSED || status[1] == SPARE -> r = 1
#endif
		fi;
		status[r] = OWNED;
		mapped[r] = true;
		armed[r] = true
	}
	do
	:: n < EVENTS ->
		n++;
		atomic { buffer[t]!HEAD,r,n; issued[r] = n }
		if
		:: armed[r] -> notify(true)
		:: else
		fi
	:: n > 0 -> break
	od;
	/* thread_exit() */
	buffer[t]!STATUS,r,0;
	notify(false);
	ended++
}

inline activate(r)
{
	if
	:: mapped[r] -> ring_active[r] = true; armed[r] = false
	:: else
	fi
}

inline recycle(r)
{
	atomic {
		assert(issued[r] == tail[r]);
		issued[r] = 0;
		tail[r] = 0;
		head[r] = 0;
		status[r] = SPARE
	}
}

active proctype collector()
{
	byte i;
	bool any, was_left[RINGS];
again:	any = false; /* a label on a for loop would skip its first assignment */
	for (i : 0 .. RINGS - 1) {
		atomic {
			if
			:: pending[i] -> pending[i] = false; any = true
			:: else -> any = false
			fi
		}
		if
		:: any -> activate(i)
		:: else
		fi
	}
	for (i : 0 .. RINGS - 1) {
		if
		:: ring_active[i] ->
			assert(mapped[i]);
			tail[i] = head[i]
		:: else
		fi
	}
	if
	:: goto again
	:: true
	fi;
	/* ring_balance_spares() */
	for (i : 0 .. RINGS - 1) {
		atomic {
			if
#ifdef UNMAP_ACTIVE
			:: status[i] == SPARE ->
#else
			:: status[i] == SPARE && !ring_active[i] ->
#endif
				status[i] = UNUSED;
				mapped[i] = false
			:: true
			fi
		}
	}
	/* disarm_idle() */
	for (i : 0 .. RINGS - 1) {
		if
		:: ring_active[i] ->
			assert(mapped[i]);
			if
			:: head[i] == tail[i] -> armed[i] = true
			:: head[i] == tail[i] /* not yet idle for long enough */
			:: else
			fi
		:: else
		fi
	}
#ifndef NO_MEMBARRIER
	for (i : 0 .. THREADS - 1) {
		empty(buffer[i])
	}
#endif
	any = false;
	for (i : 0 .. RINGS - 1) {
		if
		:: ring_active[i] && !armed[i] -> any = true
		:: ring_active[i] && armed[i] ->
#ifndef STATUS_LATE
			was_left[i] = (status[i] == LEFT);
#endif
			if
#ifndef NO_RECHECK
			:: head[i] != tail[i] ->
				armed[i] = false;
				any = true
#endif
			:: head[i] == tail[i] ->
				ring_active[i] = false;
#ifdef STATUS_LATE
				was_left[i] = (status[i] == LEFT);
#endif
				if
				:: was_left[i] -> recycle(i)
				:: else
				fi
#ifdef NO_RECHECK
			:: head[i] != tail[i] -> ring_active[i] = false
#endif
			fi;
			was_left[i] = false
		:: else
		fi
	}
	if
	:: any -> any = false; goto again
	:: else
	fi;
	/* sleep_until_told() */
	wake = SLEEPING;
#ifndef NO_PENDING_CHECK
	for (i : 0 .. RINGS - 1) {
		if
		:: pending[i] -> any = true
		:: else
		fi
	}
#endif
	if
	:: any -> any = false
	:: else ->
		atomic {
			if
			:: wake == SLEEPING -> asleep = true
			:: else
			fi
		}
end:		!asleep
	fi;
	wake = RUNNING;
	goto again
}

init
{
	byte t;
	atomic {
		for (t : 0 .. THREADS - 1) {
			run drain(t);
			run producer(t)
		}
	}
}

active proctype monitor()
{
	byte i;
	timeout ->
	assert(ended == THREADS);
	for (i : 0 .. RINGS - 1) {
		assert(tail[i] == issued[i]);
		assert(status[i] == SPARE || status[i] == UNUSED)
	}
}
