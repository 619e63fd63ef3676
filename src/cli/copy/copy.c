/* A dump made of others: whole, or not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/copy/copy.h"
#include "cli/export/export.h"

volatile sig_atomic_t copy_stopped;

static void on_signal(int number)
{
	copy_stopped = number;
}

/* What is half written is removed before the signal is obeyed. */
static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal}, before;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

static void free_parts(struct copy *copy)
{
	for (size_t i = 0; copy->taken && i < dump_origin_count(copy->reader); i++)
		for (size_t k = 0; k < 256; k++)
			free(copy->taken[i].events[k]);
	free(copy->taken);
	for (size_t i = 0; copy->before && i < dump_origin_count(copy->reader); i++)
		open_free(copy->before[i].open);
	free(copy->before);
}

static int fill(struct copy *copy, copy_takes *takes, void *context)
{
	int error = copy_heads(copy);
	if (!error)
		error = copy_records(copy, takes, context);
	if (!error && takes)
		error = copy_counts(copy);
	return error;
}

int copy_run(struct dump_reader *reader, const char *out, uint64_t since_ns, copy_takes *takes,
	     void *context, uint64_t *records)
{
	struct copy copy = {.reader = reader, .number = takes != NULL, .since_ns = since_ns};
	size_t norigins = dump_origin_count(reader);
	struct target target;
	char error[256];
	catch_signals();
	if (target_open(&target, out, false))
		return EXIT_TROUBLE;
	int code = -1;
	if (!target.final) {
		trouble("%s: a dump can be written to a regular file only", out);
	} else if (!(copy.taken = calloc(norigins + 1, sizeof *copy.taken)) ||
		   !(copy.before = calloc(norigins + 1, sizeof *copy.before))) {
		trouble("no memory");
	} else if (dump_create_in(&copy.writer, fcntl(target.fd, F_DUPFD_CLOEXEC, 0), error,
				  sizeof error)) {
		trouble("%s", error);
	} else {
		code = fill(&copy, takes, context);
		int closed = dump_close(copy.writer);
		code = code ? code : closed;
		if (code && code != -EINTR)
			trouble("%s: %s", out, strerror(-code));
	}
	*records = copy.records;
	free_parts(&copy);
	int renamed = target_close(&target, !code);
	if (copy_stopped) {
		signal(copy_stopped, SIG_DFL);
		raise(copy_stopped);
	}
	return code ? EXIT_TROUBLE : renamed;
}
