/* What faulty.c emits, so that its test can tell it from what nobody emitted. */
#ifndef TESTS_FAULTY_H
#define TESTS_FAULTY_H

#include <stdint.h>

#define FAULTY_TEXT 600u

/* Numbers of threads. */
#define FAULTY_MAIN  10u
#define FAULTY_BRIEF 100u
#define FAULTY_CHILD 1000u
#define FAULTY_AFTER 2000u
#define FAULTY_WORK  100000u

struct faulty_thread {
	unsigned number;
	uint32_t next;
};

/* Letters that do not pack, from the id alone. */
static inline void faulty_text(char *to, uint64_t id)
{
	uint64_t state = id * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (unsigned i = 0; i < FAULTY_TEXT; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		to[i] = (char)('A' + (state >> 59));
	}
	to[FAULTY_TEXT] = 0;
}

#endif
