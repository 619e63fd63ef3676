/* CRC-32C by the CPU's own instruction, where it has one. */
#include "core/prim/prim.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>

#define TARGET            __attribute__((target("sse4.2")))
#define crc_8(crc, eight) ((uint32_t)_mm_crc32_u64(crc, eight))
#define crc_1(crc, one)   _mm_crc32_u8(crc, one)

/* Intel SDM volume 2, CPUID: leaf 1, ECX bit 20. */
static bool has_instruction(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

#define TARGET
#define HWCAP_CRC (1u << 7) /* HWCAP_CRC32 of <asm/hwcap.h> */

/* arm_acle.h has them too, but clang's only where the whole file is compiled for such CPUs. */
static inline uint32_t crc_8(uint32_t crc, uint64_t eight)
{
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %1" : "+r"(crc) : "r"(eight));
	return crc;
}

static inline uint32_t crc_1(uint32_t crc, uint32_t one)
{
	__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(one));
	return crc;
}

static bool has_instruction(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC) != 0;
}
#endif

#ifdef TARGET
bool prim_crc32c_usable(void)
{
	static uint32_t known; /* 0: not yet; 1: no; 2: yes */
	uint32_t state = __atomic_load_n(&known, __ATOMIC_RELAXED);
	if (state == 0) {
		state = has_instruction() ? 2 : 1;
		__atomic_store_n(&known, state, __ATOMIC_RELAXED);
	}
	return state == 2;
}

TARGET uint32_t prim_crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	for (; size >= 8; size -= 8, at += 8) {
		uint64_t eight;
		memcpy(&eight, at, 8);
		crc = crc_8(crc, eight);
	}
	for (; size > 0; size--)
		crc = crc_1(crc, *at++);
	return crc;
}
#else
bool prim_crc32c_usable(void)
{
	return false;
}

uint32_t prim_crc32c(uint32_t crc, const void *bytes, size_t size)
{
	(void)bytes;
	(void)size;
	return crc;
}
#endif
