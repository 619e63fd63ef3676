/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smtpd.h"

static const char usage[] =
	"Usage: smtpd --maildir DIR [OPTION]...\n"
	"Takes mail over SMTP and puts it into a Maildir, or hands it on to another server.\n"
	"An example program of rill: set RILL_FILTER and RILL_SINKS to see what it does.\n"
	"\n"
	"  --listen ADDRESS:PORT      numeric; [ADDRESS] for IPv6; port 0: any free one\n"
	"                             (default 127.0.0.1:2525)\n"
	"  --port-file FILE           write the port there when ready\n"
	"  --maildir DIR              the mailbox, made if it is missing\n"
	"  --per-user                 DIR/USER, where it exists, is the mailbox of USER\n"
	"  --domain NAME              take mail for this domain; may be given up to 16 times\n"
	"                             (default: for every domain that is not relayed)\n"
	"  --relay HOST:PORT          hand the other mail on to this server; the client gets its\n"
	"                             250 when that server has said 250\n"
	"  --relay-domain NAME        only mail for this domain; may be given up to 16 times\n"
	"                             (default: for every domain that is not a --domain)\n"
	"  --hostname NAME            (default: the machine's)\n"
	"  --workers N                network threads (default 4)\n"
	"  --deliverers N             delivery threads (default 2)\n"
	"  --no-fsync                 say 250 before the mail is on the disk\n"
	"  --no-vrfy                  answer nothing to VRFY\n"
	"  --witness FILE             write down every connection, apart from rill\n"
	"\n"
	"Limits (SIZE takes K, M, G; TIME is in seconds or takes ms):\n"
	"  --max-size SIZE            of a mail (default 10M)\n"
	"  --max-recipients N         of a mail (default 100)\n"
	"  --max-messages N           mails a session (default 1000)\n"
	"  --max-errors N             5xx replies a session (default 10)\n"
	"  --max-invalid-rcpt N       refused recipients a session (default 5)\n"
	"  --max-transfer SIZE        bytes from the client a session (default 1G)\n"
	"  --max-connections N        (default 1000)\n"
	"  --max-connections-per-ip N (default 100)\n"
	"  --max-queue N              mails between accept and delivery (default 1000)\n"
	"  --rate N                   mails a minute from one address (default 0: any)\n"
	"  --timeout TIME             without a sign of the client (default 300)\n"
	"  --max-session TIME         (default 3600)\n"
	"  --expire TIME              how long to try a delivery before 451 (default 30)\n"
	"  --grace TIME               for open transactions after SIGTERM (default 5)\n"
	"  --relay-timeout TIME       for each answer of the next server (default: RFC 5321's, up\n"
	"                             to 600)\n"
	"  --ban TIME                 for addresses that abuse or loiter (default 0: never)\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 if it could not start, 2 for a bad option.\n";

enum option_kind {
	TEXT,
	COUNT,
	SIZE,
	TIME,
	FLAG_ON,
	FLAG_OFF,
	LISTEN,
	RELAY,
	DOMAIN_,
	RELAY_DOMAIN,
	HELP
};

struct option_info {
	const char *name;
	enum option_kind kind;
	size_t offset; /* in struct config */
	uint64_t min;
	uint64_t max;
};

#define AT(member) offsetof(struct config, member)

static const struct option_info infos[] = {
	{"listen", LISTEN, 0, 0, 0},
	{"port-file", TEXT, AT(port_file), 0, 0},
	{"maildir", TEXT, AT(maildir), 0, 0},
	{"per-user", FLAG_ON, AT(per_user), 0, 0},
	{"domain", DOMAIN_, 0, 0, 0},
	{"relay", RELAY, 0, 0, 0},
	{"relay-domain", RELAY_DOMAIN, 0, 0, 0},
	{"hostname", TEXT, AT(hostname), 0, 0},
	{"workers", COUNT, AT(workers), 1, WORKERS_MAX},
	{"deliverers", COUNT, AT(deliverers), 1, DELIVERERS_MAX},
	{"no-fsync", FLAG_OFF, AT(fsync), 0, 0},
	{"no-vrfy", FLAG_OFF, AT(vrfy), 0, 0},
	{"witness", TEXT, AT(witness), 0, 0},
	{"max-size", SIZE, AT(max_size_bytes), 1, UINT64_MAX},
	{"max-recipients", COUNT, AT(max_recipients), 1, 100000},
	{"max-messages", COUNT, AT(max_messages), 1, UINT_MAX},
	{"max-errors", COUNT, AT(max_errors), 0, UINT_MAX},
	{"max-invalid-rcpt", COUNT, AT(max_invalid_rcpt), 0, UINT_MAX},
	{"max-transfer", SIZE, AT(max_transfer_bytes), 1, UINT64_MAX},
	{"max-connections", COUNT, AT(max_connections), 1, 1000000},
	{"max-connections-per-ip", COUNT, AT(max_connections_per_ip), 1, 1000000},
	{"max-queue", COUNT, AT(max_queue), 1, 1000000},
	{"rate", COUNT, AT(rate), 0, 1000000},
	{"timeout", TIME, AT(timeout_ms), 1, 86400000},
	{"max-session", TIME, AT(max_session_ms), 1, 864000000},
	{"expire", TIME, AT(expire_ms), 0, 600000},
	{"grace", TIME, AT(grace_ms), 0, 600000},
	{"ban", TIME, AT(ban_ms), 0, 864000000},
	{"relay-timeout", TIME, AT(relay_timeout_ms), 1, 600000},
	{"help", HELP, 0, 0, 0},
};

