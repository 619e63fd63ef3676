/* That what is installed was compiled and linked as docs/threat-model.md says: read from the files.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/files.h"
#include "../support/run.h"

static char *readelf(const char *option, const char *path)
{
	struct run_result r = RUN(NULL, "readelf", option, "-W", path);
	cr_assert_eq(r.code, 0, "%s", r.err);
	return r.out;
}

static bool plain(void)
{
	/* A sanitizer watches what the fortified functions would. */
	if (!strstr(TEST_SANITIZE, "sanitize"))
		return true;
	cr_skip_test("built with a sanitizer");
	return false;
}

static const char *const files[] = {"rill", "rill-gen", "librill.so"};

Test(hardening, relocations_are_read_only_and_the_stack_is_no_code)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *segments = readelf("-l", built(files[i]));
		char *dynamic = readelf("-d", built(files[i]));
		const char *stack = strstr(segments, "GNU_STACK");
		cr_expect(strstr(segments, "GNU_RELRO"), "%s", files[i]);
		cr_expect(strstr(dynamic, "BIND_NOW"), "%s is bound lazily", files[i]);
		cr_assert(stack, "%s", files[i]);
		cr_expect(!memmem(stack, strcspn(stack, "\n"), "RWE", 3), "%s", files[i]);
		cr_expect(!strstr(dynamic, "TEXTREL") && !strstr(dynamic, "RPATH"), "%s", files[i]);
		if (strcmp(files[i], "librill.so") != 0)
			cr_expect(strstr(dynamic, "PIE"), "%s has a fixed address", files[i]);
	}
}

Test(hardening, calls_are_checked_and_frames_have_a_canary)
{
	if (!plain())
		return;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *symbols = readelf("--dyn-syms", built(files[i]));
		cr_expect(strstr(symbols, "__stack_chk_fail"), "%s: no canary", files[i]);
		cr_expect(strstr(symbols, "__snprintf_chk"), "%s: not fortified", files[i]);
		/* Level 3 knows the sizes of allocated memory, so copies to it are checked as well.
		 */
		cr_expect(strstr(symbols, "__memcpy_chk"), "%s: not fortified", files[i]);
	}
}

/* The start files of Debian 12 take the mark away from what is linked; our own objects have it. */
Test(hardening, objects_take_the_shadow_stack)
{
#if defined(__x86_64__)
	if (!plain())
		return;
	static const char *const objects[] = {"obj/src/core/emit.o",    "obj/src/dump/unpack.o",
					      "pic/src/core/emit.o",    "pic/src/sink/text.o",
					      "obj/gen/read.o",         "obj/report-page.o",
					      "obj/src/cli/predicate.o"};
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
		cr_expect(strstr(readelf("-n", built(objects[i])), "SHSTK"), "%s", objects[i]);
#else
	cr_skip_test("of x86-64");
#endif
}
