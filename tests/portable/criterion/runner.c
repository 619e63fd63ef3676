/*
 * Runs what criterion.h registered: all tests, or with --filter=SUITE/NAME those that match; but
 * for those that one of the patterns in RILL_TEST_LEAVE matches, which it says.
 */
#include <criterion/criterion.h>

#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED       77
#define MAX_SUITES    8
#define PATIENCE_MORE 10 /* the emulator takes time */

static struct cr_test *tests, **last = &tests;
static struct {
	const char *name;
	struct cr_options options;
} suites[MAX_SUITES];
static size_t nsuites;
static bool wrong;

void cr_register(struct cr_test *test)
{
	*last = test;
	last = &test->next;
}

void cr_register_suite(const char *suite, struct cr_options options)
{
	if (nsuites == MAX_SUITES)
		abort();
	suites[nsuites].name = suite;
	suites[nsuites++].options = options;
}

void cr_failed(bool fatal, const char *file, int line, const char *what, const char *format, ...)
{
	va_list list;
	fprintf(stderr, "%s:%d: expected %s", file, line, what);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	wrong = true;
	if (fatal)
		exit(1);
}

void cr_skipped(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputs(" (skipped)\n", stderr);
	exit(SKIPPED);
}

static const struct cr_options *suite_options(const struct cr_test *test)
{
	static const struct cr_options none;
	for (size_t i = 0; i < nsuites; i++)
		if (strcmp(suites[i].name, test->suite) == 0)
			return &suites[i].options;
	return &none;
}

static void child(const struct cr_test *test)
{
	const struct cr_options *suite = suite_options(test);
	setpgid(0, 0);
	void (*init)(void) = test->options.init ? test->options.init : suite->init;
	void (*fini)(void) = test->options.fini ? test->options.fini : suite->fini;
	if (init)
		init();
	test->run();
	if (fini)
		fini();
	exit(wrong);
}

/* Its exit code; 128 + the signal that ended it, which is SIGKILL when its time was up. */
static int run(const struct cr_test *test)
{
	double limit = test->options.timeout ? test->options.timeout : suite_options(test)->timeout;
	limit = PATIENCE_MORE * (limit > 60 ? limit : 60);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child(test);
	int status;
	time_t end = time(NULL) + (time_t)limit;
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (time(NULL) > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool left_out(const char *name)
{
	const char *leave = getenv("RILL_TEST_LEAVE");
	char *rest = strdup(leave ? leave : "");
	for (char *pattern; (pattern = strsep(&rest, " "));) {
		if (*pattern && fnmatch(pattern, name, 0) == 0) {
			printf("%s is left out here\n", name);
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	const char *filter = "*";
	unsigned tested = 0, passed = 0;
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--filter=", 9) == 0)
			filter = argv[i] + 9;
	for (struct cr_test *test = tests; test; test = test->next) {
		char name[256];
		snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
		if (fnmatch(filter, name, 0) != 0 || left_out(name))
			continue;
		int code = run(test);
		if (code == SKIPPED)
			continue;
		tested++;
		passed += code == 0;
		if (code)
			fprintf(stderr, "FAILED %s (%d)\n", name, code);
	}
	printf("Tested: %u | Passing: %u\n", tested, passed);
	return passed != tested;
}
