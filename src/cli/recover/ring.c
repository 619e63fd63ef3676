/* A ring's file, as a dead process left it, or as anybody may have made it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/recover/recover.h"
#include "core/core.h"

/* Positions beyond are of no ring: nobody writes so much. */
#define MOST_BYTES     (UINT64_C(1) << 62)
#define LOSSES_AT_ONCE 256u

int remains_open(int directory, const char *name)
{
	struct stat status;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

static const char *check(const struct ring_file *file, uint64_t size, const uint64_t id[2])
{
	if (memcmp(file->magic, RING_MAGIC, sizeof file->magic) != 0)
		return "it is no ring's file";
	if (file->version != REMAINS_VERSION)
		return "another version of rill made it";
	if (id && memcmp(file->id, id, sizeof file->id) != 0)
		return "it is of another process";
	if (file->data_bytes < MIN_RING_BYTES || file->data_bytes > MAX_RING_BYTES ||
	    (file->data_bytes & (file->data_bytes - 1)) || file->header_bytes < sizeof *file ||
	    file->header_bytes > size || file->data_bytes > size - file->header_bytes ||
	    file->nlosses > (file->header_bytes - sizeof *file) / sizeof(struct event_loss))
		return "its sizes are none that a ring has";
	if (file->head % 8 || file->tail % 8 || file->head > MOST_BYTES ||
	    file->tail > MOST_BYTES ||
	    (file->head > file->tail && file->head - file->tail > file->data_bytes))
		return "its positions are none that a ring has";
	return NULL;
}

const char *ring_remains_read(struct ring_remains *ring, int directory, const char *name,
			      const uint64_t id[2])
{
	struct ring_file file;
	struct stat status;
	int fd = remains_open(directory, name);
	if (fd == -EPERM || fd == -ELOOP)
		return "it is no file of this user";
	if (fd < 0)
		return strerror(-fd);
	static const char none[sizeof file.magic];
	bool found = fstat(fd, &status) == 0;
	bool read = found && pread(fd, &file, sizeof file, 0) == (ssize_t)sizeof file;
	close(fd);
	*ring = (struct ring_remains){.unmade = true};
	if ((found && !status.st_size) || (read && !memcmp(file.magic, none, sizeof none)))
		return NULL;
	const char *wrong = read ? check(&file, (uint64_t)status.st_size, id) : "it is too short";
	if (wrong)
		return wrong;
	*ring = (struct ring_remains){.serial = file.serial,
				      .head = file.head,
				      .tail = file.tail,
				      .data_bytes = file.data_bytes,
				      .header_bytes = file.header_bytes,
				      .tid = file.tid,
				      .nlosses = file.lossy ? file.nlosses : 0};
	snprintf(ring->name, sizeof ring->name, "%s", name);
	return NULL;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void ring_remains_losses(const struct ring_remains *ring, int fd, struct event_loss *losses,
			 uint32_t nlosses)
{
	struct event_loss part[LOSSES_AT_ONCE];
	uint32_t count = ring->nlosses < nlosses ? ring->nlosses : nlosses;
	for (uint32_t i = 0; i < count; i += LOSSES_AT_ONCE) {
		uint32_t n = count - i < LOSSES_AT_ONCE ? count - i : LOSSES_AT_ONCE;
		off_t at = (off_t)(sizeof(struct ring_file) + i * sizeof *losses);
		if (pread(fd, part, n * sizeof *part, at) != (ssize_t)(n * sizeof *part))
			return;
		for (uint32_t k = 0; k < n; k++) {
			losses[i + k].filtered = sum(losses[i + k].filtered, part[k].filtered);
			losses[i + k].discarded = sum(losses[i + k].discarded, part[k].discarded);
		}
	}
}

int ring_remains_bytes(const struct ring_remains *ring, int fd, uint64_t position, void *to,
		       size_t size)
{
	unsigned char *bytes = to;
	while (size) {
		uint64_t at = position & (ring->data_bytes - 1);
		size_t piece =
			size < ring->data_bytes - at ? size : (size_t)(ring->data_bytes - at);
		ssize_t got = pread(fd, bytes, piece, (off_t)(ring->header_bytes + at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		bytes += got;
		position += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

/* Beyond head a record may be half written, as large as any. */
bool ring_remains_holds(const struct ring_remains *ring, uint64_t position)
{
	return position + ring->data_bytes >= ring->head + ring->data_bytes / RECORD_FRACTION;
}
