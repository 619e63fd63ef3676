/*
 * cut main|handler SPEC...: emits values that are too long for a record, each case of cut_cases.h
 * once, to these sinks besides. `handler`: each from a signal handler that has interrupted an event
 * half-way. Prints how many values were cut.
 */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "support/cut_cases.h"
#include "support/form.h"

#define TRAP_BYTES 4096u
#define FLUSH_NS   UINT64_C(30000000000)

static char *text;
static struct rill_value *numbers;
static struct rill_value strings[CUT_STRING_ELEMENTS];
static void *trap;
static volatile size_t trapped;
static uint64_t emitted;

static void emit_text(size_t number)
{
	const struct cut_text *t = &cut_texts[number];
	cut_fill(text, t->length < CUT_BYTES ? t->length : CUT_BYTES, t);
	if (t->bytes)
		rill_event(smtp_rset, total(number),
			   contents((const unsigned char *)text, t->length));
	else
		rill_event(smtp_rset, total(number), contents(text, t->length));
}

static void emit_sixteen(size_t number)
{
	const uint64_t *n = cut_sixteens[number - CUT_TEXTS];
	cut_fill(text, CUT_BYTES, &cut_texts[0]);
	rill_event(smtp_rset, accountName(text, n[0]), contents(text, n[1]), details(text, n[2]),
		   domain(text, n[3]), from(text, n[0]), hostname(text, n[1]), id(text, n[2]),
		   key(text, n[3]), path(text, n[0]), policy(text, n[1]), reason(text, n[2]),
		   result(text, n[3]), source(text, n[0]), to(text, n[1]), url(text, n[2]),
		   version(text, n[3]));
}

static void emit_deep(size_t number)
{
	struct rill_value_list list = rill_list(rill_u64(1));
	struct rill_value levels[8][2];
	for (int i = 0; i < 8; i++) {
		levels[i][0] = rill_u64(1).value;
		levels[i][1] = list.value;
		list = rill_list_of(levels[i], 2);
	}
	rill_event(smtp_rset, total(number), details(list));
}

static void emit_nested(size_t number)
{
	struct rill_value_list many = rill_list_of(numbers, CUT_ELEMENTS);
	struct rill_value_list absurd = rill_list_of(numbers, SIZE_MAX);
	cut_fill(text, CUT_BYTES, &cut_texts[0]);
	switch ((enum cut_nested)(number - CUT_TEXTS - CUT_SIXTEENS)) {
	case CUT_NUMBERS:
		rill_event(smtp_rset, total(number), details(many));
		break;
	case CUT_STRINGS:
		rill_event(smtp_rset, total(number),
			   details(rill_list_of(strings, CUT_STRING_ELEMENTS)));
		break;
	case CUT_IN_LIST:
		rill_event(smtp_rset, total(number),
			   details(rill_list(rill_u64(1), many, rill_u64(2))));
		break;
	case CUT_IN_EVENT:
		rill_event(smtp_rset, total(number),
			   details(rill_nested(smtp_error, size(1), contents(text, 1 << 20),
					       size(2))));
		break;
	case CUT_ABSURD_TEXT:
		rill_event(smtp_rset, total(number),
			   details(rill_list(rill_u64(1), rill_string(text, (size_t)-1),
					     rill_u64(2))));
		break;
	case CUT_ABSURD_COUNT:
		rill_event(smtp_rset, total(number), details(absurd));
		break;
	case CUT_ABSURD_INNER:
		rill_event(smtp_rset, total(number),
			   details(rill_list(rill_u64(1), absurd, rill_u64(2))));
		break;
	default:
		emit_deep(number);
	}
}

static void emit(size_t number)
{
	if (number < CUT_TEXTS)
		emit_text(number);
	else if (number < CUT_TEXTS + CUT_SIXTEENS)
		emit_sixteen(number);
	else
		emit_nested(number);
	emitted++;
}

/* rill was copying a string and has run into a page that can't be read. */
static void on_fault(int signal)
{
	(void)signal;
	emit(trapped);
	if (mprotect(trap, TRAP_BYTES, PROT_READ | PROT_WRITE) != 0)
		_Exit(2);
}

static void emit_from_handler(size_t number)
{
	if (mprotect(trap, TRAP_BYTES, PROT_NONE) != 0)
		exit(2);
	trapped = number;
	rill_event(smtp_noop, contents((const char *)trap, 64));
	emitted++;
}

int main(int argc, char **argv)
{
	bool handler = argc > 1 && strcmp(argv[1], "handler") == 0;
	for (int i = 2; i < argc; i++)
		if (rill_sink_add(argv[i]) != 0)
			return 2;
	text = malloc(CUT_BYTES);
	numbers = malloc(CUT_ELEMENTS * sizeof *numbers);
	trap = mmap(NULL, TRAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!text || !numbers || trap == MAP_FAILED)
		return 2;
	for (uint64_t i = 0; i < CUT_ELEMENTS; i++)
		numbers[i] = rill_u64(i).value;
	static char hundred[100];
	memset(hundred, 'h', sizeof hundred);
	for (size_t i = 0; i < CUT_STRING_ELEMENTS; i++)
		strings[i] = rill_string(hundred, sizeof hundred).value;
	if (handler)
		signal(SIGSEGV, on_fault);
	for (size_t i = 0; i < CUT_CASES; i++) {
		if (handler)
			emit_from_handler(i);
		else
			emit(i);
		if (rill_flush(FLUSH_NS) != 0) /* the handler's ring is small */
			return 2;
	}
	struct rill_counts counts;
	rill_counts_get(&counts);
	printf("emitted %" PRIu64 " cut %" PRIu64 " discarded %" PRIu64 "\n", emitted, counts.cut,
	       counts.discarded);
	return 0;
}
