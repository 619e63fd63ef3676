#include "sink/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/stopping.h"

/* Its threads block all signals, but some file systems interrupt all the same; not for ever. */
#define MOST_INTERRUPTS 1000

static ssize_t write_once(const struct stream *stream, struct iovec *parts, size_t nparts)
{
	if (stream->is_socket) {
		struct msghdr message = {.msg_iov = parts};
		message.msg_iovlen = (__typeof__(message.msg_iovlen))nparts; /* musl: an int */
		return sendmsg(stream->fd, &message, MSG_NOSIGNAL);
	}
	return writev(stream->fd, parts, (int)nparts);
}

/* Takes the bytes that were written off the front. */
static void advance(struct iovec **parts, size_t *nparts, size_t written)
{
	while (*nparts && written >= (*parts)->iov_len) {
		written -= (*parts)->iov_len;
		++*parts;
		--*nparts;
	}
	if (written) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + written;
		(*parts)->iov_len -= written;
	}
}

int stream_write(struct stream *stream, struct iovec *parts, size_t nparts, size_t *done)
{
	size_t mark = stream->torn ? sizeof STREAM_TORN - 1 : 0, total = 0;
	int error = 0, interrupts = 0;
	parts[0].iov_base = (char *)(uintptr_t)STREAM_TORN;
	parts[0].iov_len = mark;
	advance(&parts, &nparts, 0);
	while (nparts) {
		ssize_t written = write_once(stream, parts, nparts);
		if (written > 0) {
			stopping_moved();
			total += (size_t)written;
			advance(&parts, &nparts, (size_t)written);
		} else if (written == 0) {
			error = -EIO;
			break;
		} else if (errno == EAGAIN) {
			/* Someone who shares the open file made it non-blocking. */
			struct pollfd wait = {.fd = stream->fd, .events = POLLOUT};
			if (poll(&wait, 1, -1) < 0 && errno != EINTR) {
				error = -errno;
				break;
			}
		} else if (errno != EINTR || ++interrupts == MOST_INTERRUPTS) {
			error = -errno;
			break;
		}
	}
	*done = total > mark ? total - mark : 0;
	if (total >= mark)
		stream->torn = false;
	return error;
}
