/* Completion: what is offered, that usage texts and options agree, and that real shells take it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/chunks.h"
#include "../support/files.h"
#include "../support/records.h"
#include "../support/run.h"
#include "dump/dump.h"

static const char *const environment[] = {"LC_ALL=C.UTF-8", NULL};

struct fixture {
	char *folder;
	char *rill;
	struct run_options options;
};

/* x.rill, with the catalog of tests/support/records.c, and a folder. */
static struct fixture begin(void)
{
	struct fixture fixture = {.folder = folder_make(), .rill = built("rill")};
	struct dump_process process = {
		.pid = 4711, .id = {5, 6}, .start_ns = 1700000000000000000, .program = "x"};
	const struct clock_point clock = {0, 1700000000000000000, (uint64_t)1 << 32, 0, 0};
	struct dump_writer *writer;
	char error[256];
	cr_assert_eq(dump_create(&writer, fixture.folder, &process, error, sizeof error), 0, "%s",
		     error);
	cr_assert_eq(rename(dump_path(writer), format("%s/x.rill", fixture.folder)), 0);
	cr_assert_eq(dump_put_catalog(writer, 0, &records_catalog), 0);
	cr_assert_eq(dump_put_clock(writer, &clock), 0);
	cr_assert_eq(dump_close(writer), 0);
	mkdir(format("%s/folder", fixture.folder), 0700);
	mkdir(format("%s/bin", fixture.folder), 0700);
	char *bin = format("%s/bin/rill", fixture.folder);
	file_store_text(bin, format("#!/bin/bash\n"
				    "case $1 in __complete|completion) exec %s \"$@\" ;; esac\n"
				    "IFS='|'; echo \"$*\" >%s/words\n",
				    fixture.rill, fixture.folder));
	chmod(bin, 0700);
	fixture.options = (struct run_options){.directory = fixture.folder, .env = environment};
	return fixture;
}

#define RILL(fixture, ...) RUN(&(fixture).options, (fixture).rill, __VA_ARGS__)

static char *offered(const struct fixture *f, const char *line)
{
	struct run_result r =
		RUN(&f->options, "bash", "-c",
		    format("%s __complete %s | cut -f 1 | tr '\\n' ' '", f->rill, line));
	return r.out;
}

