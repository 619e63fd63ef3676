#include "cli/print.h"

#include <inttypes.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *choices)
{
	while (*choices && strcmp(*choices, text) != 0)
		choices++;
	return *choices != NULL;
}

void print_init(struct printing *printing)
{
	*printing = (struct printing){.format = "text", .color = "auto"};
}

int print_option(struct printing *printing, const char *command, int option, const char *argument)
{
	static const char *const formats[] = {"text", "json", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	switch (option) {
	case 'f':
		printing->format = argument;
		if (!is_one_of(argument, formats))
			return usage_error(command, "format \"%s\" is not text or json", argument);
		return EXIT_OK;
	case PRINT_MULTILINE:
		printing->multiline = true;
		return EXIT_OK;
	case PRINT_COLOR:
		printing->color = argument ? argument : "always";
		if (!is_one_of(printing->color, colors))
			return usage_error(command, "color \"%s\" is not always, never or auto",
					   argument);
		return EXIT_OK;
	case PRINT_LOCAL:
		printing->local = true;
		return EXIT_OK;
	default:
		return -1;
	}
}

bool print_open(struct printing *printing, struct output *output)
{
	char spec[160], error[256];
	/* Without a queue: nothing may be lost because a pager reads slowly. */
	int used = snprintf(spec, sizeof spec, "%s:stdout?queue=0", printing->format);
	if (strcmp(printing->format, "text") == 0)
		snprintf(spec + used, sizeof spec - (size_t)used, "&color=%s&multiline=%s&time=%s",
			 printing->color, printing->multiline ? "1" : "0",
			 printing->local ? "local" : "utc");
	if (sink_open(&printing->sink, spec, error, sizeof error)) {
		trouble("%s", error);
		return false;
	}
	*output = sink_output(printing->sink);
	return true;
}

int print_close(struct printing *printing)
{
	struct sink_totals totals;
	sink_flush(printing->sink);
	sink_totals(printing->sink, &totals);
	sink_close(printing->sink);
	uint64_t failed = totals.records.failed + totals.spans.failed;
	if (!failed)
		return EXIT_OK;
	return trouble("%" PRIu64 " lines could not be written", failed);
}
