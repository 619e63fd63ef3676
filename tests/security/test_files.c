/* Files that rill makes, and what another user may have put in their way. Needs root, to be two
 * users. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../support/files.h"
#include "../support/run.h"
#include "../support/sample.h"
#include "dump/writer.h"

#define MALLORY 65534

static unsigned mode_of(const char *path)
{
	struct stat status;
	return stat(path, &status) ? 0 : status.st_mode & 07777u;
}

static bool two_users(void)
{
	if (geteuid() == 0)
		return true;
	cr_skip_test("only root can be two users");
	return false;
}

/* Everybody may put something there, and remove but his own: /tmp. */
static char *shared_folder(void)
{
	char *folder = folder_make();
	cr_assert_eq(chmod(folder, 01777), 0);
	cr_assert_eq(chown(folder, 1, 1), 0);
	return folder;
}

static struct run_result traced(const char *sinks, const char *runtime)
{
	const char *environment[] = {format("RILL_SINKS=%s", sinks),
				     format("RILL_RUNTIME_DIR=%s", runtime), NULL};
	const struct run_options options = {.env = environment, .timeout_ms = 10000};
	return RUN(&options, built("tests/programs/threads"), "1", "10");
}

/* Paths below a folder with the modes that they have, a line each. */
static char *modes(const char *folder)
{
	return RUN(NULL, "find", folder, "-mindepth", "1", "-printf", "%y %m %P\n").out;
}

Test(files, have_modes_of_their_own_whatever_the_umask, .timeout = 60)
{
	static const char *const masks[] = {"0", "022", "077"};
	for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
		char *folder = folder_make();
		mkdir(format("%s/run", folder), 0700);
		struct run_result r =
			RUN(NULL, "sh", "-c",
			    format("umask %s; cd %s; RILL_RUNTIME_DIR=run RILL_FILTER=*=trace "
				   "RILL_SINKS=dump:a/b,text:./log,json:./json %s 100",
				   masks[i], folder, built("tests/programs/killed")));
		/* The shell is the program by then, or tells of its signal. */
		cr_assert(r.signal == 9 || r.code == 137, "code %d: %s", r.code, r.err);
		const char *log = strcmp(masks[i], "077") == 0 ? "600" : "640";
		char *found = modes(folder);
		size_t files = 0;
		for (char *line; (line = strsep(&found, "\n")) && *line; files++) {
			const char *expected = strncmp(line + 6, "log", 3) == 0 ||
							       strncmp(line + 6, "json", 4) == 0
						       ? log
						       : (*line == 'd' ? "700" : "600");
			cr_expect_eq(strncmp(line + 2, expected, 3), 0, "umask %s: %s", masks[i],
				     line);
		}
		cr_expect_geq(files, 8, "%zu", files);
		folder_remove(folder);
	}
}

/* Its folder has our user's number in its name; its files wait for somebody to open them. */
Test(files, of_another_users_runtime_folder_are_left_alone, .timeout = 60)
{
	if (!two_users())
		return;
	char *folder = shared_folder(), *trap = format("%s/rill-0-1-1", folder);
	static const char *const names[] = {"ring-1", "ring-2", "process", "lock"};
	mkdir(trap, 0777);
	chmod(trap, 0777);
	for (size_t i = 0; i < 4; i++) {
		char *path = format("%s/%s", trap, names[i]);
		cr_assert_eq(i < 3 ? mkfifo(path, 0666) : mknod(path, S_IFREG | 0666, 0), 0);
		cr_assert_eq(lchown(path, MALLORY, MALLORY), 0);
	}
	cr_assert_eq(lchown(trap, MALLORY, MALLORY), 0);
	file_make_old(trap);
	struct run_result r = traced("text:/dev/null", folder);
	cr_expect(!r.timed_out && r.code == 0, "%s", r.err);
	cr_expect_str_eq(r.err, "");
	for (size_t i = 0; i < 4; i++)
		cr_expect(!access(format("%s/%s", trap, names[i]), F_OK), "%s is gone", names[i]);
	folder_remove(folder);
}

/* Who runs it chose the environment, but not whose rights it has. */
Test(files, of_a_set_user_id_program_are_not_chosen_by_its_caller, .timeout = 60)
{
	if (!two_users())
		return;
	char *folder = folder_make(), *program = format("%s/threads", folder);
	const char *const environment[] = {"RILL_SINKS=text:stderr", NULL};
	const struct run_options options = {.env = environment};
	struct statvfs system;
	if (statvfs(folder, &system) || system.f_flag & ST_NOSUID) {
		cr_skip_test("nobody is served another's rights on this file system");
		return;
	}
	file_copy(built("tests/programs/threads"), program);
	chmod(folder, 0755);
	for (int set = 0; set < 2; set++) {
		cr_assert_eq(chmod(program, set ? 04755 : 0755), 0);
		struct run_result r = RUN(&options, "setpriv", "--reuid=65534", "--clear-groups",
					  program, "1", "10");
		cr_expect_eq(r.code, 0, "%s", r.err);
		cr_expect_eq(strstr(r.err, "smtp.ehlo") != NULL, !set, "set %d: %s", set, r.err);
	}
	folder_remove(folder);
}