Test(completion, candidates)
{
	struct fixture f = begin();
	static const struct {
		const char *line;
		const char *offered;
	} cases[] = {
		{"ca", "cat catalog "},
		{"hel", "help "},
		{"help gr", "grep "},
		{"nothing x", ""},
		{"cat --form", "--format= :nospace "},
		{"cat --mu", "--multiline "},
		{"cat --format=", "--format=text --format=json "},
		{"cat --format ''", "text json "},
		{"cat -f j", "json "},
		{"cat --level=e", "--level=error "},
		{"cat --color=a", "--color=always --color=auto "},
		{"cat --event=smtp.ehlo-", "--event=smtp.ehlo-expected "},
		{"cat x.rill --event=conn", "--event=conn --event=conn.start --event=conn.end "
					    "--event=conn.work "},
		{"cat x.rill -k j", ":nospace jobId= "},
		{"cat x.rill -w 'note && jo'",
		 ":nospace note && jobId note && job note && job.start "
		 "note && job.end "},
		{"cat ''", ":files  "},
		{"grep x.rill ''", ":files  "},
		{"grep remoteI", ":nospace remoteIp :files  "},
		{"grep '@level >= w'", ":nospace @level >= warn :files  "},
		{"grep -e x ''", ":files  "},
		{"grep -o queueI", "queueId "},
		{"export --to=per", "--to=perfetto "},
		{"report --output=fold", ":files --output= "},
		{"catalog ''", "list search explain "},
		{"catalog explain smtp.ehlo-", "smtp.ehlo-expected "},
		{"completion z", "zsh "},
		{"spans --sort s", "start "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_str_eq(offered(&f, cases[i].line), cases[i].offered, "%s", cases[i].line);
}

/* Each option that a command takes is described, and none that it does not take. */
Test(completion, options_are_those_of_the_usage_text)
{
	struct fixture f = begin();
	struct run_result all = RUN(&f.options, "bash", "-c",
				    format("%s __complete '' | cut -f 1 | grep -v help", f.rill));
	size_t count = 0;
	for (char *name = strtok(all.out, "\n"); name; name = strtok(NULL, "\n"), count++) {
		struct run_result r = RUN(
			&f.options, "bash", "-c",
			format("diff <(%s __complete %s -- | grep -o -- '^--[a-z-]*' | sort -u) "
			       "<(%s help %s | grep -oE '^ +(-., +)?--[a-z-]+' | grep -oE -- "
			       "'--[a-z-]+' | sort -u) && "
			       "! %s __complete %s - | grep -vE '^(-.*\t[^ ].{3,}|:nospace)$'",
			       f.rill, name, f.rill, name, f.rill, name));
		cr_expect_eq(r.code, 0, "%s: %s%s", name, r.out, r.err);
		/* Each of them is taken: what is said is not that there is no such option. */
		r = RUN(&f.options, "bash", "-c",
			format("for o in $(%s __complete %s -- | grep -o -- '^--[a-z-]*'); do %s "
			       "%s "
			       "$o=1 nothing 2>&1 >/dev/null </dev/null; done | grep unrecognized",
			       f.rill, name, f.rill, name));
		cr_expect_str_empty(r.out, "%s: %s", name, r.out);
	}
	cr_expect_geq(count, 8);
}

/* In a dump's names nothing drives the terminal. */
Test(completion, a_file_that_is_no_dump_is_no_trouble)
{
	struct fixture f = begin();
	file_store_text(format("%s/text", f.folder), "text");
	cr_expect_str_eq(offered(&f, "cat text -e smtp.ehlo-"), "smtp.ehlo-expected ");
}

struct typed {
	const char *line;
	const char *words;
};

static void type(const char *shell, const struct typed *cases, size_t count)
{
	struct fixture f = begin();
	char *input = format("%s", "");
	char *wanted = format("%s", "");
	for (size_t i = 0; i < count; i++) {
		input = format("%s%s\n", input, cases[i].line);
		wanted = format("%s%s\n", wanted, cases[i].words);
	}
	struct run_options options = f.options;
	options.input = input;
	struct run_result r =
		RUN(&options, "python3", format("%s/tests/cli/complete.py", getenv("SRC")), shell,
		    f.folder);
	cr_expect_str_eq(r.out, wanted, "%s: %s%s", shell, r.out, r.err);
}

#define TYPE(shell, ...)                                                                           \
	do {                                                                                       \
		static const struct typed cases[] = {__VA_ARGS__};                                 \
		type(shell, cases, sizeof cases / sizeof *cases);                                  \
	} while (0)

/* zsh takes the / of a folder back when the line ends there. */
#define IN_ALL_SHELLS(slash)                                                                       \
	{"rill gre\\t", "grep"}, {"rill cat --form\\tj\\t x.rill", "cat|--format=json|x.rill"},    \
		{"rill cat -e smtp.ehlo-\\tx", "cat|-e|smtp.ehlo-expected|x"},                     \
		{"rill cat x.rill --event=conn.w\\t", "cat|x.rill|--event=conn.work"},             \
		{"rill cat --key=remoteP\\t25 x.ri\\t", "cat|--key=remotePort=25|x.rill"},         \
		{"rill export --to otl\\t-o -", "export|--to|otlp-json|-o|-"},                     \
		{"rill stats x.ri\\t", "stats|x.rill"},                                            \
		{"rill stats fol\\t", "stats|folder" slash},                                       \
		{"rill report --output=fol\\t", "report|--output=folder" slash},                   \
		{"rill grep elap\\t x.rill", "grep|elapsed|x.rill"},                               \
	{                                                                                          \
		"rill catalog expl\\tsmtp.ehlo-\\t", "catalog|explain|smtp.ehlo-expected"          \
	}

Test(completion, bash, .timeout = 120)
{
	TYPE("bash", IN_ALL_SHELLS("/"));
}

Test(completion, zsh, .timeout = 120)
{
	TYPE("zsh", IN_ALL_SHELLS(""));
}

Test(completion, fish)
{
	struct fixture f = begin();
	static const struct typed cases[] = {
		{"rill gre", "grep"},
		{"rill cat --format=j", "--format=json"},
		{"rill cat -e smtp.ehlo-", "smtp.ehlo-expected"},
		{"rill cat x.rill --event=conn.w", "--event=conn.work"},
		{"rill export --to otl", "otlp-json"},
		{"rill stats x.ri", "x.rill"},
		{"rill report --output=fol", "--output=folder/"},
		{"rill catalog explain smtp.ehlo-", "smtp.ehlo-expected"},
	};
	const char *const more[] = {"LC_ALL=C.UTF-8", format("HOME=%s", f.folder), NULL};
	struct run_options options = {.directory = f.folder, .env = more};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run_result r =
			RUN(&options, "fish", "-c",
			    format("set PATH %s/bin $PATH; rill completion fish | source; "
				   "complete -C '%s' | cut -f 1",
				   f.folder, cases[i].line));
		cr_expect_str_eq(r.out, format("%s\n", cases[i].words), "%s: %s%s", cases[i].line,
				 r.out, r.err);
	}
}
