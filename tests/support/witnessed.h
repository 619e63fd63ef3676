/* Running tests/programs/committing.c to its end, whichever that is, and holding what is left
 * against its page. */
#ifndef TESTS_WITNESSED_H
#define TESTS_WITNESSED_H

#include <sys/types.h>

#include "support/witness.h"

struct witnessed {
	char *folder; /* in /dev/shm: the page, the dump, the runtime directory */
	char *dump;
	char *here; /* where `rill recover` runs */
	char *page_path;
	volatile struct witness *page;
	const char *env[12];
	size_t nenv;
	bool discards; /* the policy: numbers may be missing, and are counted */
	bool starved;  /* of memory: some writes fail, and the rings hold what they were to write */
	bool damaged;  /* the dump: numbers may be missing, and times too */
	size_t ntold;  /* of the files read last: of how many it was told that they are damaged */
};

/* What is the same in all: the filter, where the rings are. options: of the dump, "rotate=64KiB".
 */
struct witnessed witnessed_make(const char *options, bool discards);
/* "NAME=value" more. */
void witnessed_env(struct witnessed *witnessed, const char *setting);
/* Starts `committing PAGE arguments...` (NULL at the end). */
pid_t witnessed_start(const struct witnessed *witnessed, const char *const *arguments);
/* Waits until all of its threads have emitted. */
void witnessed_wait(const struct witnessed *witnessed, pid_t pid);
/* kill -9, and what waitpid(2) says. */
int witnessed_kill(pid_t pid);

/* Reads what the dump holds and fails the test if anything in it was not emitted, stands there
 * twice, out of order or changed, or is missing before something that is there. Returns the number
 * of records. */
uint64_t witnessed_dump(struct witnessed *witnessed);

/* Runs `rill recover`, which must work: what it says, the caller's to free. */
char *witnessed_recover(struct witnessed *witnessed);

/* That first, and then nothing that was committed may be missing either, nothing
 * uncounted, and the spans that it says are open are those. */
uint64_t witnessed_recovered(struct witnessed *witnessed);

void witnessed_end(struct witnessed *witnessed);

#endif