/* A dump takes another name where something stands, a link as well, and follows none. */
Test(files, names_of_dumps_are_not_taken_over)
{
	char *folder = folder_make(), *victim = format("%s/victim", folder), error[256];
	struct dump_process process = {
		.pid = 77, .id = {1, 2}, .start_ns = SAMPLE_NS, .program = "x"};
	struct dump_writer *writer;
	file_store_text(victim, "precious");
	cr_assert_eq(symlink(victim, dump_name(folder, &process, 0)), 0);
	cr_assert_eq(symlink(format("%s/nowhere", folder), dump_name(folder, &process, 1)), 0);
	cr_assert_eq(mkfifo(dump_name(folder, &process, 2), 0666), 0);
	cr_assert_eq(dump_create(&writer, folder, &process, error, sizeof error), 0, "%s", error);
	cr_expect_str_eq(dump_path(writer), dump_name(folder, &process, 3));
	cr_expect_eq(mode_of(dump_path(writer)), 0600);
	cr_assert_eq(dump_close(writer), 0);
	cr_expect_str_eq(file_load(victim, NULL), "precious");
	cr_expect(!file_exists(format("%s/nowhere", folder)));
	folder_remove(folder);
}

/* A log where everybody may write: neither by a link nor in a file of another user's. */
Test(files, logs_are_not_taken_over, .timeout = 60)
{
	if (!two_users())
		return;
	char *folder = shared_folder(), *runtime = folder_make();
	char *victim = format("%s/victim", runtime), *link = format("%s/link.log", folder);
	char *file = format("%s/file.log", folder), *mine = format("%s/mine.log", folder);
	file_store_text(victim, "precious");
	file_store_text(file, "");
	cr_assert(!symlink(victim, link) && !lchown(link, MALLORY, MALLORY) &&
		  !lchown(file, MALLORY, MALLORY));
	cr_assert_eq(symlink(format("%s/log", runtime), mine), 0);
	struct run_result r = traced(format("text:%s,json:%s,text:%s", link, file, mine), runtime);
	cr_expect_eq(r.code, 0);
	cr_expect(strstr(r.err, "link.log\" is another user's"), "%s", r.err);
	cr_expect(strstr(r.err, "file.log\" is another user's"), "%s", r.err);
	cr_expect_str_eq(file_load(victim, NULL), "precious");
	cr_expect_str_eq(file_load(file, NULL), "");
	cr_expect(strstr(file_load(format("%s/log", runtime), NULL), "smtp.ehlo"),
		  "a link of one's own is followed");
	folder_remove(folder);
	folder_remove(runtime);
}

/* The same of what `rill` writes. */
Test(files, outputs_follow_no_link_of_another_user, .timeout = 60)
{
	if (!two_users())
		return;
	char *folder = shared_folder(), *own = folder_make();
	char *dump = sample_write(own, &(struct sample_options){.pid = 5});
	char *victim = format("%s/victim", own), *link = format("%s/out", folder);
	char *mine = format("%s/mine", folder);
	file_store_text(victim, "precious");
	cr_assert(!symlink(victim, link) && !lchown(link, MALLORY, MALLORY));
	cr_assert_eq(symlink(format("%s/new", own), mine), 0);
	const char *const commands[][4] = {{"export", "--to=chrome"},
					   {"report", "--limit=10"},
					   {"merge", dump},
					   {"cut", dump}};
	for (size_t i = 0; i < 4; i++) {
		struct run_result r =
			RUN(NULL, built("rill"), commands[i][0], commands[i][1], "-o", link, dump);
		cr_expect_eq(r.code, 1, "%s", commands[i][0]);
		cr_expect(strstr(r.err, "Permission denied"), "%s: %s", commands[i][0], r.err);
		cr_expect_str_eq(file_load(victim, NULL), "precious", "%s", commands[i][0]);
	}
	struct run_result r = RUN(NULL, built("rill"), "report", "-o", mine, dump);
	cr_expect_eq(r.code, 0, "%s", r.err);
	folder_remove(folder);
	folder_remove(own);
}

/* Dumps that another user has put beside one's own neither count nor go. */
Test(files, kept_dumps_are_ones_own, .timeout = 60)
{
	if (!two_users())
		return;
	char *folder = shared_folder(), *runtime = folder_make();
	char *sinks = format("dump:%s", folder);
	cr_assert_eq(traced(sinks, runtime).code, 0);
	struct run_result own = RUN(NULL, "find", folder, "-name", "*.rill");
	*strchrnul(own.out, '\n') = 0;
	/* Newer by their names. */
	for (int i = 0; i < 5; i++) {
		char *fake = format("%s/29990101T000000.00000000%dZ-threads-%d.rill", folder, i, i);
		file_copy(own.out, fake);
		cr_assert_eq(lchown(fake, MALLORY, MALLORY), 0);
	}
	struct run_result r = traced(format("dump:%s?keep=3", folder), runtime);
	cr_expect_eq(r.code, 0);
	cr_expect(file_exists(own.out), "it was pushed out");
	r = RUN(NULL, "sh", "-c", format("ls %s | grep -c ^2999", folder));
	cr_expect_str_eq(r.out, "5\n");
	folder_remove(folder);
	folder_remove(runtime);
}
