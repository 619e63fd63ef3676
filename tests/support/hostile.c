#include "hostile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "records.h"
#include "sample.h"

#define MOST_OF_NAME 140 /* without a slash */

const char hostile_text[] =
	"\x1b[2J\x1b]0;owned\x07\r\n2026-01-01T00:00:00.000000000Z ERROR forged: "
	"a=b [1.1]\n\"},{\"forged\":\"\t\x08\x7f\xc2\x9b"
	"31m\xc2\x85\x9b"
	"2K\x90\xff\xc0\xaf"
	"\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x80\x8f"
	"\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xef\xbf\xbe, \"x\" 'y' =1+1 | {z} \\n &lt; "
	"</script><script>alert(1)<img src=x onerror=alert(1)> --> ]]> `${x}`";

/* As long as what is escaped: \r, \x1b, \u{202e}. */
static size_t escaped_length(const char *text, size_t size)
{
	size_t length = 0;
	for (size_t i = 0; i < size; i++) {
		long at = unclean_at(text + i, size - i < 4 ? size - i : 4, "", false);
		if (at != 0 && text[i] != '\n') {
			length++;
			continue;
		}
		unsigned char c = (unsigned char)text[i];
		if (c == '\n' || c == '\r' || c == '\t') {
			length += 2;
		} else if (c == 0xc2 ||
			   ((c == 0xe2 || c == 0xef) && (unsigned char)text[i + 1] >= 0x80)) {
			i += c == 0xc2 ? 1 : 2;
			length += 8;
		} else {
			length += 4;
		}
	}
	return length;
}

const char *harmless_text(void)
{
	static char *made;
	if (made)
		return made;
	size_t length = escaped_length(hostile_text, sizeof hostile_text - 1);
	made = malloc(length + 1);
	if (!made)
		abort();
	memset(made, 'h', length);
	/* No UTF-8 either: some formats say so in a field of its own. */
	made[length - 4] = '\xff';
	made[length - 3] = 0;
	return made;
}

static char *with(const char *text, bool hostile)
{
	return format("%s%s", text, hostile ? hostile_text : harmless_text());
}

static const char *const *hostile_subsystems(const struct rill_catalog *from, bool hostile)
{
	const char **made = calloc(from->nsubsystems, sizeof *made);
	for (size_t i = 0; i < from->nsubsystems; i++)
		made[i] = with(from->subsystems[i], hostile);
	return made;
}

static const struct rill_catalog *catalog_make(bool hostile)
{
	const struct rill_catalog *from = &records_catalog;
	struct rill_catalog *made = malloc(sizeof *made);
	struct rill_catalog_event *events = calloc(from->nevents, sizeof *events);
	struct rill_catalog_key *keys = calloc(from->nkeys, sizeof *keys);
	struct rill_catalog_span *spans = calloc(from->nspans, sizeof *spans);
	if (!made || !events || !keys || !spans)
		abort();
	*made = *from;
	made->name = with(from->name, hostile);
	made->subsystems = hostile_subsystems(from, hostile);
	for (size_t i = 0; i < from->nevents; i++) {
		events[i] = from->events[i];
		events[i].name = with(events[i].name, hostile);
		events[i].brief = with(events[i].brief, hostile);
		events[i].text = with(events[i].text, hostile);
	}
	for (size_t i = 0; i < from->nkeys; i++) {
		keys[i] = from->keys[i];
		/* Some keep their names: commands are asked for them. */
		if (i != KEY_NOTE && i != KEY_JOB)
			keys[i].name = with(keys[i].name, hostile);
		keys[i].text = with(keys[i].text, hostile);
	}
	for (size_t i = 0; i < from->nspans; i++) {
		spans[i] = from->spans[i];
		spans[i].name = with(spans[i].name, hostile);
	}
	made->events = events;
	made->keys = keys;
	made->spans = spans;
	return made;
}

/* The bodies of two blocks, and the end: the same ones in both twins. */
static size_t spoil(char *bytes, size_t size)
{
	unsigned block = 0;
	for (size_t at = 0; at + 80 < size; at += 8)
		if (memcmp(bytes + at, "RBLK", 4) == 0 && (++block == 6 || block == 9))
			bytes[at + 72] ^= 1;
	return size - 72;
}

struct hostile hostile_make(bool hostile)
{
	const char *text = hostile ? hostile_text : harmless_text();
	const struct rill_catalog *catalog = catalog_make(hostile);
	char *note = format("a note%s\n%s", text, text);
	size_t note_bytes = strlen(note);
	note[strlen("a note")] = hostile ? 0 : 'h';
	const struct sample_options options = {.pid = 7,
					       .processes = 2,
					       .catalog = catalog,
					       .words = {.program = with("smtpd", hostile),
							 .host = with("mx1", hostile),
							 .clock = with("tsc", hostile),
							 .writer = with("rill", hostile),
							 .filter = with("*=info", hostile),
							 .note = note,
							 .note_bytes = note_bytes,
							 .job = with("job", hostile)}};
	struct hostile made = {.folder = folder_make(), .event = with("conn.work", hostile)};
	char *path = sample_write(made.folder, &options);
	size_t size;
	/* Names of files are at most 255 bytes long, so in the harmless twin a shorter one. */
	made.dump = format("%s/%.*s.rill", made.folder, MOST_OF_NAME, text);
	made.broken = format("%s/b%.*s.rill", made.folder, MOST_OF_NAME, text);
	if (rename(path, made.dump))
		abort();
	char *bytes = file_load(made.dump, &size);
	file_store(made.broken, bytes, spoil(bytes, size));
	free(bytes);
	free(path);
	return made;
}

/* Bytes of the character that stands here; 0: none does. */
static size_t character(const unsigned char *at, size_t left, uint32_t *c)
{
	size_t length = *at < 0x80       ? 1
			: *at >> 5 == 6  ? 2
			: *at >> 4 == 14 ? 3
			: *at >> 3 == 30 ? 4
					 : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (!length || length > left)
		return 0;
	*c = length == 1 ? *at : *at & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		*c = *c << 6 | (at[i] & 0x3f);
	}
	return *c < least[length] || *c > 0x10ffff || (*c & 0x1ff800) == 0xd800 ? 0 : length;
}

long unclean_at(const char *text, size_t size, const char *allowed, bool marks)
{
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t i = 0, length; i < size; i += length) {
		uint32_t c = 0;
		length = character(bytes + i, size - i, &c);
		if (!length)
			return (long)i;
		bool control = (c < 0x20 && c != '\n') || (c >= 0x7f && c <= 0x9f);
		bool hidden = c == 0x200b || c == 0x200e || c == 0x200f || c == 0xfeff ||
			      c == 0xfffe || (c >= 0x2028 && c <= 0x202e) ||
			      (c >= 0x2066 && c <= 0x2069);
		if ((control || (hidden && !marks)) && !(c && c < 0x80 && strchr(allowed, (int)c)))
			return (long)i;
	}
	return -1;
}

size_t count_bytes(const char *text, size_t size, char byte)
{
	size_t count = 0;
	for (size_t i = 0; i < size; i++)
		count += text[i] == byte;
	return count;
}
