/* Numbers, times and values for people. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/characters.h"

const char *const level_names[] = {"trace", "debug", "info", "warn", "error"};

size_t terminal_width(void)
{
	struct winsize size;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	const char *columns = getenv("COLUMNS");
	long long width = columns ? parse_number(columns) : -1;
	return width >= 40 && width <= 1000 ? (size_t)width : 100;
}

bool terminal_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

bool terminal_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

const char *show_duration(char *to, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
	for (size_t i = 0; i < 3; i++) {
		if (ns < units[i].ns)
			continue;
		double value = (double)ns / (double)units[i].ns;
		int digits = value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0;
		/* What rounds up to a thousand is one of the next unit. */
		if (i > 0 && value >= 999.95)
			return show_duration(to, units[i - 1].ns);
		snprintf(to, SHORT_TEXT, "%.*f %s", digits, value, units[i].unit);
		return to;
	}
	snprintf(to, SHORT_TEXT, "%" PRIu64 " ns", ns);
	return to;
}

const char *show_bytes(char *to, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	if (bytes < 1024) {
		snprintf(to, SHORT_TEXT, "%" PRIu64 " B", bytes);
		return to;
	}
	double value = (double)bytes / 1024;
	size_t unit = 0;
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(to, SHORT_TEXT, "%.1f %s", value, units[unit]);
	return to;
}

const char *show_time(char *to, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm utc;
	char date[SHORT_TEXT] = "?";
	if (gmtime_r(&seconds, &utc))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
	snprintf(to, SHOW_TIME, "%s.%09u", date, (unsigned)(ns % 1000000000));
	return to;
}

const char *show_item(char *to, size_t size, const struct rill_item *item)
{
	char text[INET6_ADDRSTRLEN] = "";
	switch (item->type) {
	case RILL_TYPE_BOOL:
		snprintf(to, size, "%s", item->boolean ? "true" : "false");
		break;
	case RILL_TYPE_U64:
	case RILL_TYPE_TIMESTAMP:
		snprintf(to, size, "%" PRIu64, item->u64);
		break;
	case RILL_TYPE_I64:
	case RILL_TYPE_DURATION:
		snprintf(to, size, "%" PRId64, item->i64);
		break;
	case RILL_TYPE_F64:
		snprintf(to, size, "%.17g", item->f64);
		break;
	case RILL_TYPE_STRING:
	case RILL_TYPE_BYTES:
		characters_escape(to, size, (const char *)item->bytes, item->size);
		break;
	case RILL_TYPE_IP:
		inet_ntop(item->size == 4 ? AF_INET : AF_INET6, item->bytes, text, sizeof text);
		snprintf(to, size, "%s", text);
		break;
	default:
		snprintf(to, size, "-");
	}
	return to;
}

const char *show_label(char *to, size_t size, const char *text)
{
	const struct rill_item item = {.type = RILL_TYPE_STRING,
				       .bytes = (const unsigned char *)text,
				       .size = (uint32_t)strlen(text)};
	return show_item(to, size, &item);
}

#define SHOWN 16u /* in one call of printf() */

const char *shown(const char *text)
{
	static char *copies[SHOWN];
	static size_t next;
	size_t size = strlen(text);
	if (characters_are_safe(text, size))
		return text;
	char *copy = malloc(ESCAPED_ROOM(size));
	if (!copy)
		return "?";
	characters_escape(copy, ESCAPED_ROOM(size), text, size);
	next = (next + 1) % SHOWN;
	free(copies[next]);
	return copies[next] = copy;
}

size_t shown_width(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

void show_wrapped(FILE *out, const char *text, size_t indent, size_t width)
{
	size_t column = 0;
	while (*text) {
		size_t length = strcspn(text, " ");
		size_t shown = 0;
		for (size_t i = 0; i < length; i++)
			shown += (text[i] & 0xc0) != 0x80;
		if (column && indent + column + 1 + shown > width) {
			fputc('\n', out);
			column = 0;
		}
		if (!column)
			fprintf(out, "%*s", (int)indent, "");
		else
			fputc(' ', out);
		fwrite(text, 1, length, out);
		column += shown + (column > 0);
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

const char *show_types(char *to, size_t size, unsigned types)
{
	static const char *const names[RILL_TYPE_COUNT] = {
		"none",      "bool",   "u64",   "i64", "f64",  "duration",
		"timestamp", "string", "bytes", "ip",  "list", "event"};
	size_t used = 0;
	to[0] = 0;
	for (unsigned type = 0; type < RILL_TYPE_COUNT; type++)
		if (types >> type & 1 && used < size)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? "|" : "",
						 names[type]);
	return to;
}
