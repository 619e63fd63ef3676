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

/* The list, made in `values` (RECIPIENTS_LISTED of them), only when the event is enabled. */
#define recipients_list(mail, values)                                                              \
	rill_list_of(recipients_values((mail), (values)), (mail)->nrecipients < RECIPIENTS_LISTED  \
								  ? (mail)->nrecipients            \
								  : RECIPIENTS_LISTED)

#endif
