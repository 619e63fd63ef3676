/* All blocks of a file as they stand there: dump_walk(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/reader.h"

struct survey {
	struct file *file;
	struct index_entry *entries; /* since the last INDEX */
	size_t count;
};

static int note(struct survey *survey, const struct block *block)
{
	/* An INDEX has no more entries than this: what is left out contradicts it. */
	if (survey->count > INDEX_MAX_ENTRIES)
		return 0;
	void *grown = array_grow(survey->entries, survey->count, sizeof *survey->entries);
	if (!grown)
		return -ENOMEM;
	survey->entries = grown;
	survey->entries[survey->count++] = (struct index_entry){.position = block->position,
								.first = block->first,
								.last = block->last,
								.size = (uint32_t)block->size,
								.type = block->type,
								.process = block->process};
	return 0;
}

/* Whether an INDEX, whose check is right, says what the blocks since the last one are. */
static bool index_agrees(const struct survey *survey, const struct block *block)
{
	struct index_head head;
	const unsigned char *body;
	size_t size;
	if (index_head_read(survey->file, block->position, &head) || head.count != survey->count ||
	    file_body(survey->file, block, &body, &size))
		return false;
	for (size_t i = 0; i < survey->count; i++) {
		const struct index_entry *is = &survey->entries[i];
		struct index_entry said;
		index_entry_get(&said, body + INDEX_HEADER_SIZE + i * INDEX_ENTRY_SIZE);
		if (said.position != is->position || said.first != is->first ||
		    said.last != is->last || said.size != is->size || said.type != is->type ||
		    said.process != is->process)
			return false;
	}
	return true;
}

/* 0; -ENOMEM; what reading says. */
static int look_at(struct survey *survey, const struct stepper *stepper, enum step step,
		   struct dump_block *found)
{
	const struct block *block = &stepper->block;
	*found = (struct dump_block){.position = stepper->from,
				     .size = block->size,
				     .first_ticks = block->first,
				     .last_ticks = block->last,
				     .sequence = block->sequence,
				     .raw_size = block->raw_size,
				     .type = block->type,
				     .process = block->process,
				     .compressed = block->flags & BLOCK_COMPRESSED};
	if (step == STEP_NOISE) {
		found->state = DUMP_BLOCK_NOISE;
		found->size = stepper->at - stepper->from;
		return 0;
	}
	if (step == STEP_CUT) {
		found->state = DUMP_BLOCK_CUT;
		return 0;
	}
	int error = file_check(survey->file, block);
	if (error == -EBADMSG)
		found->state = DUMP_BLOCK_BROKEN;
	else if (error)
		return error;
	if (block->type != BLOCK_INDEX)
		return note(survey, block);
	found->contradicts = !error && !index_agrees(survey, block);
	survey->count = 0;
	return 0;
}

int dump_walk(const char *path, int (*callback)(void *context, const struct dump_block *block),
	      void *context, char *error, size_t error_size)
{
	struct dump_reader *reader = calloc(1, sizeof *reader);
	struct survey survey = {0};
	struct dump_block found;
	enum step step;
	snprintf(error, error_size, "no memory to read %s", path);
	if (!reader)
		return -ENOMEM;
	int code = reader_begin_file(reader, path, &survey.file, error, error_size);
	if (!code) {
		struct stepper stepper = {
			.file = survey.file, .at = FORMAT_HEADER_SIZE, .end = survey.file->size};
		while (!code && (step = step_next(&stepper)) != STEP_END) {
			code = step == STEP_ERROR ? stepper.error
						  : look_at(&survey, &stepper, step, &found);
			if (code && code != -ENOMEM)
				snprintf(error, error_size, "%s cannot be read: %s", path,
					 strerror(-code));
			if (!code)
				code = callback(context, &found);
		}
	}
	free(survey.entries);
	dump_reader_close(reader);
	return code;
}
