/* The collector from outside: starting it, leaving it messages, taking it down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/state.h"
#include "core/diagnose.h"
#include "core/stopping.h"

void message_release(struct message *message)
{
	if (__atomic_sub_fetch(&message->owners, 1, __ATOMIC_ACQ_REL) == 0) {
		free(message->expression);
		free(message);
	}
}

static void post(struct collector *collector, struct message *message)
{
	struct message *top = __atomic_load_n(&collector->mailbox, __ATOMIC_RELAXED);
	do
		message->next = top;
	while (!__atomic_compare_exchange_n(&collector->mailbox, &top, message, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	uint32_t wake = __atomic_load_n(&collector->process->wake, __ATOMIC_SEQ_CST);
	if (wake != WAKE_RUNNING) {
		__atomic_store_n(&collector->process->wake, WAKE_TOLD, __ATOMIC_SEQ_CST);
		prim_futex_wake(&collector->process->wake, 1);
	}
}

#define SLICE_NS 5000000u

/* While recording stops, nobody else waits for the collector under the control lock. */
static bool give_up(const struct collector *collector, enum message_kind kind)
{
	if (kind == MESSAGE_FLUSH || !stopping())
		return false;
	if (kind != MESSAGE_STOP)
		return true;
	uint64_t now_ns = prim_monotonic_ns();
	if (now_ns < stopping_until_ns(false))
		return false;
	uint32_t tid = __atomic_load_n(&collector->tid, __ATOMIC_ACQUIRE);
	return now_ns >= stopping_until_ns(!tid || prim_thread_runs(tid));
}

/* Posts and waits for the answer. */
static int ask(struct collector *collector, struct message *message, uint64_t timeout_ns,
	       struct collector_counts *answer)
{
	uint64_t start_ns = prim_monotonic_ns();
	post(collector, message);
	while (!__atomic_load_n(&message->done, __ATOMIC_ACQUIRE)) {
		uint64_t passed = prim_monotonic_ns() - start_ns;
		/* One that has stopped answers no more; it has drained and flushed everything. */
		if (passed >= timeout_ns || give_up(collector, message->kind) ||
		    __atomic_load_n(&collector->stopped, __ATOMIC_ACQUIRE))
			break;
		/* A handler has forked meanwhile: this is the child, which has no such thread. */
		if (!process_is(collector->process_id))
			break;
		uint64_t left = timeout_ns - passed;
		prim_futex_wait(&message->done, 0, left < SLICE_NS ? left : SLICE_NS);
	}
	int result = __atomic_load_n(&collector->stopped, __ATOMIC_ACQUIRE) ? 0 : -ETIMEDOUT;
	if (!process_is(collector->process_id))
		result = -ECHILD;
	if (__atomic_load_n(&message->done, __ATOMIC_ACQUIRE)) {
		result = message->result;
		if (answer)
			*answer = message->counts;
	}
	message_release(message);
	return result;
}

#define TAKE_TIMEOUT_NS UINT64_C(5000000000)

/* The message stays in the mailbox of a collector that a sink holds up: taken is only late then. */
static int ask_to_take(struct collector *collector, struct message *message)
{
	int result = ask(collector, message, TAKE_TIMEOUT_NS, NULL);
	return result == -ETIMEDOUT ? 0 : result;
}

static struct message *message_new(enum message_kind kind)
{
	struct message *message = calloc(1, sizeof *message);
	if (message) {
		message->kind = kind;
		message->owners = 2; /* sender and collector */
	}
	return message;
}

#define FIRST_CAPACITY 16u

struct collector *collector_start(struct process *process)
{
	struct collector *collector = calloc(1, sizeof *collector);
	const struct pipeline_options options = {
		.pid = process->pid,
		.process_id = {process->id[0], process->id[1]},
		.max_open_spans = rill__settings.max_open_spans,
	};
	if (collector) {
		collector->process = process;
		memcpy(collector->process_id, process->id, sizeof process->id);
		collector->pipeline = pipeline_new(&options, registry_catalogs());
	}
	int error = -ENOMEM;
	/* So many rings can be served at a time, whatever becomes of the memory. */
	if (collector && collector->pipeline && collector_room(collector, FIRST_CAPACITY))
		error = prim_thread_start(collector_run, collector, "rill-collector");
	if (error) {
		rill__diagnose(__func__, "cannot start the collector (%s): nothing is recorded",
			       strerror(-error));
		if (collector) {
			pipeline_free(collector->pipeline);
			free(collector->active);
			free(collector->cursors);
		}
		free(collector);
		return NULL;
	}
	return collector;
}

