#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/export/export.h"
#include "core/planted.h"

int export_out_flush(struct export_out *out)
{
	const char *at = out->buffer.data;
	size_t left = out->buffer.size;
	if (out->buffer.broken && !out->error)
		out->error = -ENOMEM;
	while (left && !out->error) {
		ssize_t written = write(out->fd, at, left);
		if (written < 0) {
			out->error = -errno;
		} else {
			at += written;
			left -= (size_t)written;
		}
	}
	buffer_clear(&out->buffer);
	return out->error;
}

volatile sig_atomic_t target_stopped;

static void on_signal(int number)
{
	target_stopped = number;
}

void target_catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal}, before;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

void target_obey_signal(void)
{
	if (target_stopped <= 0)
		return;
	signal(target_stopped, SIG_DFL);
	raise(target_stopped);
}

static int failed(const struct target *target, int error)
{
	return trouble("%s: %s", target->out, strerror(error));
}

/* Beside the final one, so that rename() stays within a file system. NULL: no memory. */
static char *temporary_name(const char *final)
{
	char *name = malloc(strlen(final) + sizeof ".XXXXXX");
	if (name)
		sprintf(name, "%s.XXXXXX", final);
	return name;
}

/* A link stays one: what it leads to is replaced. */
static char *final_name(const char *out)
{
	char *real = realpath(out, NULL);
	return real ? real : strdup(out);
}

/* What a directory can replace when it is renamed. */
static bool is_empty(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool empty = directory != NULL;
	while (empty && (entry = readdir(directory)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (!directory)
		return false;
	closedir(directory);
	if (!empty)
		errno = ENOTEMPTY;
	return empty;
}

static int open_directly(struct target *target, const char *out)
{
	target->fd = strcmp(out, "-") == 0 ? dup(STDOUT_FILENO) : open(out, O_WRONLY | O_CLOEXEC);
	return target->fd < 0 ? failed(target, errno) : EXIT_OK;
}

int target_open(struct target *target, const char *out, bool directory)
{
	struct stat status;
	*target = (struct target){.out = strcmp(out, "-") == 0 ? "standard output" : out,
				  .directory = directory,
				  .fd = -1};
	/* Else the link that another user has put there would say which file is replaced. */
	if (planted_flags(out) < 0)
		return failed(target, EACCES);
	bool exists = stat(out, &status) == 0;
	if (!directory && (strcmp(out, "-") == 0 ||
			   (exists && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))))
		return open_directly(target, out);
	if (exists && !directory && S_ISDIR(status.st_mode))
		return failed(target, EISDIR);
	if (exists && directory && !S_ISDIR(status.st_mode))
		return failed(target, ENOTDIR);
	if (exists && directory && !is_empty(out))
		return failed(target, errno);
	target->final = final_name(out);
	target->temporary = target->final ? temporary_name(target->final) : NULL;
	if (!target->temporary) {
		free(target->final);
		return failed(target, ENOMEM);
	}
	if (!directory)
		target->fd = mkostemp(target->temporary, O_CLOEXEC);
	else if (mkdtemp(target->temporary))
		target->fd = open(target->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->fd >= 0)
		return EXIT_OK;
	int error = errno;
	free(target->temporary);
	free(target->final);
	return failed(target, error);
}

/* Empties a directory, and closes its descriptor. */
static void empty_directory(int fd)
{
	DIR *directory = fdopendir(fd);
	const struct dirent *entry;
	if (!directory) {
		close(fd);
		return;
	}
	while ((entry = readdir(directory))) {
		const char *name = entry->d_name;
		if (!strcmp(name, ".") || !strcmp(name, "..") || !unlinkat(fd, name, 0))
			continue;
		int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0)
			empty_directory(inner);
		unlinkat(fd, name, AT_REMOVEDIR);
	}
	closedir(directory);
}

static void remove_directory(struct target *target)
{
	empty_directory(target->fd);
	target->fd = -1;
	rmdir(target->temporary);
}

int target_close(struct target *target, bool complete)
{
	int code = EXIT_OK;
	bool renamed = complete && target->final && rename(target->temporary, target->final) == 0;
	if (complete && target->final && !renamed)
		code = failed(target, errno);
	if (target->final && !renamed && target->directory)
		remove_directory(target);
	else if (target->final && !renamed)
		unlink(target->temporary);
	if (target->fd >= 0 && close(target->fd) && complete)
		code = failed(target, errno);
	free(target->temporary);
	free(target->final);
	return code;
}
