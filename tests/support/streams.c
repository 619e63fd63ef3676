#include "streams.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "entries.h"
#include "files.h"

#define TORN " (torn)"

uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void sleep_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

char *make_fifo(const char *folder, int *reader)
{
	char *path = format("%s/fifo", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	*reader = open(path, O_RDONLY | O_NONBLOCK);
	cr_assert_geq(*reader, 0);
	return path;
}

char *drain(int reader, long quiet_ms)
{
	size_t size = 0, capacity = 1 << 24;
	char *text = malloc(capacity);
	for (uint64_t end = now_ms() + (uint64_t)quiet_ms; now_ms() < end;) {
		ssize_t n = read(reader, text + size, capacity - size - 1);
		if (n > 0) {
			size += (size_t)n;
			end = now_ms() + (uint64_t)quiet_ms;
		} else {
			sleep_ms(1);
		}
	}
	text[size] = '\0';
	return text;
}

/* Lines that are whole: {"kind":"event" ... }. */
size_t count_lines(const char *text, size_t *torn)
{
	size_t count = 0;
	*torn = 0;
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		cr_assert_eq(line[length], '\n', "the last line has no end: %s", line);
		if (length > sizeof TORN &&
		    strncmp(line + length - sizeof TORN + 1, TORN, sizeof TORN - 1) == 0) {
			++*torn;
		} else {
			cr_assert_eq(strncmp(line, "{\"kind\":\"", 9), 0, "%.*s", (int)length,
				     line);
			cr_assert_eq(strncmp(line + length - 2, "}}", 2), 0, "%.*s", (int)length,
				     line);
			count++;
		}
		line += length + 1;
	}
	return count;
}

void expect_unmixed(const char *text, size_t count)
{
	size_t torn;
	cr_expect_eq(count_lines(text, &torn), count);
	cr_expect_eq(torn, 0);
	for (const char *p = text; (p = strstr(p, "hostname\":\"")); p++) {
		const char *value = p + 11;
		cr_assert_eq(value[strspn(value, (char[]){*value, '\0'})],
			     *value == '"' ? '}' : '"', "%.300s", p);
	}
}

char *capture_diagnostics(const char *folder)
{
	char *path = format("%s/stderr", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	cr_assert_geq(fd, 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return path;
}

size_t count_text(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

struct rill_record *step(size_t padding)
{
	char *text = malloc(padding + 1);
	memset(text, 'x', padding);
	text[padding] = '\0';
	return RECORD(STEP, 1, item_string(STRING_KEY, text));
}

void write_many(const char *spec, char letter, int count)
{
	struct sink *sink = open_sink(spec);
	char text[300];
	for (int i = 0; i < count; i++) {
		size_t length = (size_t)(i * 7 % 290);
		memset(text, letter, length);
		text[length] = '\0';
		write_record(sink, RECORD(STEP, 1, item_string(STRING_KEY, text)));
	}
	sink_close(sink);
}
