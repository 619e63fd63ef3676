/* The counter of the CPU and the clocks of the system. */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <rill/static/prim.h>

#include "core/prim/prim.h"

/* --- clocks -------------------------------------------------------------------------------- */

/* 0: a filter forbids the call where the kernel has no vDSO for it. */
static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;
	if (clock_gettime(clock, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t prim_monotonic_ns(void)
{
	uint64_t now_ns = read_clock(CLOCK_MONOTONIC);
	/* What is waited for must come to an end: about the right time, at some GHz. */
	return now_ns ? now_ns : rill__ticks() / 2;
}

uint64_t prim_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t prim_steady_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/*
 * adjtimex(2) is not for everybody: where the process is confined, a filter may end it for the
 * call, so it is not made.
 */
uint32_t prim_clock_error_us(void)
{
	struct timex time = {.modes = 0};
	if (prctl(PR_GET_SECCOMP) != 0 || adjtimex(&time) < 0 || (time.status & STA_UNSYNC) ||
	    time.maxerror < 0 || time.maxerror >= (long)UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)time.maxerror;
}

/* --- the counter --------------------------------------------------------------------------- */

#if defined(__x86_64__)
const char *prim_counter_name(void)
{
	return "tsc";
}

/* Linux, Documentation/timers/timekeeping: where its watchdog, or its look at the cores at boot,
 * finds that the TSC is not to be trusted, the kernel takes one of these as its own clock. */
static bool kernel_distrusts_counter(void)
{
	static const char *const slow[] = {"hpet\n", "acpi_pm\n", "refined-jiffies\n", "jiffies\n"};
	char name[32];
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, name, sizeof name - 1);
	close(fd);
	name[size > 0 ? size : 0] = 0;
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
		if (strcmp(name, slow[i]) == 0)
			return true;
	return false;
}

/* Intel SDM volume 3, 18.17.1: CPUID.80000007H:EDX[8], the invariant TSC. */
bool prim_counter_invariant(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & 1u << 8) &&
	       !kernel_distrusts_counter();
}

/* Intel SDM volume 3, 18.7.3: CPUID.15H gives the crystal's frequency and the TSC's ratio to it. */
uint64_t prim_counter_hz(void)
{
	unsigned a, b, c, d;
	if (__get_cpuid_max(0, NULL) < 0x15 || !__get_cpuid(0x15, &a, &b, &c, &d) || !a || !b || !c)
		return 0;
	return (uint64_t)c * b / a;
}
#elif defined(__aarch64__)
const char *prim_counter_name(void)
{
	return "cntvct";
}

bool prim_counter_invariant(void)
{
	return true;
}

uint64_t prim_counter_hz(void)
{
	uint64_t hz;
	__asm__ __volatile__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}
#else
const char *prim_counter_name(void)
{
	return "time"; /* the CSR of that name */
}

bool prim_counter_invariant(void)
{
	return true; /* RISC-V unprivileged specification, Zicntr: the time CSR is constant-rate */
}

uint64_t prim_counter_hz(void)
{
	return 0;
}
#endif
