/* Handing a mail on to the next server (--relay). */
#ifndef SMTPD_RELAY_H
#define SMTPD_RELAY_H

#include <stdint.h>

struct mail;
struct server;

/*
 * One attempt, for all recipients that go that way: either the next server takes the mail for all
 * of them or for none. 0: it has said 250. Else a negative errno, and mail->problem says what went
 * wrong; -EREMOTE: it has refused the mail for good, and mail->refusal is its reply.
 */
int relay_hand_on(struct server *server, struct mail *mail, uint64_t span_id);

#endif
