/* rill: reads dumps. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "core/nearest.h"

const struct command *const commands[] = {
	/* clang-format off */
	&cat_command,
	&grep_command,
	&tail_command,
	&spans_command,
	&stats_command,
	&diff_command,
	&info_command,
	&verify_command,
	&trail_command,
	&catalog_command,
	&export_command,
	&report_command,
	&merge_command,
	&cut_command,
	&recover_command,
	&completion_command,
	NULL,
	/* clang-format on */
};

#define NCOMMANDS (sizeof commands / sizeof *commands - 1)

static void help(FILE *out)
{
	fputs("usage: rill COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-10s  %s\n", commands[i]->name, commands[i]->brief);
	fputs("  help        print this, or the help of a command\n\n"
	      "rill COMMAND --help says more about each; rill --version prints the version.\n"
	      "Exit codes: 0 all went well; 1 damage in a dump, nothing found, or an error; "
	      "2 wrong usage.\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *command_name(const void *context, size_t i)
{
	(void)context;
	return commands[i]->name;
}

static int no_such_command(const char *name)
{
	const char *near;
	fprintf(stderr, "rill: there is no command \"%s\"", shown(name));
	if (nearest_names(name, command_name, NULL, NCOMMANDS, &near, 1))
		fprintf(stderr, "; did you mean \"%s\"?\n", near);
	else
		fputs("; `rill help` lists them\n", stderr);
	return EXIT_USAGE;
}

static int help_main(int argc, char **argv)
{
	if (argc < 2) {
		help(stdout);
		return EXIT_OK;
	}
	const struct command *command = find_command(argv[1]);
	if (!command)
		return no_such_command(argv[1]);
	char option[] = "--help";
	char *arguments[] = {argv[1], option, NULL};
	return command->run(2, arguments);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("rill " RILL_VERSION);
		return finish_output(EXIT_OK);
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
		return finish_output(help_main(argc - 1, argv + 1));
	if (strcmp(name, "__complete") == 0)
		return complete_main(argc - 1, argv + 1);
	const struct command *command = find_command(name);
	if (!command)
		return no_such_command(name);
	char title[32]; /* that getopt_long() begins its messages with */
	snprintf(title, sizeof title, "rill %s", command->name);
	argv[1] = title;
	return finish_output(command->run(argc - 1, argv + 1));
}
