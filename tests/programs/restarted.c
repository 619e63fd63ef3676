/* restarted FOLDER: a thousand events, a stop, another thousand into a second dump. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <stdio.h>

static void thousand(unsigned from)
{
	for (unsigned i = 0; i < 1000; i++)
		rill_event(smtp_noop, total(from + i));
}

int main(int argc, char **argv)
{
	char spec[300];
	thousand(0);
	rill_stop();
	thousand(5000); /* nothing is on */
	snprintf(spec, sizeof spec, "dump:%s", argc > 1 ? argv[1] : ".");
	if (rill_sink_add(spec) != 0 || rill_filter_apply("*=trace") != 0)
		return 1;
	thousand(1000);
	return 0;
}
