/*
 * Filter change against emitters: after registry_publish() has returned, no record that was decided
 * under an older filter is committed.
 *
 * Models rill__reserve() and rill__commit() of rill/static/ring.h, enter() and leave() of
 * src/core/producer.c (emitter), entry_publish() of src/core/registry.c and
 * producer_synchronize() (updater).
 *
 * Memory: every store goes through a FIFO store buffer (x86-TSO); membarrier(2) is an instant at
 * which the emitter's buffer is empty. -DWEAK_LOADS: the emitter's loads of the gate's pointer and
 * of the bitmap may in addition be satisfied at any earlier time, in dependency order, as on
 * aarch64; membarrier discards what was loaded early.
 *
 * Bitmaps are the two type-stable ones, rewritten in turn; their content is the number of the
 * filter that they hold. All sections have the same mark, as those of a loop in one frame do.
 *
 * Left out: the first look at the gate (only a hint), several emitters (they share nothing), the
 * ten seconds' patience, abandoned sections.
 *
 * Broken: -DNO_MEMBARRIER: the updater only fences itself. -DNO_WAIT: it does not wait for the
 * sections. -DSEQ_INSIDE: the slow path counts itself as progress before its record is published.
 */
#define SECTIONS 4
#define CHANGES  3

#define EVEN 0
#define MARK 1

#define ON(filter) ((filter) != 1) /* filter 1 turns the event off */

mtype = { PTR, BITS0, BITS1, STATE, HEAD, SEQ };

byte gate_bits, bits[2], state, head, slow_seq;

chan emitter_buffer = [4] of { mtype, byte };
chan updater_buffer = [4] of { mtype, byte };

byte confirmed; /* the filter of the latest change that has returned */
bool emitted, updated;

/* What the emitter has loaded early: 0 nothing, 1 the pointer, 2 the bits as well. */
byte early, early_ptr, early_filter;

proctype drain(chan buffer)
{
	mtype place;
	byte value;
end:	do
	:: atomic {
		buffer?place,value;
		if
		:: place == PTR -> gate_bits = value
		:: place == BITS0 -> bits[0] = value
		:: place == BITS1 -> bits[1] = value
		:: place == STATE -> state = value
		:: place == SEQ -> slow_seq = value
		:: place == HEAD -> /* value: the filter that decided the record */
			head++;
			assert(value >= confirmed)
		fi;
		place = 0;
		value = 0
	   }
	od
}

#ifdef WEAK_LOADS
active proctype speculate()
{
end:	do
	:: atomic { early == 0 && !emitted -> early_ptr = gate_bits; early = 1 }
	:: atomic { early == 1 && !emitted -> early_filter = bits[early_ptr]; early = 2 }
	od
}
#endif

/* Enters a section and calls rill__gate_open(): the pointer, then the bit. */
inline look()
{
	emitter_buffer!STATE,MARK;
	atomic {
		if
		:: early > 0 -> pointer = early_ptr
		:: else -> pointer = gate_bits
		fi
	}
	atomic {
		if
		:: early == 2 -> filter = early_filter
		:: else -> filter = bits[pointer]
		fi;
		early = 0;
		early_ptr = 0;
		early_filter = 0
	}
}

active proctype emitter()
{
	byte i, pointer, filter;
	for (i : 1 .. SECTIONS) {
		look();
		if
		:: ON(filter) -> emitter_buffer!HEAD,filter
		:: else ->
			/* rill__reserve() leaves without a trace, and rill__emit() looks again:
			 * its section leaves one. (Its full fence is not needed here.) */
			emitter_buffer!STATE,EVEN;
			look();
			if
			:: ON(filter) ->
#ifdef SEQ_INSIDE
				emitter_buffer!SEQ,(i);
#endif
				emitter_buffer!HEAD,filter
			:: else -> emitter_buffer!SEQ,(i)
			fi
		fi;
		emitter_buffer!STATE,EVEN
	}
	emitted = true
}

active proctype updater()
{
	byte change, spare = 1, was_state, was_head, was_seq;
	for (change : 1 .. CHANGES) {
		if
		:: spare == 0 -> updater_buffer!BITS0,change
		:: spare == 1 -> updater_buffer!BITS1,change
		fi;
		updater_buffer!PTR,spare;
		spare = 1 - spare;
		empty(updater_buffer);
#ifndef NO_MEMBARRIER
		atomic {
			empty(emitter_buffer) ->
			early = 0;
			early_ptr = 0;
			early_filter = 0
		}
#endif
#ifndef NO_WAIT
		was_state = state;
		if
		:: was_state == MARK ->
			was_head = head;
			was_seq = slow_seq;
			(state != was_state || head != was_head || slow_seq != was_seq)
		:: else
		fi;
#endif
		confirmed = change
	}
	updated = true
}

init
{
	run drain(emitter_buffer);
	run drain(updater_buffer)
}

active proctype monitor()
{
	timeout -> assert(emitted && updated)
}
