/* The machine: what it is, and whether it is quiet. */
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/run/run.h"

#define LISTEN_MS   250
#define QUIET_BELOW 3.0 /* percent of all processors */

static void chomp(char *text)
{
	text[strcspn(text, "\n")] = 0;
}

static void first_line_of(const char *command, char *text, size_t size)
{
	FILE *from = popen(command, "re");

	if (!from || !fgets(text, (int)size, from))
		snprintf(text, size, "unknown");
	chomp(text);
	if (from)
		pclose(from);
}

static void read_cpu(char *text, size_t size)
{
	char line[256];
	FILE *from = fopen("/proc/cpuinfo", "re");

	snprintf(text, size, "unknown");
	while (from && fgets(line, sizeof line, from)) {
		char *name = strstr(line, ": ");
		if (strncmp(line, "model name", 10) != 0 || !name)
			continue;
		chomp(name);
		snprintf(text, size, "%s", name + 2);
		break;
	}
	if (from)
		fclose(from);
}

static void read_governor(char *text, size_t size)
{
	FILE *from = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "re");

	if (!from || !fgets(text, (int)size, from))
		snprintf(text, size, "unknown");
	chomp(text);
	if (from)
		fclose(from);
}

void machine_describe(struct machine *machine)
{
	struct utsname kernel;
	time_t now = time(NULL);
	struct tm utc;

	*machine = (struct machine){.cores = (int)sysconf(_SC_NPROCESSORS_ONLN), .quiet = true};
	uname(&kernel);
	snprintf(machine->kernel, sizeof machine->kernel, "%.40s %.80s", kernel.sysname,
		 kernel.release);
	strftime(machine->date, sizeof machine->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	read_cpu(machine->cpu, sizeof machine->cpu);
	read_governor(machine->governor, sizeof machine->governor);
	first_line_of("gcc --version 2>/dev/null", machine->gcc, sizeof machine->gcc);
	first_line_of("clang --version 2>/dev/null", machine->clang, sizeof machine->clang);
}

static void read_times(unsigned long long *all, unsigned long long *idle)
{
	unsigned long long t[8] = {0};
	FILE *from = fopen("/proc/stat", "re");

	*all = *idle = 0;
	if (!from)
		return;
	if (fscanf(from, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7]) == 8) {
		for (int i = 0; i < 8; i++)
			*all += t[i];
		*idle = t[3] + t[4];
	}
	fclose(from);
}

void machine_listen(struct machine *machine)
{
	const struct timespec pause = {0, LISTEN_MS * 1000000L};
	unsigned long long all[2], idle[2];

	read_times(&all[0], &idle[0]);
	nanosleep(&pause, NULL);
	read_times(&all[1], &idle[1]);
	if (all[1] == all[0])
		return;
	double busy = 100.0 - 100.0 * (double)(idle[1] - idle[0]) / (double)(all[1] - all[0]);
	if (busy > machine->busy_percent)
		machine->busy_percent = busy;
	if (busy >= QUIET_BELOW)
		machine->quiet = false;
}
