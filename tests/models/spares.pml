/*
 * Spare rings: no ring is handed to two owners, and none is lost.
 *
 * Models stack_push(), stack_pop(), spare_take() and spare_put() of src/core/ring.c: threads and
 * handlers pop, the collector pushes what their owners have left, and pops for
 * ring_balance_spares().
 *
 * Memory: sequentially consistent. The stack is one word that only compare-and-swap changes, so
 * ordering matters for the rings' contents only; those are published by the swap's release and the
 * pop's acquire.
 *
 * Left out: making rings when the stack is empty, the count of spares (a hint).
 *
 * Broken: -DNO_TAG: the word has no tag, so a ring that was popped and pushed in between looks as if
 * nothing had happened (ABA).
 */
#define RINGS   3
#define TAKERS  2
#define TURNS   2
#define TURNS_C 1

#define NONE 0 /* indices are one-based, as in ring.next_spare */

mtype = { ON_STACK, TAKEN, LEFT, BALANCED };

byte top, tag;
byte next[4];
mtype owner[4];
byte done;

inline swap(old_top, old_tag, new_top, won)
{
	atomic {
#ifdef NO_TAG
		won = (top == old_top);
#else
		won = (top == old_top && tag == old_tag);
#endif
		if
		:: won -> top = new_top; tag++
		:: else
		fi
	}
}

inline read_top()
{
	atomic { old = top; old_tag = tag }
}

inline push(ring)
{
	won = false;
	do
	:: won -> break
	:: else ->
		read_top();
		next[ring] = old;
		swap(old, old_tag, ring, won)
	od
}

inline pop(ring)
{
	won = false;
	do
	:: won -> break
	:: else ->
		read_top();
		if
		:: old == NONE -> ring = NONE; break
		:: else -> after = next[old]
		fi;
		swap(old, old_tag, after, won);
		ring = old
	od
}

active [TAKERS] proctype taker()
{
	byte n, ring, old, old_tag, after;
	bool won;
	for (n : 1 .. TURNS) {
		pop(ring);
		if
		:: ring != NONE ->
			atomic {
				assert(owner[ring] == ON_STACK);
				owner[ring] = TAKEN
			}
			owner[ring] = LEFT
		:: else
		fi
	}
	done++
}

active proctype collector()
{
	byte n, ring, old, old_tag, after;
	bool won;
end:	do
	:: atomic {
		if
		:: owner[1] == LEFT -> ring = 1
		:: owner[2] == LEFT -> ring = 2
		:: owner[3] == LEFT -> ring = 3
		fi;
		owner[ring] = ON_STACK
	   }
	   push(ring)
	:: n < TURNS_C ->
		n++;
		pop(ring);
		if
		:: ring != NONE ->
			atomic {
				assert(owner[ring] == ON_STACK);
				owner[ring] = BALANCED
			}
			owner[ring] = LEFT
		:: else
		fi
	od
}

init
{
	atomic {
		owner[1] = ON_STACK;
		owner[2] = ON_STACK;
		owner[3] = ON_STACK;
		next[2] = 1;
		next[3] = 2;
		top = 3
	}
}

active proctype monitor()
{
	byte count, at;
	timeout ->
	assert(done == TAKERS);
	at = top;
	do
	:: at != NONE && count <= RINGS -> count++; at = next[at]
	:: else -> break
	od;
	assert(count == RINGS)
}
