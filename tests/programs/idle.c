/* idle MS: one event, then nothing for MS milliseconds; then what the rill threads did meanwhile:
 * voluntary and involuntary context switches, and clock ticks of CPU time. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct usage {
	long threads;
	long switches;
	long ticks;
};

static long field(const char *path, const char *name)
{
	char line[512];
	long value = 0;
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	if (file)
		fclose(file);
	return value;
}

static struct usage rill_threads(void)
{
	struct usage sum = {0, 0, 0};
	DIR *tasks = opendir("/proc/self/task");
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		char path[300], line[1024] = "";
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
		sum.threads++;
		sum.switches += field(path, "voluntary_ctxt_switches:");
		sum.switches += field(path, "nonvoluntary_ctxt_switches:");
		snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
		FILE *file = fopen(path, "r");
		if (file && fgets(line, sizeof line, file)) {
			/* proc(5): after the name in parentheses, utime and stime are 12th and
			 * 13th. */
			long user = 0, system = 0;
			sscanf(strrchr(line, ')') + 2,
			       "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
			       &system);
			sum.ticks += user + system;
		}
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return sum;
}

int main(int argc, char **argv)
{
	unsigned ms = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	rill_event(server_startup, total(1));
	usleep(500000); /* the collector lingers a while before it parks */
	struct usage before = rill_threads();
	usleep(ms * 1000);
	struct usage after = rill_threads();
	printf("threads %ld switches %ld ticks %ld\n", after.threads,
	       after.switches - before.switches, after.ticks - before.ticks);
	return 0;
}
