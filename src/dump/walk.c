/* From one block of a file to the next, whatever may have happened to the bytes. */
#include <errno.h>

#include "dump/reader.h"

/* No block begins at `from`. */
static enum step skip_noise(struct stepper *stepper)
{
	stepper->at = file_resynchronise(stepper->file, stepper->from + 8, stepper->end);
	return STEP_NOISE;
}

enum step step_next(struct stepper *stepper)
{
	stepper->from = stepper->at;
	stepper->error = 0;
	stepper->block = (struct block){.position = stepper->from};
	if (stepper->from >= stepper->end)
		return STEP_END;
	if (stepper->end - stepper->from < BLOCK_HEADER_SIZE) {
		stepper->at = stepper->end;
		return STEP_CUT;
	}
	int error = file_header(stepper->file, stepper->from, &stepper->block);
	if (error == -EBADMSG) {
		stepper->block = (struct block){.position = stepper->from};
		return skip_noise(stepper);
	}
	if (error) {
		stepper->error = error;
		return STEP_ERROR;
	}
	if (stepper->block.size > stepper->end - stepper->from - BLOCK_HEADER_SIZE) {
		stepper->at = stepper->end;
		return STEP_CUT;
	}
	/* The last block's padding is not missed. */
	uint64_t next = block_end(&stepper->block);
	stepper->at = next < stepper->end ? next : stepper->end;
	return STEP_BLOCK;
}
