#include "cli/progress.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define NS_PER_S  UINT64_C(1000000000)
#define REDRAW_NS (NS_PER_S / 10)

static const char erase[] = "\r\x1b[K";

static struct {
	bool possible;
	volatile sig_atomic_t drawn;
	bool printed; /* since it was drawn last */
	bool catching;
	uint64_t begun_ns;
	uint64_t next_ns; /* nothing is drawn before */
} bar;

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool is_possible(void)
{
	struct stat out;
	const char *term = getenv("TERM");
	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       !fstat(STDOUT_FILENO, &out) && !S_ISFIFO(out.st_mode) && !S_ISSOCK(out.st_mode);
}

void progress_begin(void)
{
	bar.possible = is_possible();
	bar.printed = false;
	bar.begun_ns = now_ns();
	bar.next_ns = bar.begun_ns + NS_PER_S;
}

/* The shell's prompt begins on a clean line. */
static void on_interrupt(int number)
{
	if (bar.drawn && write(STDERR_FILENO, erase, sizeof erase - 1) < 0)
		bar.drawn = false;
	signal(number, SIG_DFL);
	raise(number);
}

/* Unless someone else does, who has more to clean up. */
static void catch_interrupt(void)
{
	struct sigaction now, action = {.sa_handler = on_interrupt};
	if (bar.catching || sigaction(SIGINT, NULL, &now) || now.sa_handler != SIG_DFL)
		return;
	bar.catching = !sigaction(SIGINT, &action, NULL);
}

static unsigned columns(void)
{
	struct winsize size;
	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static void draw(uint64_t done, uint64_t all, uint64_t elapsed_ns)
{
	char text[160], bytes[SHORT_TEXT], whole[SHORT_TEXT], left[SHORT_TEXT] = "";
	char cells[64];
	unsigned width = columns();
	double part = all ? (double)done / (double)all : 0;
	part = part > 1 ? 1 : part;
	if (part >= 0.02)
		show_duration(left,
			      (uint64_t)((double)elapsed_ns * (1 - part) / part / 1e9) * NS_PER_S);
	int used = snprintf(text, sizeof text, " %3.0f %%  %s of %s%s%s", part * 100,
			    show_bytes(bytes, done), show_bytes(whole, all),
			    left[0] ? ", left: " : "", left);
	if (used < 0 || (unsigned)used + 8 > width)
		return;
	unsigned room = width - (unsigned)used - 3;
	room = room > sizeof cells - 1 ? sizeof cells - 1 : room;
	unsigned filled = (unsigned)(part * room + 0.5);
	memset(cells, '.', room);
	memset(cells, '#', filled);
	cells[room] = 0;
	catch_interrupt();
	bar.drawn = true;
	fprintf(stderr, "\r[%s]%s\x1b[K", cells, text);
	fflush(stderr);
}

void progress_show(uint64_t done, uint64_t all)
{
	if (!bar.possible)
		return;
	uint64_t now = now_ns();
	if (bar.printed) {
		bar.printed = false;
		bar.next_ns = now + NS_PER_S;
	}
	if (now < bar.next_ns)
		return;
	bar.next_ns = now + REDRAW_NS;
	draw(done, all, now - bar.begun_ns);
}

void progress_hide(void)
{
	if (!bar.possible)
		return;
	bar.printed = true;
	if (!bar.drawn)
		return;
	fputs(erase, stderr);
	fflush(stderr);
	bar.drawn = false;
}

void progress_end(void)
{
	progress_hide();
	bar.possible = false;
	if (bar.catching)
		signal(SIGINT, SIG_DFL);
	bar.catching = false;
}
