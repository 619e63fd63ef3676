/* rill-gen: a catalog's documentation page -> C header, C tables, lock file of ids. */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "buffer.h"
#include "check.h"
#include "emit.h"
#include "file.h"
#include "lock.h"
#include "options.h"
#include "page.h"
#include "read.h"
#include "report.h"

/* Everything that may still fail without a trace happens before the first file is replaced. */
static void write_outputs(const struct options *o, const struct lock *lock,
			  const struct buffer *appended, const struct buffer *header,
			  const struct buffer *source, struct arena *a, struct report *r)
{
	struct buffer whole_lock = {0};
	const struct file_output *failed = NULL;
	/* The lock file first: an id that has reached a header must be pinned. The source is
	 * always written: its time stamp is what make goes by. */
	struct file_output outputs[3];
	size_t count = 0;
	int error;

	if (appended->size) {
		buffer_add(&whole_lock, lock->data ? lock->data : "", lock->size);
		buffer_add(&whole_lock, appended->data, appended->size);
		outputs[count++] =
			(struct file_output){o->lock, whole_lock.data, whole_lock.size, true, NULL};
	}
	outputs[count++] = (struct file_output){o->header, header->data, header->size, true, NULL};
	outputs[count++] = (struct file_output){o->source, source->data, source->size, false, NULL};
	error = file_replace(a, outputs, count, &failed);
	if (error)
		report_error(r, failed->path, 1, "the file cannot be written: %s",
			     strerror(-error));
	buffer_free(&whole_lock);
}

static void check_output(const char *path, const struct buffer *content, struct arena *a,
			 struct report *r)
{
	struct file_output output = {path, content->data, content->size, true, NULL};

	if (path && !file_is_same(a, &output))
		report_error(
			r, path, 1,
			"not what rill-gen writes for this page; run rill-gen without --check");
}

static void generate(const struct options *o, struct arena *a, struct report *r)
{
	struct page page = {.path = o->page, .catalog = o->name};
	struct buffer appended = {0}, header = {0}, source = {0};
	struct lock lock;

	page_read(&page, a, r);
	page_check(&page, a, r);
	lock_read(&lock, o->lock, a, r);
	if (r->count)
		return; /* ids of a wrong page mean nothing */
	lock_apply(&lock, &page, o->locked || o->check, &appended, a, r);
	if (!r->count) {
		emit_header(&header, &page);
		emit_source(&source, &page, a);
		if (o->check) {
			check_output(o->header, &header, a, r);
			check_output(o->source, &source, a, r);
		} else {
			write_outputs(o, &lock, &appended, &header, &source, a, r);
		}
	}
	buffer_free(&appended);
	buffer_free(&header);
	buffer_free(&source);
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct report report = {.arena = &arena};
	struct options options;
	int code = options_read(&options, argc, argv, &arena);

	if (code < 0) {
		generate(&options, &arena, &report);
		report_print(&report, stderr);
		code = report.count ? 1 : 0;
	}
	arena_free(&arena);
	return code;
}
