/*
 * A memory for the models, in two strengths. Each thread has stores that others do not see yet, one
 * for each place at most.
 *
 * TSO (-DTSO): they become visible in the order in which they were made, as on x86.
 * Weak (-DWEAK): in any order, but a release store only after all before it. And a load may have
 * been satisfied at any earlier time, up to the thread's last acquire load, fence or change in
 * place: as on aarch64 and riscv64, and as C11 allows, except that no load sees what its own
 * thread stores later (load buffering).
 *
 * A change in place (a locked instruction, a store-exclusive) finds the newest value; as a release it waits
 * for the stores before it, as an acquire it lets no later load be early.
 * membarrier(2) is, for each thread, an instant at which nothing waits and nothing was loaded early.
 *
 * The model defines THREADS and PLACES (8 at most), and starts one drain() for each thread.
 */
byte memory[PLACES];

typedef thread_memory {
	byte value[PLACES]; /* of the stores that wait */
	byte after[PLACES]; /* which others each of them waits for: a bit for each place */
	byte waits;         /* which places have one */
#ifdef WEAK
	byte loaded[PLACES]; /* early */
	byte early;
#endif
}
thread_memory cpu[THREADS];

#define BIT(place) (1 << (place))

#define STILL_WAITS(t, place) ((cpu[t].waits & BIT(place)) != 0)

inline set_early(t, bits)
{
#ifdef WEAK
	cpu[t].early = bits
#else
	skip
#endif
}

/* Only atomically: */
inline drain_place(t, place)
{
	memory[place] = cpu[t].value[place];
	cpu[t].waits = cpu[t].waits & ~BIT(place);
	cpu[t].value[place] = 0;
	cpu[t].after[place] = 0;
	cpu[t].after[0] = cpu[t].after[0] & ~BIT(place);
	cpu[t].after[1] = cpu[t].after[1] & ~BIT(place);
	cpu[t].after[2] = cpu[t].after[2] & ~BIT(place);
	cpu[t].after[3] = cpu[t].after[3] & ~BIT(place);
#if PLACES > 4
	cpu[t].after[4] = cpu[t].after[4] & ~BIT(place);
#endif
#if PLACES > 5
	cpu[t].after[5] = cpu[t].after[5] & ~BIT(place);
#endif
#if PLACES > 6
	cpu[t].after[6] = cpu[t].after[6] & ~BIT(place);
#endif
#if PLACES > 7
	cpu[t].after[7] = cpu[t].after[7] & ~BIT(place);
#endif
	skip
}

inline load_early(t, place)
{
	cpu[t].loaded[place] = memory[place];
	cpu[t].early = cpu[t].early | BIT(place)
}

#define MAY_DRAIN(t, place) (STILL_WAITS(t, place) && (cpu[t].after[place] & cpu[t].waits) == 0)

proctype drain(byte t)
{
end:	do
	:: atomic { MAY_DRAIN(t, 0) -> drain_place(t, 0) }
	:: atomic { MAY_DRAIN(t, 1) -> drain_place(t, 1) }
	:: atomic { MAY_DRAIN(t, 2) -> drain_place(t, 2) }
	:: atomic { MAY_DRAIN(t, 3) -> drain_place(t, 3) }
#if PLACES > 4
	:: atomic { MAY_DRAIN(t, 4) -> drain_place(t, 4) }
#endif
#if PLACES > 5
	:: atomic { MAY_DRAIN(t, 5) -> drain_place(t, 5) }
#endif
#if PLACES > 6
	:: atomic { MAY_DRAIN(t, 6) -> drain_place(t, 6) }
#endif
#if PLACES > 7
	:: atomic { MAY_DRAIN(t, 7) -> drain_place(t, 7) }
#endif
	od
}

#ifdef WEAK
/* For each place that the thread loads without acquire. */
proctype speculate(byte t, place)
{
end:	do
	:: atomic { (cpu[t].early & BIT(place)) == 0 && !STILL_WAITS(t, place) -> load_early(t, place) }
	od
}
#define SPECULATE(t, place) run speculate(t, place)
#else
#define SPECULATE(t, place) skip
#endif

inline store_after(t, place, stored, which)
{
	atomic {
		!STILL_WAITS(t, place) ->
		cpu[t].value[place] = stored;
		cpu[t].after[place] = which;
		cpu[t].waits = cpu[t].waits | BIT(place);
#ifdef WEAK
		cpu[t].early = cpu[t].early & ~BIT(place)
#endif
	}
}

#ifdef WEAK
#define STORE(t, place, stored) store_after(t, place, stored, 0)
#else
#define STORE(t, place, stored) store_after(t, place, stored, cpu[t].waits)
#endif
#define STORE_RELEASE(t, place, stored) store_after(t, place, stored, cpu[t].waits)

/* What the thread itself sees. */
#define NEWEST(t, place) (STILL_WAITS(t, place) -> cpu[t].value[place] : memory[place])

inline load(t, place, into)
{
	atomic {
#ifdef WEAK
		into = ((cpu[t].early & BIT(place)) != 0 -> cpu[t].loaded[place] : NEWEST(t, place));
		cpu[t].early = cpu[t].early & ~BIT(place)
#else
		into = NEWEST(t, place)
#endif
	}
}

/* Nothing later is loaded before it. (The load itself is not early either: that would be the same as
 * an earlier moment of all that follows.) */
inline load_acquire(t, place, into)
{
	atomic {
		into = NEWEST(t, place);
		set_early(t, 0)
	}
}

/* All stores of the thread are seen, and none of its loads was early. */
inline fence(t)
{
	atomic {
		cpu[t].waits == 0;
		set_early(t, 0)
	}
}
