/* Maildir delivery. */
#include "maildir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail.h"
#include "smtpd.h"

#define PATH_SIZE (MAILBOX_MAX + MAIL_NAME_MAX + 16u)

static int make_folder(int fd, const char *mailbox, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s%s%s", mailbox, *mailbox ? "/" : "", name);
	return mkdirat(fd, path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int maildir_open(struct maildir *maildir, const char *path, const char *hostname, bool per_user,
		 bool fsync)
{
	static const char *const folders[] = {"tmp", "new", "cur"};
	size_t n = 0;

	maildir->per_user = per_user;
	maildir->fsync = fsync;
	for (const char *p = hostname; *p && n < sizeof(maildir->host) - 1; p++)
		maildir->host[n++] = *p == '/' || *p == ':' ? '_' : *p;
	maildir->host[n] = '\0';
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	maildir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (maildir->fd < 0)
		return -errno;
	for (unsigned i = 0; i < (per_user ? 1 : 3); i++) {
		int error = make_folder(maildir->fd, "", folders[i]);

		if (error) {
			maildir_close(maildir);
			return error;
		}
	}
	return 0;
}

void maildir_close(struct maildir *maildir)
{
	close(maildir->fd);
	maildir->fd = -1;
}

int maildir_create(const struct maildir *maildir, struct mail *mail)
{
	uint64_t now_us = realtime_ns() / 1000u;
	char path[PATH_SIZE];

	snprintf(mail->name, sizeof(mail->name), "%" PRIu64 ".M%06" PRIu64 "P%dQ%" PRIx64 ".%s",
		 now_us / 1000000u, now_us % 1000000u, (int)getpid(), mail->queue_id,
		 maildir->host);
	snprintf(path, sizeof(path), "tmp/%s", mail->name);
	mail->fd = openat(maildir->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (mail->fd < 0)
		return -errno;
	mail->spooled = true;
	return 0;
}

int maildir_write(struct mail *mail, const char *text, size_t n)
{
	while (n) {
		ssize_t written = write(mail->fd, text, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		mail->file_bytes += (uint64_t)written;
		text += written;
		n -= (size_t)written;
	}
	return 0;
}

int maildir_sync(const struct maildir *maildir, struct mail *mail)
{
	int error = 0;

	if (mail->fd < 0)
		return 0;
	/* A second fsync() after a failed one can succeed without having written anything: the
	 * file is closed either way, and a mail that failed here is not tried again. */
	if (maildir->fsync && fsync(mail->fd) < 0)
		error = -errno;
	if (close(mail->fd) < 0 && !error)
		error = -errno;
	mail->fd = -1;
	return error;
}

int maildir_read(const struct maildir *maildir, const struct mail *mail)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "tmp/%s", mail->name);
	fd = openat(maildir->fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sync_folder(const struct maildir *maildir, const char *path, struct stat *status)
{
	int fd = openat(maildir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if ((maildir->fsync && fsync(fd) < 0) || fstat(fd, status) < 0)
		error = -errno;
	close(fd);
	return error;
}

int maildir_link(const struct maildir *maildir, const struct mail *mail, const char *mailbox,
		 struct maildir_entry *entry)
{
	const char *slash = *mailbox ? "/" : "";
	char from[PATH_SIZE];
	char folder[PATH_SIZE];
	char to[2 * PATH_SIZE];
	struct stat file;
	struct stat new;
	int error = 0;

	if (*mailbox) {
		error = make_folder(maildir->fd, mailbox, "tmp");
		error = error ? error : make_folder(maildir->fd, mailbox, "new");
		error = error ? error : make_folder(maildir->fd, mailbox, "cur");
		if (error)
			return error;
	}
	snprintf(from, sizeof(from), "tmp/%s", mail->name);
	snprintf(folder, sizeof(folder), "%s%snew", mailbox, slash);
	snprintf(to, sizeof(to), "%s/%s", folder, mail->name);
	/* EEXIST is an earlier attempt of our own that got no further: the name holds the
	 * queue id, which is nobody else's. */
	if (linkat(maildir->fd, from, maildir->fd, to, 0) < 0 && errno != EEXIST)
		return -errno;
	if (fstatat(maildir->fd, from, &file, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	error = sync_folder(maildir, folder, &new);
	if (!error)
		*entry = (struct maildir_entry){file.st_ino, new.st_ino, new.st_uid};
	return error;
}

void maildir_discard(const struct maildir *maildir, struct mail *mail)
{
	char path[PATH_SIZE];

	if (mail->fd >= 0)
		close(mail->fd);
	mail->fd = -1;
	if (!mail->spooled)
		return;
	snprintf(path, sizeof(path), "tmp/%s", mail->name);
	unlinkat(maildir->fd, path, 0);
	mail->spooled = false;
}

bool maildir_lookup(const struct maildir *maildir, const char *local, size_t n,
		    char mailbox[MAILBOX_MAX + 1])
{
	struct stat status;
	size_t length = 0;

	mailbox[0] = '\0';
	if (!maildir->per_user)
		return true;
	/* user+tag goes to user; upper case is folded; whatever could be a path is no name. */
	for (; length < n && length < MAILBOX_MAX && local[length] != '+'; length++) {
		unsigned char c = (unsigned char)local[length];

		if (!isalnum(c) && !strchr("._-", c))
			return false;
		mailbox[length] = (char)tolower(c);
	}
	mailbox[length] = '\0';
	if (!length || *mailbox == '.' || !strcmp(mailbox, "tmp"))
		return false;
	return !fstatat(maildir->fd, mailbox, &status, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(status.st_mode);
}
