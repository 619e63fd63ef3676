/* A dump through an exporter: a byte that says through which, seven more, then the dump. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/export/export.h"
#include "fuzz/fuzz.h"

const size_t fuzz_prefix = 8;

static const struct export_format *const formats[] = {
	&export_ctf, &export_perfetto, &export_chrome, &export_otlp, &export_jsonl, &export_csv};

struct running {
	const struct export_format *format;
	void *state;
	int error;
};

static void write_batch(void *context, const struct rill_batch *batch)
{
	struct running *running = context;
	if (!running->error)
		running->error = running->format->write(running->state, batch);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void run(struct export_job *job, const struct export_format *format)
{
	struct running running = {.format = format};
	struct output output = {.write = write_batch, .state = &running};
	job->feed = (struct feed){.outputs = &output, .noutputs = 1};
	if (format->open(&running.state, job))
		return;
	int error = feed_run(&job->feed, job->reader);
	if (!error)
		error = running.error;
	format->close(running.state, !error);
	if (!error)
		export_out_flush(&job->out);
	buffer_free(&job->out.buffer);
}

static void export_to(struct export_job *job, unsigned choice)
{
	const struct export_format *format = formats[choice % 6];
	char folder[] = "/dev/shm/rill-fuzz-XXXXXX";
	job->only = EXPORT_BOTH;
	if (format->pair)
		job->only = (enum export_only)(choice / 6 % 3);
	bool directory = format->directory && job->only == EXPORT_BOTH;
	if (directory)
		FUZZ_CHECK(mkdtemp(folder));
	int fd = open(directory ? folder : "/dev/null",
		      directory ? O_RDONLY | O_DIRECTORY : O_WRONLY);
	FUZZ_CHECK(fd >= 0);
	job->directory = job->out.fd = fd;
	run(job, format);
	close(fd);
	if (directory)
		FUZZ_CHECK(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dump_want all;
	struct export_job job = {.npaths = 1, .want = &all};
	char error[512] = "";
	if (size < fuzz_prefix)
		return 0;
	char *path = strdup(fuzz_file(data + fuzz_prefix, size - fuzz_prefix));
	FUZZ_CHECK(path);
	if (!dump_open(&job.reader, path, error, sizeof error)) {
		job.paths = &path;
		export_to(&job, data[0]);
		dump_reader_close(job.reader);
	}
	free(path);
	return 0;
}
