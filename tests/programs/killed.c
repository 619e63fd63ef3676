/* killed N: emits N events, waits until they are written, says so, emits N more and kills itself.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
	for (uint64_t i = 0; i < events; i++)
		rill_event(smtp_noop, total(i));
	printf("flush %d\n", rill_flush(UINT64_C(10000000000)));
	fflush(stdout);
	for (uint64_t i = 0; i < events; i++)
		rill_event(smtp_rset, total(i));
	raise(SIGKILL);
}
