/* What is asked of a file by time, event and value: what its index says is what is looked at. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/blocks.h"

/* since, until, a value: 8 bytes each; flags; a key; events; the rest is not used. */
const size_t fuzz_prefix = 32;

#define SAMPLE_NS UINT64_C(1700000000000000000)

enum { ASK_TIME = 1, ASK_EVENT = 2, ASK_ID = 4, ASK_TEXT = 8, ASK_ALONE = 16, ASK_AGAIN = 32 };

static const char *const keys[] = {"id", "jobId", "remoteIp", "note", "tags", "nothing"};

static bool wanted(void *context, const struct rill_catalog *catalog, uint16_t event)
{
	const uint8_t *mask = context;
	FUZZ_CHECK(event < catalog->nevents);
	return *mask >> event % 8 & 1;
}

static void ask(struct dump_want *want, struct dump_id *id, uint8_t *prefix)
{
	unsigned flags = prefix[24];
	memset(want, 0, sizeof *want);
	/* Near to where the samples' records are, for small numbers. */
	if (flags & ASK_TIME) {
		want->since_ns = SAMPLE_NS + block_get(prefix, 8);
		want->until_ns = SAMPLE_NS + block_get(prefix + 8, 8);
	}
	if (flags & ASK_EVENT) {
		want->event = wanted;
		want->context = prefix + 26;
	}
	if (flags & ASK_ID) {
		*id = (struct dump_id){.key = keys[prefix[25] % (sizeof keys / sizeof *keys)],
				       .word = block_get(prefix + 16, 8)};
		if (flags & ASK_TEXT) {
			id->bytes = prefix + 16;
			id->size = prefix[27] % 17;
		}
		want->ids = id;
		want->nids = 1;
	}
	want->alone = flags & ASK_ALONE;
}

static void read_all(struct dump_reader *reader)
{
	struct dump_record record;
	int more;
	while ((more = dump_next(reader, &record)) == 1)
		fuzz_values(&record, &dump_origin(reader, record.origin)->catalogs);
	FUZZ_CHECK(more == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t prefix[32];
	struct dump_reader *reader;
	struct dump_want want;
	struct dump_id id;
	char error[512] = "";
	if (size < sizeof prefix)
		return 0;
	memcpy(prefix, data, sizeof prefix);
	ask(&want, &id, prefix);
	const char *path = fuzz_file(data + sizeof prefix, size - sizeof prefix);
	if (dump_open_all(&reader, &path, 1, &want, error, sizeof error)) {
		fuzz_message(error);
		return 0;
	}
	read_all(reader);
	if (prefix[24] & ASK_AGAIN) {
		FUZZ_CHECK(dump_refresh(reader) >= 0);
		read_all(reader);
	}
	for (size_t i = 0; i < dump_file_count(reader); i++) {
		const struct dump_file *file = dump_file(reader, i);
		if (file->damage)
			fuzz_message(file->damage);
	}
	dump_reader_close(reader);
	return 0;
}
