/* The operating system as the rest of rill sees it: the only file besides rill/static/prim.h, and
 * the files behind it, that knows which one it is. Errors are negative errno values. */
#ifndef RILL_CORE_PRIM_PRIM_H
#define RILL_CORE_PRIM_PRIM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIM_CACHE_LINE 64

/* All signals of the calling thread; async-signal-safe. */
void prim_block_signals(sigset_t *before);
void prim_restore_signals(const sigset_t *before);

/* What a write may send to the thread that makes it, SIGPIPE and SIGXFSZ, is not the program's in
 * between: held back, and taken away again. Async-signal-safe; keeps errno. */
struct prim_quiet {
	sigset_t before;
	sigset_t pending;
};
void prim_quiet_begin(struct prim_quiet *quiet);
void prim_quiet_end(const struct prim_quiet *quiet);

/* Makes every running thread of this process execute a full fence. False: the kernel cannot, or
 * may not be asked. */
bool prim_membarrier_register(void);
bool prim_membarrier(void);

/* Waits while *word is value, at most timeout_ns (UINT64_MAX: for ever); spurious returns happen.
 */
void prim_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
void prim_futex_wake(uint32_t *word, int count);

/* Memory that is zero in a child after fork, clone or _Fork. Zeroed; NULL when there is none. */
void *prim_wiped_pages(size_t size_bytes);

/* A file of size_bytes at `path` (0600, its space taken), or anonymous memory when path is NULL. */
int prim_ring_file(const char *path, size_t size_bytes);
/* How many mappings a process may have. */
uint32_t prim_max_mappings(void);
#define PRIM_RING_MAPPINGS 2u
/* Maps `head_bytes` of the file and then the `data_bytes` after them twice in a row. Children do
 * not have it. */
int prim_map_ring(int fd, size_t head_bytes, size_t data_bytes, void **address);
void prim_unmap_ring(void *address, size_t head_bytes, size_t data_bytes);
/* Zeroed memory at this address, where nothing is mapped. False: something is. */
bool prim_private_memory(void *address, size_t size_bytes);

/* Makes a file like that and maps it; `room_bytes` of addresses, for when it grows. */
int prim_shared_file(const char *path, size_t size_bytes, size_t room_bytes, void **address);
/* Takes the space for more of it. */
int prim_grow_file(const char *path, size_t size_bytes);

uint32_t prim_pid(void);
uint32_t prim_tid(void);
/* Whether a thread of this process runs or waits for a core; false: it sleeps, in a system call for
 * instance, or has ended, or the system does not tell. */
bool prim_thread_runs(uint32_t tid);
bool prim_thread_exists(uint32_t tid);
/* Whether all threads of this process that have not ended were started by prim_thread_start(), or
 * have a name like those: "rill-...". */
bool prim_alone(void);
/* CPU time of a thread of this process; 0: it has ended. */
uint64_t prim_thread_cpu_ns(uint32_t tid);
void prim_random(void *to, size_t size_bytes);
void prim_sleep(uint64_t ns);
size_t prim_page_size(void);

/* Whether this code runs on an alternate signal stack that does not hold `address`. */
bool prim_on_other_signal_stack(uint64_t address);

/* Whether the calling thread runs a signal handler; true also where that cannot be told. Finds
 * every handler whose frame lies on the stack in use. Signal-safe. */
bool prim_in_signal_handler(void);

/* Whether both addresses, low <= high, are of one stack: there is no end of one between them.
 * Signal-safe. */
bool prim_one_stack(uint64_t low, uint64_t high);

/* Runs `function` in a copy of this process that has only the calling thread, and is no child of
 * which the program would hear. Whether it returned there within the time. Signal-safe. */
bool prim_returns_in_copy(void (*function)(void), uint64_t timeout_ns);

/* Whether the counter of rill__ticks() runs at one rate, on all cores alike, for ever: as the CPU
 * says, and as far as the kernel has not found otherwise. */
bool prim_counter_invariant(void);
/* Its frequency in Hz as the CPU itself states it; 0: not stated. */
uint64_t prim_counter_hz(void);
/* What the CPU's makers call it. */
const char *prim_counter_name(void);
/* Never steps back; goes on somehow where the kernel may not be asked. */
uint64_t prim_monotonic_ns(void);
/* 0: not known. Steady: it goes on while the machine sleeps, and nobody can set it. */
uint64_t prim_realtime_ns(void);
uint64_t prim_steady_ns(void);
/* How many microseconds the latter may be off from UTC, by what the kernel knows; UINT32_MAX: it
 * does not, or may not be asked. */
uint32_t prim_clock_error_us(void);

/* The host's name; "" when there is none. */
void prim_host_name(char *name, size_t size);
/* The random number of the host's last start, which processes with the same clocks share; zeros
 * when it is not known. */
void prim_boot_id(uint64_t id[2]);

/* CRC-32C (polynomial 0x1edc6f41, reflected) by the CPU; the caller complements it before and
 * after. Only where it is usable. */
bool prim_crc32c_usable(void);
uint32_t prim_crc32c(uint32_t crc, const void *bytes, size_t size);

/* In a loop that waits for another core. */
static inline void prim_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb");
#else
	__asm__ __volatile__("");
#endif
}

/* Lets the calling thread run on every core that the process may: whoever started it may have been
 * pinned to one. */
void prim_use_all_cores(void);

/* Starts a detached thread that blocks all signals, has a name, may run on every core that the
 * process may, under normal scheduling. */
int prim_thread_start(void (*run)(void *), void *argument, const char *name);

#endif
