/* child-sink FOLDER: a child adds a sink of its own to those that it has from its parent, and
 * emits. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(const char *folder)
{
	char spec[300];
	snprintf(spec, sizeof spec, "dump:%s", folder);
	if (rill_sink_add(spec) != 0)
		exit(1);
	for (unsigned i = 0; i < 100; i++)
		rill_event(smtp_rset, total(i));
	exit(0);
}

int main(int argc, char **argv)
{
	int status = 1;
	rill_event(smtp_noop, total(0));
	pid_t pid = fork();
	if (pid == 0)
		child(argc > 1 ? argv[1] : ".");
	return waitpid(pid, &status, 0) != pid || status != 0;
}
