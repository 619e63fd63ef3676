/* What code_litmus.c and litmus.c share. */
#ifndef EXPLORE_LITMUS_H
#define EXPLORE_LITMUS_H

#include "explore/explore.h"

/* A load's result, and its number. */
void saw(unsigned load, uint32_t value);

#define LITMUS_TWO(name)                                                                           \
	void name##_0(void);                                                                       \
	void name##_1(void);
#define LITMUS_FOUR(name)                                                                          \
	LITMUS_TWO(name)                                                                           \
	void name##_2(void);                                                                       \
	void name##_3(void);
LITMUS_TWO(buffers)
LITMUS_TWO(buffers_fenced)
LITMUS_TWO(buffers_half_fenced)
LITMUS_TWO(buffers_membarrier)
LITMUS_TWO(buffers_seq_cst)
LITMUS_TWO(message)
LITMUS_TWO(message_released)
LITMUS_TWO(message_acquired)
LITMUS_TWO(coherence)
LITMUS_FOUR(writers)
LITMUS_FOUR(writers_seq_cst)

#endif
