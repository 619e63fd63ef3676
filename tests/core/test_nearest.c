/* "Did you mean": which names resemble a misspelt one. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/nearest.h"

static const char *const names[] = {"smtp.ehlo",
				    "smtp.helo",
				    "smtp.mail-from",
				    "smtp.rcpt-to",
				    "imap.idle",
				    "delivery.attempt-start",
				    "delivery.attempt-end",
				    "dns.error"};

static const char *name(const void *context, size_t i)
{
	cr_assert_eq(context, names);
	return names[i];
}

static size_t nearest(const char *wanted, const char **found, size_t max)
{
	return nearest_names(wanted, name, names, sizeof names / sizeof *names, found, max);
}

Test(nearest, slips_of_the_keyboard)
{
	static const char *const slips[][2] = {
		{"smtp.elho", "smtp.ehlo"},
		{"stmp.ehlo", "smtp.ehlo"},
		{"smtp.ehl", "smtp.ehlo"},
		{"smtp.ehloo", "smtp.ehlo"},
		{"SMTP.MAIL_FROM", "smtp.mail-from"},
		{"smtp.mail.from", "smtp.mail-from"},
		{"delivery.atempt-strat", "delivery.attempt-start"},
	};
	for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
		const char *found[3];
		cr_assert_geq(nearest(slips[i][0], found, 3), 1, "%s", slips[i][0]);
		cr_expect_str_eq(found[0], slips[i][1]);
	}
}

Test(nearest, parts_of_names)
{
	const char *found[8];
	cr_assert_eq(nearest("attempt", found, 8), 2);
	cr_expect_str_eq(found[0], "delivery.attempt-start");
	cr_expect_eq(nearest("at", found, 8), 0, "too short to mean anything");
}

Test(nearest, nothing_like_it)
{
	const char *found[3];
	cr_expect_eq(nearest("completely-different", found, 3), 0);
	cr_expect_eq(nearest("", found, 3), 0);
	cr_expect_eq(nearest("smtp.ehlo", found, 0), 0);
	char huge[5000];
	memset(huge, 's', sizeof huge - 1);
	huge[4999] = 0;
	cr_expect_eq(nearest(huge, found, 3), 0);
}

Test(nearest, best_first_and_no_more_than_asked)
{
	const char *found[2];
	cr_assert_eq(nearest("smtp.ehlo", found, 2), 2);
	cr_expect_str_eq(found[0], "smtp.ehlo");
	cr_expect_str_eq(found[1], "smtp.helo");
	cr_expect_eq(nearest("smtp.ehlo", found, 1), 1);
}
