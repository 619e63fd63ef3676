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
#include "control/dump_spec.h"
#include "control/filter.h"
#include "control/settings.h"
#include "core/clock.h"
#include "core/core.h"
#include "core/diagnose.h"
#include "sink/sink.h"

#define MAX_SINKS       (MAX_OUTPUTS + MAX_DUMPS)
#define DEFAULT_FILTER  "*=info"
#define STOP_TIMEOUT_NS UINT64_C(5000000000)

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
	uint32_t pid;              /* of both collectors' process */
	bool on;                   /* some gate may be open */
	uint32_t check_due;        /* process whose filter is yet to be checked, or 0 */
	uint64_t discards_told;    /* of the process `pid` */
} runtime;

/* --- opening sinks ------------------------------------------------------------------------- */

static void describe(struct dump_target *target, const struct process *process)
{
	target->process = (struct dump_process){
		.pid = process->pid,
		.id = {process->id[0], process->id[1]},
		.start_ns = process->start_ns,
		.program = program_invocation_short_name,
		.host = target->host,
		.clock = clock_name(),
		.writer = "rill " RILL_VERSION,
	};
	prim_random(&target->process.series, sizeof target->process.series);
	prim_host_name(target->host, sizeof target->host);
	prim_boot_id(target->process.boot);
}

static int open_dump(const struct process *process, const char *argument, char *error, size_t size)
{
	struct dump_target *target;
	int result = dump_spec_parse(&target, argument, error, size);
	if (result)
		return result;
	describe(target, process);
	struct prim_quiet quiet; /* this thread writes what the file begins with */
	prim_quiet_begin(&quiet);
	result = dump_target_begin(target, error, size);
	prim_quiet_end(&quiet);
	if (result) {
		dump_target_free(target);
		return result;
	}
	result = collector_add_dump(runtime.collector, target);
	if (result == -ENOMEM)
		snprintf(error, size, "no memory");
	else if (result)
		snprintf(error, size, "more than %u dumps", MAX_DUMPS);
	return result;
}

static int open_output(const char *spec, char *error, size_t size)
{
	struct sink *sink;
	int result = sink_open(&sink, spec, error, size);
	if (result)
		return result;
	result = collector_add_output(runtime.collector, sink_output(sink));
	if (result == -ENOMEM)
		snprintf(error, size, "sink \"%s\": no memory", spec);
	else if (result)
		snprintf(error, size, "sink \"%s\": more than %u sinks", spec, MAX_OUTPUTS);
	return result;
}

static int open_spec(const char *spec)
{
	char error[512] = "";
	bool is_dump = strncmp(spec, "dump:", 5) == 0;
	int result = is_dump ? open_dump(process_get(), spec + 5, error, sizeof error)
			     : open_output(spec, error, sizeof error);
	if (result && is_dump)
		rill__diagnose(__func__, "sink \"%s\": %s", spec, error);
	else if (result)
		rill__diagnose(__func__, "%s", error);
	return result;
}

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
	runtime.collector = collector_start(process);
	__atomic_store_n(&process->collector,
			 runtime.collector ? COLLECTOR_STARTED : COLLECTOR_NONE, __ATOMIC_RELEASE);
}

