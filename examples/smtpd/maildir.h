/*
 * Maildir: a mail is written to tmp/, then linked into new/, one file a mailbox.
 *
 * Either all addresses share the one mailbox --maildir, or (--per-user) the folder USER below
 * --maildir is the mailbox of USER and exists if the administrator made it: nothing that comes
 * from the network ever makes one. A mail to several users is one file with several links.
 */
#ifndef SMTPD_MAILDIR_H
#define SMTPD_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct mail;

#define MAILBOX_MAX 64u /* RFC 5321, section 4.5.3.1.1: the longest local part */

struct maildir {
	int fd; /* the folder --maildir */
	bool per_user;
	bool fsync;
	char host[64]; /* for file names */
};

struct maildir_entry {
	uint64_t document_id; /* the file's inode */
	uint64_t mailbox_id;  /* the inode of its new/ */
	uint64_t owner;       /* the user id that owns new/ */
};

/* All functions but the last: 0 or a negative errno. */
int maildir_open(struct maildir *maildir, const char *path, const char *hostname, bool per_user,
		 bool fsync);
void maildir_close(struct maildir *maildir);

/* Makes the mail's file in tmp/. */
int maildir_create(const struct maildir *maildir, struct mail *mail);

/* All of `text`, or an error. */
int maildir_write(struct mail *mail, const char *text, size_t n);

/* The file in tmp/ is complete: to the disk with it. */
int maildir_sync(const struct maildir *maildir, struct mail *mail);

/* The file in tmp/, to read. A descriptor, or a negative errno. */
int maildir_read(const struct maildir *maildir, const struct mail *mail);

/* Links the file in tmp/ into the mailbox, durably. Done twice it succeeds. */
int maildir_link(const struct maildir *maildir, const struct mail *mail, const char *mailbox,
		 struct maildir_entry *entry);

/* Closes and removes the file in tmp/. */
void maildir_discard(const struct maildir *maildir, struct mail *mail);

/* The mailbox of a local part (unquoted, `n` octets), into `mailbox`; false if there is none. */
bool maildir_lookup(const struct maildir *maildir, const char *local, size_t n,
		    char mailbox[MAILBOX_MAX + 1]);

#endif
