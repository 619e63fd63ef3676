/*
 * The runtime as the program configures it: filter and sinks, by environment and by call; and again
 * in a child.
 *
 * All of this is what a child keeps, under the control lock. A collector belongs to one process:
 * the child's first event finds the parent's here, forgets it and starts its own with the same
 * sinks.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rill/control.h>

#include "collect/collector.h"
#include "control/broken.h"
#include "control/child.h"
#include "control/filter.h"
#include "control/leave.h"
#include "control/open_spec.h"
#include "control/settings.h"
#include "core/core.h"
#include "core/diagnose.h"
#include "core/stopping.h"

#define MAX_SINKS      (MAX_OUTPUTS + MAX_DUMPS)
#define DEFAULT_FILTER "*=info"

#define LEAVING_MS        200
#define COUNTS_TIMEOUT_NS UINT64_C(1000000000)

static struct {
	bool configured; /* the environment has been read */
	struct filter *filter;
	char *expression;
	char *specs[MAX_SINKS];
	size_t nspecs;
	struct collector *collector;
	struct collector *leaving; /* told to stop, but a sink holds it up */
	uint64_t process_id[2];    /* of both collectors' process */
	bool on;                   /* some gate may be open */
	uint32_t check_due;        /* process whose filter is yet to be checked, or 0 */
	uint64_t discards_told;    /* of that process */
} runtime;

/* The collectors are this process's. */
static bool mine(void)
{
	return process_is(runtime.process_id);
}

/* --- the collector ------------------------------------------------------------------------- */

/*
 * Whoever turns COLLECTOR_NONE into COLLECTOR_STARTING starts it. A handler whose first event
 * interrupts that finds it so, and goes away.
 */