/* Under the control lock. In a child: its own, with the parent's sinks opened anew. */
static bool have_collector(void)
{
	bool in_child = runtime.pid != 0 && runtime.pid != prim_pid();
	if (runtime.pid != prim_pid()) {
		if (runtime.collector)
			collector_forget(runtime.collector);
		runtime.collector = runtime.leaving = NULL;
		runtime.discards_told = 0;
		runtime.pid = prim_pid();
	}
	/* Whoever waits for a flush of it has the answer and is about to let go. */
	for (int i = 0; i < LEAVING_MS && runtime.leaving && !collector_stopped(runtime.leaving);
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
	for (size_t i = 0; in_child && runtime.collector && i < runtime.nspecs; i++)
		open_spec(runtime.specs[i]);
	return runtime.collector != NULL;
}

/* --- filter -------------------------------------------------------------------------------- */

static void decide(const struct rill_catalog *catalog, unsigned char *bits, void *context)
{
	filter_bits(context, catalog, bits);
}

static void open_again(struct process *process);

/* What the filter says while there is somewhere to write; everything off otherwise. */
static int publish(bool at_exit)
{
	struct epoch epoch;
	bool on = runtime.nspecs > 0 && runtime.filter;
	int result = registry_publish(decide, on ? runtime.filter : NULL, at_exit, &epoch);
	runtime.on = on;
	struct process *process = process_peek();
	uint32_t none = COLLECTOR_NONE;
	/* A child in which another thread's first event came while this one held the lock. */
	if (on && process && runtime.pid != prim_pid() &&
	    __atomic_compare_exchange_n(&process->collector, &none, COLLECTOR_STARTING, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		open_again(process);
	if (runtime.collector && runtime.pid == prim_pid())
		collector_add_epoch(runtime.collector, &epoch, on ? runtime.expression : "*=off");
	if (result && !at_exit)
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
	filter_free(runtime.filter);
	free(runtime.expression);
	runtime.filter = filter;
	runtime.expression = copy;
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
	int result = open_spec(spec);
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
	if (open_spec(spec) != 0 && broken_open(&output, spec))
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
	if (runtime.filter)
		publish(false);
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

/* --- a child's first event ----------------------------------------------------------------- */

static void open_again(struct process *process)
{
	if (runtime.nspecs == 0 || !have_collector())
		__atomic_store_n(&process->collector, COLLECTOR_NONE, __ATOMIC_RELEASE);
}

void rill__need_collector(struct process *process)
{
	/* Held: by another thread, which starts it when it is done (publish()); or, after clone()
	 * or _Fork(), by one of the parent's that is not here. */
	if (!control_trylock()) {
		__atomic_store_n(&process->collector, COLLECTOR_NONE, __ATOMIC_RELEASE);
		return;
	}
	open_again(process);
	control_unlock();
}

/* --- flush, stop, counts ------------------------------------------------------------------- */

/*
 * Waits outside the lock, which fork() and exit() need: a flush may take as long as its slowest
 * sink. Who flushes is counted, so that rill_stop() frees no collector that is waited for.
 */
int rill_flush(uint64_t timeout_ns)
{
	control_lock();
	struct collector *mine = runtime.pid == prim_pid() ? runtime.collector : NULL;
	if (mine)
		collector_hold(mine);
	control_unlock();
	if (!mine)
		return 0;
	int result = collector_flush(mine, timeout_ns);
	collector_release(mine);
	return result;
}

static void add_losses(struct process *process, struct rill_counts *counts)
{
	uint32_t nlosses = registry_events();
	struct catalog_loss *losses = calloc((size_t)nlosses + 1, sizeof *losses);
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
	if (counts.discarded > runtime.discards_told)
		rill__diagnose(__func__,
			       "%llu events were discarded: no room in a ring (RILL_RING_SIZE, "
			       "RILL_POLICY), or none for another ring (RILL_RING_MEMORY)",
			       (unsigned long long)(counts.discarded - runtime.discards_told));
	runtime.discards_told = counts.discarded;
}

void rill_stop(void)
{
	control_lock();
	check_if_due();
	for (size_t i = 0; i < runtime.nspecs; i++)
		free(runtime.specs[i]);
	runtime.nspecs = 0;
	if (runtime.on)
		publish(true);
	struct process *process = process_peek();
	if (runtime.collector && runtime.pid == prim_pid() && process) {
		int error = collector_stop(runtime.collector, STOP_TIMEOUT_NS);
		if (error == -ETIMEDOUT)
			rill__diagnose(__func__, "a sink does not take its records: they are left "
						 "behind");
		if (error)
			runtime.leaving = runtime.collector;
		runtime.collector = NULL;
		__atomic_store_n(&process->collector, COLLECTOR_NONE, __ATOMIC_RELEASE);
	}
	/* Also of a child whose collector could not be started. */
	if (process) {
		ring_remove_files(process);
		tell_losses(process);
	}
	control_unlock();
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
	if (runtime.collector && runtime.pid == prim_pid())
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
		counts->rings = ring_count(process);
	}
	control_unlock();
}
