#include "control/leave.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/diagnose.h"

struct dump_process leave_describe(const struct process *process, char *host)
{
	struct dump_process is = {
		.pid = process->pid,
		.id = {process->id[0], process->id[1]},
		.start_ns = process->start_ns,
		.program = program_invocation_short_name,
		.host = host,
		.clock = clock_name(),
		.writer = "rill " RILL_VERSION,
	};
	prim_host_name(host, LEAVE_HOST_BYTES);
	prim_boot_id(is.boot);
	return is;
}

static int put_catalogs(struct dump_writer *writer, const struct dump_process *is, uint32_t from)
{
	int error = dump_put_process(writer, is);
	error = error < 0 ? error : 0;
	for (uint32_t i = from; i < registry_count() && !error; i++)
		error = dump_put_catalog(writer, (uint8_t)i, registry_entry(i)->catalog);
	return error;
}

/* A dump without records: what reads dumps reads it. */
void leave_catalogs(struct process *process)
{
	struct dump_writer *writer;
	char path[sizeof process->directory + 32], host[LEAVE_HOST_BYTES], text[256];
	if (!process->directory[0] || process->ncatalogs_left == registry_count())
		return;
	struct dump_process part = leave_describe(process, host);
	snprintf(path, sizeof path, "%s/" REMAINS_CATALOGS "%u.rill", process->directory,
		 process->ncatalog_files);
	struct prim_quiet quiet;
	prim_quiet_begin(&quiet);
	part.part = process->ncatalog_files;
	part.series = process->id[0];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : dump_create_in(&writer, fd, text, sizeof text);
	if (error && fd >= 0)
		unlink(path);
	if (!error) {
		process->ncatalog_files++;
		error = put_catalogs(writer, &part, process->ncatalogs_left);
		int closed = dump_close(writer);
		error = error ? error : closed;
	}
	prim_quiet_end(&quiet);
	if (error)
		rill__diagnose(__func__,
			       "cannot write %s (%s): after a crash only a dump says what the "
			       "records in the rings mean",
			       path, strerror(-error));
	process->ncatalogs_left = registry_count();
}

void leave_dump(const struct process *process, const struct dump_target *target)
{
	char path[sizeof process->directory + 8], line[REMAINS_LINE];
	if (!process->directory[0])
		return;
	char *folder = realpath(target->directory, NULL);
	size_t length = folder ? remains_put_place(line, sizeof line, target->process.series,
						   target->level, folder)
			       : 0;
	free(folder);
	snprintf(path, sizeof path, "%s/" REMAINS_DUMPS, process->directory);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool written = length && fd >= 0 && write(fd, line, length) == (ssize_t)length;
	if (fd >= 0)
		close(fd);
	if (!written)
		rill__diagnose(__func__,
			       "cannot note in %s where a dump is: after a crash what is not in it "
			       "yet goes to a file of its own",
			       process->directory);
}
