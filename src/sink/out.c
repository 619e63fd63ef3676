#include "sink/out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/planted.h"
#include "sink/queue.h"
#include "sink/stream.h"

#define FILE_MODE  0640
#define MEM_DEVICE 1 /* major number of /dev/null, /dev/full: admin-guide/devices.txt */

struct out {
	struct stream stream;
	struct queue *queue; /* NULL: written directly */
	const struct rill_sink_owner *owner;
	bool failing; /* the last direct write failed */
	bool is_terminal;
};

__attribute__((format(printf, 4, 5))) static int
refuse(int error, char *message, size_t message_size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, message_size, format, arguments);
	va_end(arguments);
	return error;
}

/* Why a path could not be opened, in words that lead to what is to be done. */
static int refuse_path(const char *path, int error, char *message, size_t message_size)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat status;
	if (error == ENXIO)
		return refuse(-error, message, message_size,
			      "\"%s\" is a FIFO that nobody reads, or a socket", path);
	if (error == ENOENT && slash && (size_t)(slash - path) < sizeof directory) {
		snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
		if (directory[0] && stat(directory, &status) != 0 && errno == ENOENT)
			return refuse(-error, message, message_size,
				      "directory \"%s\" does not exist; rill creates files, not "
				      "directories",
				      directory);
	}
	return refuse(-error, message, message_size, "cannot open \"%s\": %s", path,
		      strerror(error));
}

/* True: the file ends in the middle of a line, which a crash or a full disk left. */
static bool ends_torn(const char *path)
{
	char last = '\n';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false;
	off_t size = lseek(fd, 0, SEEK_END);
	bool torn = size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
	close(fd);
	return torn;
}

/* O_NONBLOCK: a FIFO without a reader must not stall us. Writes are to block, though: they are a
 * thread's own. */
static int open_path(const char *path, char *message, size_t message_size)
{
	int safe = planted_flags(path);
	int fd = safe < 0 ? -1
			  : open(path,
				 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
					 safe,
				 FILE_MODE);
	if (fd < 0 && safe >= 0 && errno != ELOOP)
		return refuse_path(path, errno, message, message_size);
	if (fd < 0 || planted_file(path, fd)) {
		if (fd >= 0)
			close(fd);
		return refuse(-EACCES, message, message_size,
			      "\"%s\" is another user's, in a folder to which everybody may write",
			      path);
	}
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

/* A descriptor of our own: the application may close its own and get the number back for a file
 * of its users. */
static int open_target(const char *target, char *message, size_t message_size)
{
	bool is_stderr = strcmp(target, "stderr") == 0;
	if (!is_stderr && strcmp(target, "stdout") != 0) {
		if (!strchr(target, '/'))
			return refuse(
				-EINVAL, message, message_size,
				"\"%s\" is neither stderr, stdout, nor a path (write a file in the "
				"current directory as \"./%s\")",
				target, target);
		return open_path(target, message, message_size);
	}
	int fd = fcntl(is_stderr ? STDERR_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return refuse(-errno, message, message_size, "%s is closed", target);
	return fd;
}

static bool may_block(const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return false;
	return !S_ISCHR(status->st_mode) || major(status->st_rdev) != MEM_DEVICE;
}

static int set_up(struct out *out, const char *target, size_t queue_size,
		  const struct rill_sink_owner *owner, char *message, size_t message_size)
{
	struct stat status;
	int error = open_target(target, message, message_size);
	if (error < 0)
		return error;
	out->stream.fd = error;
	if (fstat(out->stream.fd, &status) != 0)
		return refuse(-errno, message, message_size, "cannot use \"%s\": %s", target,
			      strerror(errno));
	out->is_terminal = isatty(out->stream.fd) == 1;
	out->stream.is_socket = S_ISSOCK(status.st_mode);
	out->stream.torn = S_ISREG(status.st_mode) && strchr(target, '/') && ends_torn(target);
	if (!queue_size || !may_block(&status))
		return 0;
	error = queue_open(&out->queue, &out->stream, queue_size, owner);
	if (error)
		return refuse(error, message, message_size, "cannot start a thread for \"%s\": %s",
			      target, strerror(-error));
	return 0;
}

int out_open(struct out **result, const char *target, size_t queue_size,
	     const struct rill_sink_owner *owner, char *message, size_t message_size)
{
	struct out *out = calloc(1, sizeof *out);
	if (!out)
		return refuse(-ENOMEM, message, message_size, "no memory");
	out->stream.fd = -1;
	out->owner = owner;
	int error = set_up(out, target, queue_size, owner, message, message_size);
	if (error) {
		if (out->stream.fd >= 0)
			close(out->stream.fd);
		free(out);
		return error;
	}
	*result = out;
	return 0;
}

bool out_is_terminal(const struct out *out)
{
	return out->is_terminal;
}

int out_write(struct out *out, const char *text, const struct out_line *lines, size_t nlines,
	      size_t *taken)
{
	*taken = 0;
	if (!nlines)
		return 0;
	if (out->queue)
		return queue_put(out->queue, text, lines, nlines, taken);
	struct iovec parts[2] = {{0}, {(char *)(uintptr_t)text, lines[nlines - 1].end}};
	size_t done = 0;
	int error = stream_write(&out->stream, parts, 2, &done);
	while (*taken < nlines && lines[*taken].end <= done)
		++*taken;
	if (done > (*taken ? lines[*taken - 1].end : 0))
		out->stream.torn = true;
	if (out->failing && !error)
		out->owner->recovered(out->owner->context);
	out->failing = error != 0;
	return error;
}

int out_flush(struct out *out)
{
	return out->queue ? queue_flush(out->queue) : 0;
}

void out_close(struct out *out)
{
	if (out->queue)
		queue_close(out->queue);
	else
		close(out->stream.fd);
	free(out);
}

void out_forget(struct out *out)
{
	if (out->queue)
		queue_forget(out->queue);
	else
		close(out->stream.fd);
}