void collector_begin(struct collector *collector)
{
	__atomic_store_n(&collector->begun, 1, __ATOMIC_RELEASE);
	prim_futex_wake(&collector->begun, 1);
}

int collector_add_output(struct collector *collector, struct output output)
{
	struct message *message = message_new(MESSAGE_OUTPUT);
	if (!message) {
		output.close(output.state);
		return -ENOMEM;
	}
	message->output = output;
	return ask_to_take(collector, message);
}

int collector_add_dump(struct collector *collector, struct dump_target *target)
{
	struct message *message = message_new(MESSAGE_DUMP);
	if (!message) {
		dump_target_free(target);
		return -ENOMEM;
	}
	message->target = target;
	return ask_to_take(collector, message);
}

void collector_add_epoch(struct collector *collector, const struct epoch *epoch,
			 const char *expression)
{
	struct message *message = message_new(MESSAGE_EPOCH);
	if (!message)
		return;
	message->epoch = *epoch;
	message->expression = strdup(expression);
	message->owners = 1;
	if (message->expression)
		post(collector, message);
	else
		free(message);
}

void collector_hold(struct collector *collector)
{
	__atomic_add_fetch(&collector->holders, 1, __ATOMIC_RELAXED);
}

void collector_release(struct collector *collector)
{
	__atomic_sub_fetch(&collector->holders, 1, __ATOMIC_RELEASE);
}

int collector_flush(struct collector *collector, uint64_t timeout_ns)
{
	struct message *message = message_new(MESSAGE_FLUSH);
	return message ? ask(collector, message, timeout_ns, NULL) : -ENOMEM;
}

int collector_stop(struct collector *collector)
{
	/* One owner more than let go of it: it is a part of the collector, for this must not fail.
	 */
	collector->stop = (struct message){.kind = MESSAGE_STOP, .owners = 3};
	int error = ask(collector, &collector->stop, UINT64_MAX, NULL);
	if (error)
		return error;
	while (!__atomic_load_n(&collector->stopped, __ATOMIC_ACQUIRE))
		prim_sleep(20000); /* it answered already: only its thread's last steps are left */
	if (!collector_stopped(collector))
		return -EBUSY;
	collector_free(collector);
	return 0;
}

bool collector_stopped(const struct collector *collector)
{
	return __atomic_load_n(&collector->stopped, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&collector->holders, __ATOMIC_ACQUIRE) == 0;
}

void collector_free(struct collector *collector)
{
	for (struct message *left = collector->mailbox, *next; left; left = next) {
		next = left->next;
		message_release(left);
	}
	pipeline_free(collector->pipeline);
	dump_pack_free(collector->pack);
	open_free(collector->open);
	free(collector->expression);
	free(collector->active);
	free(collector->cursors);
	free(collector);
}

/*
 * The parent's thread may have been changing any of this at the fork, so nothing of it is freed or
 * even walked: only the descriptors are closed.
 */
void collector_forget(const struct collector *collector)
{
	for (uint32_t i = 0; i < collector->noutputs && i < MAX_OUTPUTS; i++)
		collector->outputs[i].forget(collector->outputs[i].state);
	for (uint32_t i = 0; i < collector->ndumps && i < MAX_DUMPS; i++)
		dump_forget(collector->dumps[i].writer);
}

int collector_counts(struct collector *collector, struct collector_counts *counts,
		     uint64_t timeout_ns)
{
	struct message *message = message_new(MESSAGE_COUNTS);
	if (!message)
		return -ENOMEM;
	return ask(collector, message, timeout_ns, counts);
}