static void start_collector(void)
{
	struct process *process = process_get();
	uint32_t none = COLLECTOR_NONE;
	__atomic_compare_exchange_n(&process->collector, &none, COLLECTOR_STARTING, false,
				    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	leave_catalogs(process);
	runtime.collector = collector_start(process);
	__atomic_store_n(&process->collector,
			 runtime.collector ? COLLECTOR_STARTED : COLLECTOR_NONE, __ATOMIC_RELEASE);
}

/* Under the control lock. In a child: its own, with the parent's sinks opened anew. */
static bool have_collector(void)
{
	const struct process *process = process_get();
	bool in_child = process->is_child && !mine();
	if (!mine()) {
		if (runtime.collector)
			collector_forget(runtime.collector);
		runtime.collector = runtime.leaving = NULL;
		runtime.discards_told = 0;
		memcpy(runtime.process_id, process->id, sizeof runtime.process_id);
	}
	/* Whoever waits for a flush of it has the answer and is about to let go. */
	for (int i = 0; i < LEAVING_MS && !stopping() && runtime.leaving &&
			!collector_stopped(runtime.leaving);
	     i++)
		prim_sleep(1000000);
	if (runtime.leaving && !collector_stopped(runtime.leaving)) {
		rill__diagnose(__func__, "the last collector is still held up by a sink");
		return false;
	}
	if (runtime.leaving)
		collector_free(runtime.leaving);
	runtime.leaving = NULL;
	if (!runtime.collector)
		start_collector();
	/* Its first events are in its rings already: each sink gets them, and the filter. */
	for (size_t i = 0; in_child && runtime.collector && i < runtime.nspecs; i++)
		open_spec(runtime.collector, runtime.specs[i]);
	if (in_child && runtime.collector && runtime.on) {
		const struct epoch epoch = {process->start_ticks, process->start_ticks};
		collector_add_epoch(runtime.collector, &epoch, runtime.expression);
	}
	if (runtime.collector)
		collector_begin(runtime.collector);
	return runtime.collector != NULL;
}

/* --- filter -------------------------------------------------------------------------------- */

static void decide(const struct rill_catalog *catalog, unsigned char *bits, void *context)
{
	filter_bits(context, catalog, bits);
}

static void start_in_child(struct process *process);

/* What the filter says while there is somewhere to write; everything off otherwise. */
static int publish(bool briefly)
{
	struct epoch epoch;
	bool on = runtime.nspecs > 0 && runtime.filter;
	int result = registry_publish(decide, on ? runtime.filter : NULL, briefly, &epoch);
	runtime.on = on;
	/* A child in which another thread's first event came while this one held the lock. */
	if (on)
		start_in_child(process_peek());
	if (runtime.collector && mine())
		collector_add_epoch(runtime.collector, &epoch, on ? runtime.expression : "*=off");
	if (result && !briefly)
		rill__diagnose(__func__,
			       "a thread has been inside one event for ten seconds: it may "
			       "still record under the old filter");
	return result;
}

static int set_filter(const char *expression)
{
	char error[256];
	struct filter *filter;
	char *copy = strdup(expression);
	int result = copy ? filter_parse(&filter, expression, error, sizeof error) : -ENOMEM;
	if (result) {
		rill__diagnose(__func__, "%s. The old filter stays", copy ? error : "no memory");
		free(copy);
		return result;
	}
	struct filter *old = runtime.filter;
	char *old_expression = runtime.expression;
	/* Before the old ones are freed: a child may be made in between (core/lock.c). */
	__atomic_store_n(&runtime.filter, filter, __ATOMIC_RELEASE);
	__atomic_store_n(&runtime.expression, copy, __ATOMIC_RELEASE);
	filter_free(old);
	free(old_expression);
	return 0;
}

static void tell(const char *sentence)
{
	rill__diagnose("filter", "%s", sentence);
}

static void check_filter(void)
{
	const struct rill_catalogs *catalogs = registry_catalogs();
	if (runtime.filter)
		filter_check(runtime.filter, catalogs->catalog, catalogs->count, tell);
}

int rill_filter_apply(const char *expression)
{
	control_lock();
	int result = set_filter(expression);
	if (result == 0) {
		runtime.check_due = 0;
		check_filter();
		result = publish(false);
	}
	control_unlock();
	return result;
}

/* --- sinks --------------------------------------------------------------------------------- */

static int add_sink(const char *spec)
{
	char *copy = strdup(spec);
	if (!copy || runtime.nspecs == MAX_SINKS || !have_collector()) {
		free(copy);
		return -ENOMEM;
	}
	int result = open_spec(runtime.collector, spec);
	if (result)
		free(copy);
	else
		runtime.specs[runtime.nspecs++] = copy;
	return result;
}

int rill_sink_add(const char *spec)
{
	control_lock();
	int result = add_sink(spec);
	if (result == 0 && !runtime.filter)
		set_filter(DEFAULT_FILTER);
	if (result == 0)
		publish(false);
	control_unlock();
	return result;
}

/* A sink of the environment that cannot be opened counts what it did not get, and stays configured:
 * a child may have more luck. */
static void add_sink_or_broken(const char *spec)
{
	if (!have_collector())
		return;
	char *copy = runtime.nspecs < MAX_SINKS ? strdup(spec) : NULL;
	if (!copy) {
		rill__diagnose(__func__, "sink \"%s\": %s", spec,
			       runtime.nspecs < MAX_SINKS ? "no memory" : "too many sinks");
		return;
	}
	struct output output;
	if (open_spec(runtime.collector, spec) != 0 && broken_open(&output, spec))
		collector_add_output(runtime.collector, output);
	runtime.specs[runtime.nspecs++] = copy;
}

/* --- the environment ----------------------------------------------------------------------- */

/* A variable that is empty is not set. */
static const char *value_of(const char *name)
{
	const char *value = secure_getenv(name);
	return value && *value ? value : NULL;
}

static void configure_from_environment(void)
{
	settings_from_environment();
	const char *filter = value_of("RILL_FILTER");
	const char *sinks = value_of("RILL_SINKS");
	if (!filter && !sinks)
		return;
	if (set_filter(filter ? filter : DEFAULT_FILTER) != 0)
		set_filter(DEFAULT_FILTER);
	char *list = strdup(sinks ? sinks : "text:stderr");
	char *next = list;
	if (!list)
		rill__diagnose(__func__, "no memory to read RILL_SINKS: nothing is recorded");
	for (char *spec; list && (spec = strsep(&next, ",")) != NULL;) {
		spec += strspn(spec, " \t");
		if (*spec)
			add_sink_or_broken(spec);
	}
	free(list);
}

/*
 * Objects register one after another while a program starts, so a rule may name an event of a
 * catalog that is about to come. What still matches nothing a moment later is told, or when the
 * program is over before that.
 */
static void check_if_due(void)
{
	if (runtime.check_due == prim_pid()) {
		runtime.check_due = 0;
		check_filter();
	}
}

static void check_later(void *argument)
{
	(void)argument;
	prim_sleep(50000000);
	control_lock();
	check_if_due();
	control_unlock();
}

static bool unmatched;

static void note_unmatched(const char *sentence)
{
	(void)sentence;
	unmatched = true;
}

void rill__configure(void)
{
	bool first = !runtime.configured;
	runtime.configured = true;
	if (first)
		configure_from_environment();
	if (runtime.collector && mine())
		leave_catalogs(process_get());
	/* Nothing that is on goes off: no use in waiting long for an event of another object. */
	if (runtime.filter)
		publish(true);
	if (first && runtime.filter) {
		const struct rill_catalogs *catalogs = registry_catalogs();
		unmatched = false;
		filter_check(runtime.filter, catalogs->catalog, catalogs->count, note_unmatched);
		if (unmatched) {
			runtime.check_due = prim_pid();
			prim_thread_start(check_later, NULL, "rill-check");
		}
	}
}

/* --- a child's collector ------------------------------------------------------------------- */

/* Under the control lock: of a child that has emitted, and has none. */
static void start_in_child(struct process *process)
{
	uint32_t state = COLLECTOR_NONE;
	if (!process || !process->is_child || ring_count(process) == 0 || runtime.nspecs == 0 ||
	    !__atomic_compare_exchange_n(&process->collector, &state, COLLECTOR_STARTING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	bool can = process->forked_pid || child_can_start();
	if (!can)
		rill__diagnose(__func__,
			       "process %u was made by clone() or _Fork() while another thread "
			       "held a lock of the C library's: its events stay in its rings",
			       process->pid);
	if (!can || !have_collector())
		__atomic_store_n(&process->collector, COLLECTOR_NEVER, __ATOMIC_RELEASE);
}

void rill__need_collector(struct process *process)
{
	/* Held by another thread: the next event asks again. */
	if (control_trylock()) {
		start_in_child(process);
		control_unlock();
	}
}

/* --- flush, stop, counts ------------------------------------------------------------------- */

/*
 * Waits outside the lock, which fork() and exit() need: a flush may take as long as its slowest
 * sink. Who flushes is counted, so that rill_stop() frees no collector that is waited for.
 */
int rill_flush(uint64_t timeout_ns)
{
	control_lock();
	start_in_child(process_peek());
	struct collector *collector = mine() ? runtime.collector : NULL;
	if (collector)
		collector_hold(collector);
	control_unlock();
	if (!collector)
		return 0;
	int result = collector_flush(collector, timeout_ns);
	collector_release(collector);
	return result;
}

static void add_losses(struct process *process, struct rill_counts *counts)
{
	uint32_t nlosses = registry_events();
	struct event_loss *losses = calloc((size_t)nlosses + 1, sizeof *losses);
	if (losses)
		ring_losses(process, losses, nlosses);
	for (uint32_t i = 0; losses && i < nlosses; i++) {
		counts->filtered += losses[i].filtered;
		counts->discarded += losses[i].discarded;
	}
	free(losses);
}

/* Logs do not show what never reached them. */
static void tell_losses(struct process *process)
{
	struct rill_counts counts = {0};
	add_losses(process, &counts);
	if (!mine())
		runtime.discards_told = 0;
	if (counts.discarded > runtime.discards_told)
		rill__diagnose(__func__,
			       "%llu events were discarded: no room in a ring (RILL_RING_SIZE, "
			       "RILL_POLICY), or none for another ring (RILL_RING_MEMORY)",
			       (unsigned long long)(counts.discarded - runtime.discards_told));
	runtime.discards_told = counts.discarded;
}

/* The collector is held up: what it has not taken stays in the rings' files. */
static void leave_behind(struct process *process)
{
	struct ring_rest rest;
	ring_rest(process, &rest);
	if (rest.records && process->directory[0])
		rill__diagnose(__func__,
			       "a sink does not take its records: %llu of them (%llu bytes) are "
			       "left behind in %s, for rill recover (RILL_EXIT_TIMEOUT)",
			       (unsigned long long)rest.records, (unsigned long long)rest.bytes,
			       process->directory);
	else
		rill__diagnose(__func__,
			       "a sink does not take its records: %llu of them (%llu bytes) are "
			       "lost, and it is not closed (RILL_EXIT_TIMEOUT)",
			       (unsigned long long)rest.records, (unsigned long long)rest.bytes);
}

static void stop_collector(struct process *process)
{
	int error = collector_stop(runtime.collector);
	if (error)
		runtime.leaving = runtime.collector;
	runtime.collector = NULL;
	__atomic_store_n(&process->collector, COLLECTOR_NONE, __ATOMIC_RELEASE);
	if (error == -ETIMEDOUT || error == -ENOMEM)
		leave_behind(process);
	else
		ring_remove_files(process);
	tell_losses(process);
}

static void stop(void)
{
	check_if_due();
	start_in_child(process_peek());
	bool memory = child_has_memory();
	size_t nspecs = runtime.nspecs;
	__atomic_store_n(&runtime.nspecs, 0, __ATOMIC_RELEASE);
	for (size_t i = 0; i < nspecs && memory; i++)
		free(runtime.specs[i]);
	if (runtime.on)
		publish(true);
	struct process *process = process_peek();
	if (!process)
		return;
	if (runtime.collector && mine()) {
		stop_collector(process);
	} else if (memory && (!mine() || !runtime.leaving || collector_stopped(runtime.leaving))) {
		/* Also of a child that had none, and of one that was held up and came to its end
		 * after all. If it had to be without, its rings are for rill recover. */
		ring_remove_files(process);
		tell_losses(process);
	}
}

/* False: another thread has held the lock for as long as stopping may take. */
static bool lock_to_stop(void)
{
	while (!control_trylock()) {
		if (prim_monotonic_ns() >= stopping_until_ns(false))
			return false;
		prim_sleep(500000);
	}
	return true;
}

void rill_stop(void)
{
	stopping_begin();
	if (lock_to_stop()) {
		stop();
		control_unlock();
	} else {
		rill__diagnose(__func__, "another thread is still busy with a sink or a filter: "
					 "recording is not stopped, and what is in the rings is "
					 "left behind, for rill recover");
	}
	stopping_end();
}

/* Last of all destructors of the object that librill is part of: those of the program, and
 * everything that was given to atexit(), have run. */
__attribute__((destructor(101))) static void stop_at_exit(void)
{
	rill_stop();
}

void rill_counts_get(struct rill_counts *counts)
{
	struct collector_counts collected = {0};
	memset(counts, 0, sizeof *counts);
	control_lock();
	struct process *process = process_peek();
	int error = 0;
	if (runtime.collector && mine())
		error = collector_counts(runtime.collector, &collected, COUNTS_TIMEOUT_NS);
	if (error)
		rill__diagnose(__func__, "counts are missing: %s",
			       error == -ENOMEM ? "no memory" : "the collector does not answer");
	counts->drained = collected.drained;
	counts->late = collected.late;
	counts->bad = collected.bad;
	counts->cut = encode_cut_count();
	add_losses(process, counts);
	if (process) {
		counts->repaired = __atomic_load_n(&process->repaired, __ATOMIC_RELAXED);
		counts->rings = ring_count_mapped(process);
	}
	control_unlock();
}
