/* What is wrong with a file, in a sentence. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dump/reader.h"

#define MORE_BYTES 40u

void file_damage(struct file *file, const char *format, ...)
{
	if (file->ndamages++)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(file->damage, sizeof file->damage - MORE_BYTES, format, arguments);
	va_end(arguments);
	file->sentence = strlen(file->damage);
}

const char *file_damage_text(struct file *file)
{
	if (file->ndamages == 0)
		return NULL;
	if (file->ndamages == file->ntold)
		return file->damage;
	file->ntold = file->ndamages;
	if (file->ndamages > 1)
		snprintf(file->damage + file->sentence, MORE_BYTES, " (and %zu more fault%s)",
			 file->ndamages - 1, file->ndamages == 2 ? "" : "s");
	return file->damage;
}
