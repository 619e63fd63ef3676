#include "sink/lines.h"

#include <errno.h>
#include <stdio.h>

#define PIECE_SIZE    (128u << 10) /* written when the buffer holds so much */
#define KEEP_CAPACITY (1u << 20)   /* more is given back after the batch that needed it */

int lines_open(struct lines *lines, struct spec *spec, const struct rill_sink_owner *owner,
	       char *error, size_t error_size)
{
	uint64_t queue_size = OUT_QUEUE_DEFAULT;
	int result = spec_take_size(spec, "queue", &queue_size, error, error_size);
	if (result)
		return result;
	if (queue_size && (queue_size < OUT_QUEUE_MIN || queue_size > OUT_QUEUE_MAX)) {
		snprintf(error, error_size, "queue is 0, or from 4KiB to 1GiB, not %llu bytes",
			 (unsigned long long)queue_size);
		return -EINVAL;
	}
	return out_open(&lines->out, spec->target, (size_t)queue_size, owner, error, error_size);
}

static void set_owner_of_line(struct out_line *line, const struct rill_entry *entry, size_t end)
{
	line->end = end;
	line->catalog_index = entry->record ? entry->record->catalog_index : 0;
	line->event_id = entry->record ? entry->record->event_id : RILL_SPAN_ENTRY;
}

int lines_write(struct lines *lines, const struct rill_batch *batch, render_entry *render,
		void *state, size_t *taken)
{
	struct buffer *text = &lines->text;
	int error = 0;
	size_t next = 0;
	*taken = 0;
	while (next < batch->count && !error) {
		size_t nlines = 0, written = 0;
		buffer_clear(text);
		while (next < batch->count && nlines < LINES_MAX && text->size < PIECE_SIZE) {
			size_t start = text->size;
			render(state, text, &batch->entries[next], &batch->catalogs);
			if (text->broken) {
				text->size = start;
				error = -ENOMEM;
				break;
			}
			set_owner_of_line(&lines->ends[nlines++], &batch->entries[next++],
					  text->size);
		}
		int result = out_write(lines->out, text->data, lines->ends, nlines, &written);
		*taken += written;
		if (result)
			error = result;
	}
	if (text->capacity > KEEP_CAPACITY)
		buffer_free(text);
	return error;
}

void lines_close(struct lines *lines)
{
	out_close(lines->out);
	buffer_free(&lines->text);
}

void lines_forget(struct lines *lines)
{
	out_forget(lines->out);
}
