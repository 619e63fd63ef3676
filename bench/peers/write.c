/* A reference: write(2) of each record to a file on the same file system. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/peers/emit.h"
#include "bench/peers/record.h"

static int file = -1;
static uint64_t failures;

static int start(const struct bench_setup *setup)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/records", setup->dir);
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return file < 0 ? -errno : 0;
}

static void put(const unsigned char *record, size_t size)
{
	if (write(file, record, size) != (ssize_t)size)
		failures++;
}

BENCH_LOOP(w1, {
	unsigned char record[RECORD_W1];

	put(record, record_w1(record, BENCH_NUMBER(data, i)));
})

BENCH_LOOP(w4, {
	unsigned char record[RECORD_W4 + 64];

	put(record, record_w4(record, BENCH_SESSION(data, i), BENCH_TEXT(data, i)));
})

static int stop(void)
{
	close(file);
	return failures ? -EIO : 0;
}

struct bench_peer bench_peer = {
	.version = BENCH_PEER_VERSION,
	.name = "write",
	.init = start,
	.w1 = w1,
	.w4 = w4,
	.close = stop,
};
