/* Disabled sites that tests/gate compiles with each compiler, as C and as C++, and disassembles. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include "../../support/form.h"

#ifdef __cplusplus
extern "C" {
#endif

uint64_t expensive(void);
void plain0(void);
void plain1(uint64_t id);
void plain4(uint64_t id, struct in_addr ip, uint16_t port, const char *text, size_t length);
void unevaluated(void);
void all_bits(uint64_t id);
void nested(uint64_t id, const char *text);
uint64_t after(uint64_t id, uint64_t x);

void plain0(void)
{
	rill_event(smtp_ehlo);
}

void plain1(uint64_t id)
{
	rill_event(smtp_ehlo, spanId(id));
}

void plain4(uint64_t id, struct in_addr ip, uint16_t port, const char *text, size_t length)
{
	rill_event(smtp_ehlo, spanId(id), remoteIp(ip), remotePort(port), hostname(text, length));
}

void unevaluated(void)
{
	rill_event(smtp_ehlo, spanId(expensive()), size(expensive() + expensive()));
}

/* Sites of eight events whose ids follow each other, so that each bit of a byte is tested. */
void all_bits(uint64_t id)
{
	rill_event(acme_auth_start, spanId(id));
	rill_event(acme_auth_pending, spanId(id));
	rill_event(acme_auth_valid, spanId(id));
	rill_event(acme_auth_completed, spanId(id));
	rill_event(acme_auth_error, spanId(id));
	rill_event(acme_auth_too_many_attempts, spanId(id));
	rill_event(acme_process_cert, spanId(id));
	rill_event(acme_order_start, spanId(id));
}

void nested(uint64_t id, const char *text)
{
	rill_event(smtp_ehlo, spanId(id), causedBy(rill_nested(smtp_error, reason(text))));
}

uint64_t after(uint64_t id, uint64_t x)
{
	x = x * 3 + expensive();
	rill_event(smtp_ehlo, spanId(id), size(x));
	return x * 7;
}

/* Loops whose values all have to be in registers: the pointers, these, and the gate's. */
#define LOOP8(name, event)                                                                         \
	uint64_t name(const uint64_t *p, const uint64_t *end);                                     \
	uint64_t name(const uint64_t *p, const uint64_t *end)                                      \
	{                                                                                          \
		uint64_t a = p[0], b = p[1], c = p[2], d = p[3], e = p[4], f = p[5], g = p[6],     \
			 h = p[7];                                                                 \
		for (; p != end; p++) {                                                            \
			a ^= *p, b += a, c ^= b, d += c, e ^= d, f += e, g ^= f, h += g, a += h;   \
			event;                                                                     \
		}                                                                                  \
		return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;                                              \
	}

#define LOOP11(name, event)                                                                        \
	uint64_t name(const uint64_t *p, const uint64_t *end);                                     \
	uint64_t name(const uint64_t *p, const uint64_t *end)                                      \
	{                                                                                          \
		uint64_t a = p[0], b = p[1], c = p[2], d = p[3], e = p[4], f = p[5], g = p[6],     \
			 h = p[7], i = p[8], j = p[9], k = p[10];                                  \
		for (; p != end; p++) {                                                            \
			a ^= *p, b += a, c ^= b, d += c, e ^= d, f += e, g ^= f, h += g, i ^= h;   \
			j += i, k ^= j, a += k;                                                    \
			event;                                                                     \
		}                                                                                  \
		return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k;                                  \
	}

/* The same with eight values in vector registers, none of which a function call preserves. */
#define LOOPF(name, event)                                                                         \
	double name(const double *p, const double *end);                                           \
	double name(const double *p, const double *end)                                            \
	{                                                                                          \
		double a = p[0], b = p[1], c = p[2], d = p[3], e = p[4], f = p[5], g = p[6],       \
		       h = p[7];                                                                   \
		for (; p != end; p++) {                                                            \
			a += *p, b *= a, c += b, d *= c, e += d, f *= e, g += f, h *= g, a += h;   \
			event;                                                                     \
		}                                                                                  \
		return a + b + c + d + e + f + g + h;                                              \
	}

#define EACH(loop, name, x, y, z, text)                                                            \
	loop(name##_bare, ) loop(name##_w0, rill_event(smtp_ehlo))                                 \
		loop(name##_w1, rill_event(smtp_ehlo, spanId(x)))                                  \
			loop(name##_w3, rill_event(smtp_ehlo, spanId(x), size(y), total(z))) loop( \
				name##_text, rill_event(smtp_ehlo, spanId(x), hostname(text, y)))

EACH(LOOP8, loop8, b, c, d, (const char *)p)
EACH(LOOP11, loop11, b, c, d, (const char *)p)
EACH(LOOPF, loopf, (uint64_t)(p - end), (uint64_t)(end - p), 7u, (const char *)p)

#ifdef __cplusplus
}
#endif
