#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "file.h"

#define MAX_NAME 63

static const char help[] =
	"Usage: rill-gen --name NAME --header FILE --source FILE [--lock FILE] [--locked] PAGE.md\n"
	"       rill-gen --check --name NAME [--header FILE] [--source FILE] [--lock FILE] "
	"PAGE.md\n"
	"\n"
	"Reads a catalog of events from its documentation page and writes a C header and\n"
	"C tables for <rill/rill.h>. Nothing is written unless the whole page is right.\n"
	"\n"
	"  --name NAME    the catalog's name, a C identifier: rill_event_in(NAME, ...)\n"
	"  --header FILE  the header to write; left alone when it would not change\n"
	"  --source FILE  the C source to write\n"
	"  --lock FILE    the file that pins the ids (default: PAGE.ids); new names are\n"
	"                 appended to it\n"
	"  --locked       the lock file must hold every name already; it is not written\n"
	"  --check        write nothing; fail unless page, lock file and the given outputs\n"
	"                 agree\n"
	"  --help         this text\n"
	"  --version      print the version\n"
	"\n"
	"Exit codes: 0 done, or all is up to date; 1 the page, the lock file or an output\n"
	"is at fault (file:line: error: what to do, on standard error); 2 wrong usage.\n";

static int usage(const char *message, const char *detail)
{
	fprintf(stderr, "rill-gen: %s%s%s\nTry 'rill-gen --help'.\n", message, detail ? ": " : "",
		detail ? detail : "");
	return 2;
}

static bool is_identifier(const char *s)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *s && !strchr("0123456789", *s) && s[strspn(s, letters)] == '\0';
}

/* The page's path with .ids for .md. */
static const char *default_lock(struct arena *a, const char *page)
{
	size_t length = strlen(page);

	if (length > 3 && strcmp(page + length - 3, ".md") == 0)
		length -= 3;
	return arena_print(a, "%.*s.ids", (int)length, page);
}

static int check_files(const struct options *o)
{
	const char *files[] = {o->page, o->lock, o->header, o->source};

	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < i; j++) {
			if (files[i] && files[j] && file_is_one(files[i], files[j]))
				return usage(
					"page, lock file, header and source must be four files",
					files[i]);
		}
	}
	return -1;
}

static int check_options(struct options *o, int argc, char **argv, struct arena *a)
{
	if (optind + 1 != argc)
		return usage(optind == argc ? "which page?" : "one page at a time", NULL);
	o->page = argv[optind];
	if (!o->name)
		return usage("--name is missing", NULL);
	if (!is_identifier(o->name) || strlen(o->name) > MAX_NAME)
		return usage("--name must be a C identifier of at most 63 characters", o->name);
	if (!o->check && (!o->header || !o->source))
		return usage("--header and --source are both needed, except with --check", NULL);
	if (!o->lock)
		o->lock = default_lock(a, o->page);
	return check_files(o);
}

int options_read(struct options *o, int argc, char **argv, struct arena *a)
{
	static const struct option known[] = {
		{"name", required_argument, NULL, 'n'},
		{"header", required_argument, NULL, 'e'},
		{"source", required_argument, NULL, 's'},
		{"lock", required_argument, NULL, 'l'},
		{"locked", no_argument, NULL, 'L'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){0};
	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->name = optarg;
			break;
		case 'e':
			o->header = optarg;
			break;
		case 's':
			o->source = optarg;
			break;
		case 'l':
			o->lock = optarg;
			break;
		case 'L':
			o->locked = true;
			break;
		case 'c':
			o->check = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'v':
			puts("rill-gen " RILL_VERSION);
			return 0;
		default: /* getopt_long has said what is wrong */
			fputs("Try 'rill-gen --help'.\n", stderr);
			return 2;
		}
	}
	return check_options(o, argc, argv, a);
}
