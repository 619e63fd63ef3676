/* Every type of key, lists, nested events, no key to sixteen: compiled with every warning there is,
 * as C and as C++. */
#define RILL_CATALOG kinds
#include "kinds.h"
#include "../../support/form.h"

struct everything {
	bool flag;
	int sign;
	unsigned bits : 3;
	uint64_t number;
	double fraction;
	float single;
	const char *text;
	char *mutable_text;
	const unsigned char *octets;
	size_t length;
	struct sockaddr_storage peer;
	struct in_addr v4;
	struct in6_addr v6;
	struct rill_value values[3];
};

void each_type(struct everything *x);
void each_count(uint64_t n);
int in_statements(int n);

void each_type(struct everything *x)
{
	rill_event(kinds_some, flag(x->flag), flag(x->number > 3), count(x->number), count(x->sign),
		   count(x->bits), delta(x->sign), ratio(x->fraction), ratio(x->single),
		   took(x->number), took(x->sign), when(x->number), text(x->text),
		   text(x->mutable_text), text(x->text, x->sign), text("literal"));
	rill_event(kinds_some, text(x->octets, x->length), blob(x->octets, x->length),
		   blob(x->text, 4u), address(&x->peer), address(x->v4), address(&x->v6),
		   nothing(rill_none()), number(x->sign), octets(x->text), octets(x->octets, 2),
		   either(x->flag), either(x->number), any(x->text), any(rill_duration(x->sign)));
	rill_event(kinds_some,
		   items(rill_list(rill_u64(x->number), rill_i64(x->sign), rill_bool(x->flag),
				   rill_f64(x->fraction), rill_duration(5), rill_timestamp(6),
				   rill_string(x->text), rill_string(x->text, x->length),
				   rill_bytes(x->octets, x->length), rill_none(), rill_ip4(&x->v4),
				   rill_ip6(&x->v6), rill_list(rill_u64(1)))),
		   items(rill_list_of(x->values, 3)), any(rill_list(rill_none())),
		   cause(rill_nested(kinds_inner)),
		   cause(rill_nested(kinds_inner, text(x->text), count(x->sign), flag(x->flag),
				     ratio(x->single), address(&x->peer), blob(x->octets, 3),
				     items(rill_list(rill_string("in"), rill_u64(1))),
				     any(rill_none()))));
}

void each_count(uint64_t n)
{
	rill_event(kinds_some);
	rill_event(kinds_some, count(n));
	rill_event(kinds_some, count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n), count(n), count(n), count(n), count(n));
	rill_event(kinds_some, count(n), count(n), count(n), count(n), count(n), count(n), count(n),
		   count(n), count(n), count(n), count(n), count(n), count(n), count(n), count(n));
	rill_event_in(
		kinds, kinds_some, count(n), count(n), count(n), count(n), count(n), count(n),
		count(n), count(n), text("a"), text("b"), text("c"), text("d"), count(n), count(n),
		count(n),
		cause(rill_nested_in(kinds, kinds_inner, count(n), count(n), count(n), count(n),
				     count(n), count(n), count(n), count(n), count(n), count(n),
				     count(n), count(n), count(n), count(n), count(n), count(n))));
}

/* Where a statement may stand. */
int in_statements(int n)
{
	if (n > 3)
		rill_event(kinds_some, delta(n));
	else
		rill_event(kinds_inner, delta(n));
	for (int i = 0; i < n; i++)
		rill_event(kinds_some, delta(i), text(i > 2 ? "many" : "few"));
	switch (n) {
	case 1:
		rill_event(kinds_some);
		break;
	default:
		rill_event(kinds_some, flag(n == 5 && n < 7));
	}
	return n;
}