#define INFOS (sizeof(infos) / sizeof(*infos))

_Noreturn static void bad(const char *option, const char *value, const char *what)
{
	fprintf(stderr, "smtpd: --%s %s: %s (see --help)\n", option, value, what);
	exit(2);
}

static uint64_t number(const struct option_info *info, const char *text)
{
	unsigned long long n;
	uint64_t unit = info->kind == TIME ? 1000 : 1;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || *text == '-' || errno)
		bad(info->name, text, "not a number");
	if (info->kind == TIME && !strcmp(end, "ms"))
		unit = 1;
	else if (info->kind == SIZE && *end && strchr("KMG", *end) && !end[1])
		unit = (uint64_t)1 << (*end == 'K' ? 10 : *end == 'M' ? 20 : 30);
	else if (*end)
		bad(info->name, text, "not a number");
	if (n > info->max / unit || n * unit < info->min)
		bad(info->name, text, "out of range");
	return n * unit;
}

/* Splits ADDRESS:PORT in place. */
static void split(const char *option, char *text, const char **host, const char **port)
{
	char *colon = strrchr(text, ':');

	if (!colon || colon == text || !colon[1])
		bad(option, text, "not ADDRESS:PORT");
	*colon = '\0';
	if (*text == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		text++;
	}
	*host = text;
	*port = colon + 1;
}

static void add_domain(const char *option, const char **domains, unsigned *n, const char *value)
{
	if (*n == DOMAINS_MAX)
		bad(option, value, "too many");
	domains[(*n)++] = value;
}

static void set(struct config *config, const struct option_info *info, char *value)
{
	void *at = (char *)config + info->offset;

	switch (info->kind) {
	case TEXT:
		*(const char **)at = value;
		break;
	case COUNT:
		*(unsigned *)at = (unsigned)number(info, value);
		break;
	case SIZE:
	case TIME:
		*(uint64_t *)at = number(info, value);
		break;
	case FLAG_ON:
	case FLAG_OFF:
		*(bool *)at = info->kind == FLAG_ON;
		break;
	case LISTEN:
		split("listen", value, &config->host, &config->port);
		break;
	case RELAY:
		split("relay", value, &config->relay_host, &config->relay_port);
		break;
	case DOMAIN_:
		add_domain("domain", config->domains, &config->ndomains, value);
		break;
	case RELAY_DOMAIN:
		add_domain("relay-domain", config->relay_domains, &config->nrelay_domains, value);
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	}
}

void options_parse(struct config *config, int argc, char **argv)
{
	static char hostname[65];
	struct option options[INFOS + 1] = {0};
	int choice;

	gethostname(hostname, sizeof(hostname) - 1);
	*config = (struct config){
		.host = "127.0.0.1",
		.port = "2525",
		.hostname = hostname,
		.workers = 4,
		.deliverers = 2,
		.max_connections = 1000,
		.max_connections_per_ip = 100,
		.max_recipients = 100,
		.max_messages = 1000,
		.max_errors = 10,
		.max_invalid_rcpt = 5,
		.max_queue = 1000,
		.max_size_bytes = 10u << 20,
		.max_transfer_bytes = 1u << 30,
		.timeout_ms = 300000,
		.max_session_ms = 3600000,
		.grace_ms = 5000,
		.expire_ms = 30000,
		.vrfy = true,
		.fsync = true,
	};
	for (size_t i = 0; i < INFOS; i++) {
		bool plain = infos[i].kind == FLAG_ON || infos[i].kind == FLAG_OFF ||
			     infos[i].kind == HELP;

		options[i].name = infos[i].name;
		options[i].has_arg = plain ? no_argument : required_argument;
		options[i].val = (int)i;
	}
	while ((choice = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (choice == '?')
			exit(2);
		set(config, &infos[choice], optarg);
	}
	if (optind < argc) {
		fprintf(stderr, "smtpd: unexpected argument %s (see --help)\n", argv[optind]);
		exit(2);
	}
	if (!config->maildir) {
		fputs("smtpd: --maildir is missing (see --help)\n", stderr);
		exit(2);
	}
	if (config->nrelay_domains && !config->relay_host) {
		fputs("smtpd: --relay-domain without --relay (see --help)\n", stderr);
		exit(2);
	}
	if (!*config->hostname || strlen(config->hostname) > 255 ||
	    strspn(config->hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789.-_") != strlen(config->hostname))
		bad("hostname", config->hostname, "not a host name");
}
