#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/export/export.h"

static int open_one(struct export_out *out, const struct export_job *job, const char *name)
{
	out->fd = openat(job->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return out->fd < 0 ? -errno : 0;
}

int pair_open(struct pair *pair, struct export_job *job, const char *events, const char *spans)
{
	*pair = (struct pair){.own = {{.fd = -1}, {.fd = -1}}};
	if (job->only != EXPORT_BOTH) {
		pair->events = job->only == EXPORT_EVENTS ? &job->out : NULL;
		pair->spans = job->only == EXPORT_SPANS ? &job->out : NULL;
		return 0;
	}
	pair->events = &pair->own[0];
	pair->spans = &pair->own[1];
	int error = open_one(pair->events, job, events);
	return error ? error : open_one(pair->spans, job, spans);
}

int pair_drain(struct pair *pair)
{
	int error = pair->events ? export_out_drain(pair->events) : 0;
	return !error && pair->spans ? export_out_drain(pair->spans) : error;
}

int pair_close(struct pair *pair, bool complete)
{
	int error = 0;
	for (size_t i = 0; i < 2; i++) {
		struct export_out *out = &pair->own[i];
		if (out->fd >= 0 && complete && !error)
			error = export_out_flush(out);
		if (out->fd >= 0 && close(out->fd) && complete && !error)
			error = -errno;
		buffer_free(&out->buffer);
	}
	return error;
}
