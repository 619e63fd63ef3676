#include "lock.h"

#include <errno.h>
#include <string.h>

#include "file.h"
#include "types.h"
#include "utf8.h"

const char *const lock_kind_names[LOCK_KINDS] = {
	[LOCK_EVENT] = "event",
	[LOCK_KEY] = "key",
	[LOCK_SPAN] = "span",
	[LOCK_SUBSYSTEM] = "subsystem",
};

static const size_t bounds[LOCK_KINDS] = {
	[LOCK_EVENT] = RILL_CATALOG_MAX_EVENTS,
	[LOCK_KEY] = RILL_CATALOG_MAX_KEYS,
	[LOCK_SPAN] = RILL_CATALOG_MAX_SPANS,
	[LOCK_SUBSYSTEM] = PAGE_MAX_SUBSYSTEMS,
};

struct reader {
	struct lock *lock;
	struct arena *arena;
	struct report *report;
	size_t line;
	bool broken; /* a line was refused: gaps behind it are its fault */
};

#define RESTORE "restore the file from version control (it is only ever appended to)"

static void malformed(struct reader *rd)
{
	rd->broken = true;
	report_error(rd->report, rd->lock->path, rd->line,
		     "not a line of a lock file; expected event, span or subsystem, an id and a "
		     "name, or "
		     "key, an id, a name and its type; " RESTORE);
}

/* Cuts the first word off. */
static char *word(char **rest)
{
	char *start = *rest;
	size_t length = strcspn(start, " ");

	*rest = start + length;
	if (**rest == ' ')
		*(*rest)++ = '\0';
	return start;
}

/* A decimal number without leading zeros, at most 5 digits; MAP_NONE otherwise. */
static size_t number(const char *s)
{
	size_t value = 0, length = strlen(s);

	if (length == 0 || length > 5 || strspn(s, "0123456789") != length ||
	    (s[0] == '0' && length > 1))
		return MAP_NONE;
	while (*s)
		value = 10 * value + (size_t)(*s++ - '0');
	return value;
}

/* A second line for a key adds types to it; any other second line for a name or an id is a
 * conflict, most likely of two branches that both took the next free id. */
static void read_again(struct reader *rd, enum lock_kind kind, size_t id, const char *name,
		       uint16_t types)
{
	struct lock_entry *e = &rd->lock->entries[kind][id];
	const char *what = lock_kind_names[kind];

	if (strcmp(e->name, name) != 0)
		report_error(
			rd->report, rd->lock->path, rd->line,
			"reused id: %s %zu is '%.60s' since line %zu and cannot be '%.60s' too; "
			"delete the line that was never released and run rill-gen to give that "
			"%s the next free id",
			what, id, e->name, e->line, name, what);
	else if (kind != LOCK_KEY)
		report_error(rd->report, rd->lock->path, rd->line,
			     "%s '%.60s' is pinned twice, first on line %zu; delete this line",
			     what, name, e->line);
	else if ((e->types & ~types) || e->types == types)
		report_error(rd->report, rd->lock->path, rd->line,
			     "changed type: a second line for key '%.60s' must add to the types of "
			     "line %zu; " RESTORE,
			     name, e->line);
	else {
		e->types = types;
		e->line = rd->line;
	}
}

static void read_entry(struct reader *rd, enum lock_kind kind, size_t id, const char *name,
		       uint16_t types)
{
	struct lock *lock = rd->lock;
	size_t count = lock->counts[kind], other = map_find(&lock->names[kind], name);
	const char *what = lock_kind_names[kind];

	if (id < count && (other == MAP_NONE || other == id)) {
		read_again(rd, kind, id, name, types);
	} else if (other != MAP_NONE) {
		report_error(
			rd->report, lock->path, rd->line,
			"%s '%.60s' is pinned to id %zu since line %zu and cannot have id %zu too; "
			"delete the line that was never released",
			what, name, other, lock->entries[kind][other].line, id);
	} else if (id > count) {
		if (rd->broken)
			return;
		rd->broken = true;
		report_error(rd->report, lock->path, rd->line,
			     "%s id %zu is out of order, the next is %zu; " RESTORE, what, id,
			     count);
	} else if (count == bounds[kind]) {
		report_error(rd->report, lock->path, rd->line, "more than %zu of kind %s; " RESTORE,
			     bounds[kind], what);
	} else {
		lock->entries[kind] = arena_grow(rd->arena, lock->entries[kind], count,
						 sizeof(*lock->entries[kind]));
		lock->entries[kind][count] = (struct lock_entry){name, types, rd->line};
		map_add(&lock->names[kind], rd->arena, name, lock->counts[kind]++);
	}
}

/* The marks that git leaves. */
static bool is_conflict(const char *line)
{
	return strncmp(line, "<<<<<<<", 7) == 0 || strncmp(line, "=======", 7) == 0 ||
	       strncmp(line, ">>>>>>>", 7) == 0;
}

static void read_line(struct reader *rd, char *line)
{
	uint8_t order[RILL_TYPE_COUNT];
	uint16_t types = 0;
	size_t kind = 0, id, count, length;
	const char *first, *name, *bad;

	if (*line == '#' || *line == '\0')
		return;
	if (is_conflict(line)) {
		rd->broken = true;
		report_error(rd->report, rd->lock->path, rd->line,
			     "an unresolved merge conflict; keep the lines that were released, "
			     "delete the "
			     "others and the marks, and run rill-gen to number what is new");
		return;
	}
	first = word(&line);
	id = number(word(&line));
	while (kind < LOCK_KINDS && strcmp(lock_kind_names[kind], first) != 0)
		kind++;
	if (kind == LOCK_KINDS || id == MAP_NONE) {
		malformed(rd);
		return;
	}
	/* A subsystem's name may have spaces. */
	name = kind == LOCK_SUBSYSTEM ? line : word(&line);
	if (!*name || strlen(name) > PAGE_MAX_NAME ||
	    (kind < LOCK_SUBSYSTEM && kind != LOCK_KEY && *line) ||
	    (kind == LOCK_KEY && types_parse(line, &types, order, &count, &bad, &length) != 0)) {
		malformed(rd);
		return;
	}
	read_entry(rd, (enum lock_kind)kind, id, name, types);
}

/* A line of text, or an error. */
static bool is_text(const char *line, size_t length)
{
	size_t step;

	for (size_t i = 0; i < length; i += step) {
		uint32_t c = 0;

		step = utf8_decode(line + i, length - i, &c);
		if (step == 0 || utf8_refusal(c))
			return false;
	}
	return true;
}

void lock_read(struct lock *lock, const char *path, struct arena *a, struct report *r)
{
	struct reader rd = {.lock = lock, .arena = a, .report = r};
	struct file_content file;
	int error = file_read(a, path, LOCK_MAX_BYTES, &file);
	const char *at, *end;

	*lock = (struct lock){.path = path};
	if (error == -ENOENT)
		return;
	if (error) {
		report_error(r, path, 1, "the lock file cannot be read: %s", strerror(-error));
		return;
	}
	lock->exists = true;
	lock->data = file.data;
	lock->size = file.size;
	at = file.data;
	end = at + file.size;
	if (file.size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);

		rd.line++;
		if (length && at[length - 1] == '\r')
			length--;
		if (is_text(at, length))
			read_line(&rd, arena_copy(a, at, length));
		else
			malformed(&rd);
		if (!stop)
			break;
		at = stop + 1;
	}
}
