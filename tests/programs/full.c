/* full FOLDER: a second dump is begun when files cannot grow beyond 8 KiB, which is less than its
 * catalog takes, but more than the records that follow. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include <rill/rill.h>

#define FLUSH_NS 5000000000u

int main(int argc, char **argv)
{
	struct rlimit limit, none;
	char spec[4096];
	if (argc != 2)
		return 2;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &none);
	rill_event(smtp_noop, total(0));
	rill_flush(FLUSH_NS);
	limit = none;
	limit.rlim_cur = 8192;
	setrlimit(RLIMIT_FSIZE, &limit);
	snprintf(spec, sizeof spec, "dump:%s", argv[1]);
	int added = rill_sink_add(spec);
	for (uint64_t i = 1; i <= 100; i++)
		rill_event(smtp_noop, total(i));
	rill_flush(FLUSH_NS);
	setrlimit(RLIMIT_FSIZE, &none);
	rill_stop();
	printf("added %d\n", added);
	return 0;
}
