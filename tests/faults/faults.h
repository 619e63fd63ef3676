/*
 * Faults: the calls of librill, and of nothing else, fail as they are told to. objcopy gives the
 * undefined names of librill.o the prefix fault_ (tests/faults.mk); inject.c defines those.
 *
 * What is to fail stands in the environment, and what was called in a file that the program and its
 * children share with the test, so that it is known after a crash as well.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdint.h>

/* What can fail. syscall(2) by its number. */
#define FAULT_NAMES(X)                                                                             \
	X(ZSTD_compress2)                                                                          \
	X(ZSTD_createCCtx)                                                                         \
	X(adjtimex)                                                                                \
	X(calloc)                                                                                  \
	X(clock_gettime)                                                                           \
	X(dup)                                                                                     \
	X(fcntl)                                                                                   \
	X(fdatasync)                                                                               \
	X(fdopendir)                                                                               \
	X(flock)                                                                                   \
	X(fsync)                                                                                   \
	X(fstat)                                                                                   \
	X(ftruncate)                                                                               \
	X(futex)                                                                                   \
	X(gethostname)                                                                             \
	X(getrandom)                                                                               \
	X(gettid)                                                                                  \
	X(lseek)                                                                                   \
	X(madvise)                                                                                 \
	X(malloc)                                                                                  \
	X(membarrier)                                                                              \
	X(memfd_create)                                                                            \
	X(mkdir)                                                                                   \
	X(mmap)                                                                                    \
	X(mprotect)                                                                                \
	X(munmap)                                                                                  \
	X(nanosleep)                                                                               \
	X(open)                                                                                    \
	X(openat)                                                                                  \
	X(opendir)                                                                                 \
	X(poll)                                                                                    \
	X(posix_fallocate)                                                                         \
	X(prctl)                                                                                   \
	X(pread)                                                                                   \
	X(pthread_attr_init)                                                                       \
	X(pthread_create)                                                                          \
	X(pthread_key_create)                                                                      \
	X(pthread_setspecific)                                                                     \
	X(pwritev)                                                                                 \
	X(read)                                                                                    \
	X(readdir)                                                                                 \
	X(realloc)                                                                                 \
	X(rmdir)                                                                                   \
	X(sched_getaffinity)                                                                       \
	X(sendmsg)                                                                                 \
	X(sigaltstack)                                                                             \
	X(stat)                                                                                    \
	X(strdup)                                                                                  \
	X(asprintf)                                                                                \
	X(unlink)                                                                                  \
	X(unlinkat)                                                                                \
	X(write)                                                                                   \
	X(writev)

#define FAULT_INDEX(name) FAULT_##name,
enum fault_name { FAULT_NAMES(FAULT_INDEX) FAULT_COUNT };

/* The stretches of the program's life. */
enum fault_phase {
	PHASE_START,
	PHASE_STEADY,
	PHASE_FILTER,
	PHASE_SINK,
	PHASE_ROTATION,
	PHASE_CHURN,
	PHASE_FORK,
	PHASE_FLUSH,
	PHASE_STOP,
	PHASE_AFTER,
	PHASE_COUNT,
};

/* The shared file: FAULTS_PAGE names it. */
struct fault_page {
	uint64_t calls[PHASE_COUNT][FAULT_COUNT];
	uint64_t fired;
	uint32_t phase;
	uint64_t seen; /* calls of the name since its phase began */
};

/*
 * FAULTS_PLAN=NAME:PHASE:N:COUNT:HOW: from the Nth call of NAME on after PHASE began (an index),
 * COUNT calls (0: all) fail with errno HOW; 0: they do half of what they were asked for.
 */

/* The program says where it stands. */
void fault_phase(enum fault_phase phase);

#endif
