/*
 * librill and the command as clang sees them for the other CPUs, with musl's headers, which are the
 * same for all: without an error, and without a warning. What is built and run there is `make
 * portable`'s.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <unistd.h>

#include "support/files.h"
#include "support/run.h"

#define MUSL "/usr/include/x86_64-linux-musl"

/* The kernel's headers and zstd's, but nothing of glibc's. */
static char *other_headers(void)
{
	static const char *const paths[][2] = {
		{"/usr/include/linux", "linux"},
		{"/usr/include/asm-generic", "asm-generic"},
		{"/usr/include/x86_64-linux-gnu/asm", "asm"},
		{"/usr/include/zstd.h", "zstd.h"},
		{"/usr/include/zlib.h", "zlib.h"},
		{"/usr/include/zconf.h", "zconf.h"},
	};
	char *folder = folder_make();
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		const char *from = paths[i][0];
		/* Debian keeps what differs between CPUs in a folder apart. */
		if (access(from, R_OK) != 0)
			from = format("/usr/include/x86_64-linux-gnu/%s", paths[i][1]);
		cr_assert_eq(symlink(from, format("%s/%s", folder, paths[i][1])), 0);
	}
	return folder;
}

Test(sources, for_other_cpus_and_musl, .timeout = 240)
{
	static const char *const cpus[] = {"x86_64", "aarch64", "riscv64"};
	cr_assert_eq(access(MUSL "/stdio.h", R_OK), 0, "musl-dev is not installed");
	char *folder = other_headers();
	for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
		char *command = format(
			"cd '%s' && ls src/*/*.c src/*/*/*.c >%s/files && "
			"xargs -n 40 -P 2 clang --target=%s-linux-musl -fsyntax-only -std=gnu11 "
			"-nostdinc -isystem %s -isystem %s "
			"-idirafter \"$(clang -print-resource-dir)/include\" "
			"-D_GNU_SOURCE -DRILL_VERSION='\"0\"' -Iinclude -Isrc -I'%s' "
			"-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes "
			"-Wmissing-prototypes -Wpointer-arith -Werror <%s/files",
			source(""), folder, cpus[i], MUSL, folder, built("include"), folder);
		struct run_result r =
			RUN(&(struct run_options){.timeout_ms = 200000}, "sh", "-c", command);
		cr_expect_eq(r.code, 0, "%s:\n%.3000s", cpus[i], r.err);
		run_free(&r);
	}
	folder_remove(folder);
}
