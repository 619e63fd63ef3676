#include "sink/write.h"

#define DIGIT(n)         ((uint32_t)('0' + (n) % 10))
#define JOIN(a, b, c, d) ((a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24)
#define OCTET(n)                                                                                   \
	((n) < 10    ? JOIN(DIGIT(n), '.', 0, 0)                                                   \
	 : (n) < 100 ? JOIN(DIGIT((n) / 10), DIGIT(n), '.', 0)                                     \
		     : JOIN(DIGIT((n) / 100), DIGIT((n) / 10), DIGIT(n), '.'))
#define OCTETS_4(n)  OCTET(n), OCTET((n) + 1), OCTET((n) + 2), OCTET((n) + 3)
#define OCTETS_16(n) OCTETS_4(n), OCTETS_4((n) + 4), OCTETS_4((n) + 8), OCTETS_4((n) + 12)
#define OCTETS_64(n) OCTETS_16(n), OCTETS_16((n) + 16), OCTETS_16((n) + 32), OCTETS_16((n) + 48)

const uint32_t write_octets[256] = {OCTETS_64(0), OCTETS_64(64), OCTETS_64(128), OCTETS_64(192)};
