/* What is wrong with a file, in a sentence. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dump/reader.h"

void file_damage(struct file *file, const char *format, ...)
{
	if (file->ndamages++)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(file->damage, sizeof file->damage, format, arguments);
	va_end(arguments);
}

const char *file_damage_text(struct file *file)
{
	if (file->ndamages == 0)
		return NULL;
	/* How much more there is stands behind the sentence's own end, and is written anew. */
	size_t most = sizeof file->damage - 40, length = strnlen(file->damage, most);
	char *more = strstr(file->damage, " (and ");
	if (more)
		length = (size_t)(more - file->damage);
	if (file->ndamages > 1)
		snprintf(file->damage + length, sizeof file->damage - length,
			 " (and %zu more fault%s)", file->ndamages - 1,
			 file->ndamages == 2 ? "" : "s");
	return file->damage;
}
