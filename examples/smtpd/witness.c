/* The second witness. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

_Thread_local uint64_t witness_emitted;

int witness_open(struct witness *witness, const char *path)
{
	*witness = (struct witness){.fd = -1};
	if (!path)
		return 0;
	witness->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	return witness->fd < 0 ? -errno : 0;
}

static void put(struct witness *witness, const char *line, int length)
{
	if (witness->fd < 0)
		return;
	if (write(witness->fd, line, (size_t)length) != length)
		atomic_store(&witness->error, errno ? -errno : -EIO);
}

uint64_t witness_next_connection(struct witness *witness)
{
	return atomic_fetch_add_explicit(&witness->connections, 1, memory_order_relaxed) + 1;
}

void witness_refused(struct witness *witness)
{
	atomic_fetch_add_explicit(&witness->refused, 1, memory_order_relaxed);
}

void witness_connection(struct witness *witness, const struct witness_connection *connection)
{
	char line[256];
	int length = snprintf(line, sizeof(line),
			      "connection %" PRIu64 " span %" PRIu64 " accepted %" PRIu64
			      " closed %" PRIu64 " commands %" PRIu64 " mails %" PRIu64 "\n",
			      connection->number, connection->span_id, connection->accepted_ns,
			      connection->closed_ns, connection->commands, connection->mails);

	put(witness, line, length);
	atomic_fetch_add_explicit(&witness->commands, connection->commands, memory_order_relaxed);
	atomic_fetch_add_explicit(&witness->mails, connection->mails, memory_order_relaxed);
}

void witness_thread_end(struct witness *witness)
{
	atomic_fetch_add_explicit(&witness->emitted, witness_emitted, memory_order_relaxed);
	witness_emitted = 0;
}

int witness_close(struct witness *witness)
{
	char line[256];
	int length;

	witness_thread_end(witness);
	length = snprintf(line, sizeof(line),
			  "total connections %" PRIu64 " refused %" PRIu64 " commands %" PRIu64
			  " mails %" PRIu64 " emitted %" PRIu64 "\n",
			  witness->connections, witness->refused, witness->commands, witness->mails,
			  witness->emitted);
	put(witness, line, length);
	if (witness->fd >= 0 && close(witness->fd) < 0 && !witness->error)
		witness->error = -errno;
	witness->fd = -1;
	return witness->error;
}
