/* A mail's recipients as the value of an event's key `to`. */
#ifndef SMTPD_RECIPIENTS_H
#define SMTPD_RECIPIENTS_H

#include <rill/rill.h>

#include "mail.h"

/* An event may hold an eighth of a ring: that is room for this many addresses at least. */
#define RECIPIENTS_LISTED 100u

static inline const struct rill_value *recipients_values(const struct mail *mail,
							 struct rill_value *values)
{
	for (unsigned i = 0; i < mail->nrecipients && i < RECIPIENTS_LISTED; i++)
		values[i] = rill_string(mail->recipients[i].address).value;
	return values;
}

static inline const struct rill_value *relayed_values(const struct mail *mail,
						      struct rill_value *values)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mail->nrecipients && n < RECIPIENTS_LISTED; i++)
		if (mail->recipients[i].relayed)
			values[n++] = rill_string(mail->recipients[i].address).value;
	return values;
}

static inline unsigned recipients_listed(unsigned n)
{
	return n < RECIPIENTS_LISTED ? n : RECIPIENTS_LISTED;
}

/* The list, made in `values` (RECIPIENTS_LISTED of them), only when the event is enabled. */
#define recipients_list(mail, values)                                                              \
	rill_list_of(recipients_values((mail), (values)), recipients_listed((mail)->nrecipients))
/* Of those that go to the next server. */
#define relayed_list(mail, values)                                                                 \
	rill_list_of(relayed_values((mail), (values)), recipients_listed((mail)->nrelayed))

#endif
