/* Printing what was selected as the live sinks would have, and the options that say how. */
#ifndef RILL_CLI_PRINT_H
#define RILL_CLI_PRINT_H

#include "cli/cli.h"
#include "sink/sink.h"

/* clang-format off */
#define PRINT_OPTIONS \
	{"format", required_argument, NULL, 'f'}, {"multiline", no_argument, NULL, PRINT_MULTILINE}, \
	{"color", optional_argument, NULL, PRINT_COLOR}, {"local", no_argument, NULL, PRINT_LOCAL}
/* clang-format on */

enum print_option { PRINT_MULTILINE = 512, PRINT_COLOR, PRINT_LOCAL };

struct printing {
	const char *format;
	const char *color;
	bool multiline;
	bool local;
	struct sink *sink;
};

void print_init(struct printing *printing);
/* One of PRINT_OPTIONS. EXIT_OK; EXIT_USAGE, with a message; -1: it is none of them. */
int print_option(struct printing *printing, const char *command, int option, const char *argument);
/* Where to print. False, with a message. A sink remembers catalogs: close it before the reader. */
bool print_open(struct printing *printing, struct output *output);
/* EXIT_OK, or EXIT_TROUBLE with a message when lines could not be written. */
int print_close(struct printing *printing);

#endif
