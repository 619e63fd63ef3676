/* lengths COUNT: COUNT times two events with strings of many lengths (support/lengths.h).
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <stdlib.h>

#include "support/form.h"
#include "support/lengths.h"

int main(int argc, char **argv)
{
	static char text[LENGTHS_TEXT + 1];
	struct in6_addr address = {{{0}}};
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	lengths_fill(text);
	const char *const end = text + LENGTHS_TEXT;
	for (uint64_t n = 0; n < count; n++) {
		for (int i = 0; i < 8; i++)
			address.s6_addr[8 + i] = (uint8_t)(n >> 8 * i);
		rill_event(smtp_ehlo, total(n), hostname(text + lengths_from(n), lengths_sized(n)),
			   remoteIp(&address), domain(end - lengths_text(n)));
		rill_event(smtp_rset, hostname(end - lengths_long(n, 0)),
			   domain(end - lengths_long(n, 1)), details(end - lengths_long(n, 2)),
			   reason(end - lengths_long(n, 3)), queueName(end - lengths_long(n, 4)));
	}
	return 0;
}
