#include "control/open_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/dump_spec.h"
#include "control/leave.h"
#include "core/diagnose.h"
#include "sink/sink.h"

static int open_dump(struct collector *collector, const char *argument, char *error, size_t size)
{
	struct dump_target *target;
	int result = dump_spec_parse(&target, argument, error, size);
	if (result)
		return result;
	const struct process *process = process_get();
	target->process = leave_describe(process, target->host);
	prim_random(&target->process.series, sizeof target->process.series);
	result = dump_target_begin(target, error, size);
	if (result) {
		dump_target_free(target);
		return result;
	}
	leave_dump(process, target);
	result = collector_add_dump(collector, target);
	if (result == -ENOMEM)
		snprintf(error, size, "no memory");
	else if (result)
		snprintf(error, size, "more than %u dumps", MAX_DUMPS);
	return result;
}

static int open_output(struct collector *collector, const char *spec, char *error, size_t size)
{
	struct sink *sink;
	int result = sink_open(&sink, spec, error, size);
	if (result)
		return result;
	result = collector_add_output(collector, sink_output(sink));
	if (result == -ENOMEM)
		snprintf(error, size, "sink \"%s\": no memory", spec);
	else if (result)
		snprintf(error, size, "sink \"%s\": more than %u sinks", spec, MAX_OUTPUTS);
	return result;
}

int open_spec(struct collector *collector, const char *spec)
{
	char error[512] = "";
	bool is_dump = strncmp(spec, "dump:", 5) == 0;
	struct prim_quiet quiet; /* this thread writes what a dump begins with */
	prim_quiet_begin(&quiet);
	int result = is_dump ? open_dump(collector, spec + 5, error, sizeof error)
			     : open_output(collector, spec, error, sizeof error);
	prim_quiet_end(&quiet);
	if (result && is_dump)
		rill__diagnose(__func__, "sink \"%s\": %s", spec, error);
	else if (result)
		rill__diagnose(__func__, "%s", error);
	return result;
}
