/* What the files of the collector share. Everything is the collector thread's own unless it says
 * otherwise. */
#ifndef RILL_COLLECT_STATE_H
#define RILL_COLLECT_STATE_H

#include "collect/collector.h"
#include "collect/line.h"
#include "collect/open.h"

/* How long a ring without records stays under observation before its producer is armed again. */
#define LINGER_NS 60000000u
/* How long it sleeps between looks: the latency of a line at low rates. */
#define NAP_NS 1000000u
/* The same when only dumps are written, which nobody watches line by line. */
#define DUMP_NAP_NS 20000000u
/* A ring's fill is reckoned in parts of 2^FILL_SHIFT. */
#define FILL_SHIFT 16
/* How often it says that events are being discarded, and that the counter goes wrong. */
#define TELL_EVERY_NS UINT64_C(60000000000)
/* How long live outputs wait for an event that began before the batch's time. */
#define PATIENCE_NS 2000000u

/* Files that a flush syncs one by one. */
#define UNSYNCED_MOST 64u

/* Per event of all catalogs, by index. */
struct tally {
	uint64_t drained;
	uint64_t failed; /* of one dump: not written */
	struct {
		uint64_t written;
		uint64_t filtered;
		uint64_t discarded;
		uint64_t failed;
	} said; /* by its last COUNTS */
};

struct dump_slot {
	struct dump_writer *writer; /* of the current file; the target's until it is added */
	struct dump_target *target;
	uint32_t ncatalogs; /* already in it */
	bool failing;       /* a write failed, and none of records worked since: said once */
	bool stays;         /* another file could not be begun: said once */
	struct tally *tally;
	uint64_t begun_ns;                             /* the file, by the monotonic clock */
	uint64_t retry_ns;                             /* not before is another file begun */
	uint64_t first_at;                             /* size of what the file begins with */
	uint64_t open_at;                              /* size of the file after its last OPEN */
	uint64_t counted_ticks;                        /* up to here its COUNTS hold */
	uint64_t values_cut_said;                      /* by them */
	struct dump_span_summary *spans[MAX_CATALOGS]; /* by catalog and span */
	struct retaining *retaining;
	/* Finished, and not synced since; when there were more, the whole file system will be. */
	char *unsynced[UNSYNCED_MOST];
	uint32_t nunsynced;
	bool many_unsynced;
	bool named; /* what is in its folder is synced */
};

enum message_kind {
	MESSAGE_OUTPUT,
	MESSAGE_DUMP,
	MESSAGE_EPOCH,
	MESSAGE_FLUSH,
	MESSAGE_COUNTS,
	MESSAGE_STOP,
};

struct message {
	struct message *next;
	enum message_kind kind;
	struct output output;
	struct dump_target *target;
	struct epoch epoch;
	char *expression;
	struct collector_counts counts;
	int result;
	uint32_t done;   /* futex */
	uint32_t owners; /* sender and collector: the last one frees it */
};

/* One ring's share of a pass. */
struct cursor {
	struct ring *ring;
	uint64_t at;     /* position of the record in hand */
	uint64_t packed; /* up to here it is in the pack */
	uint64_t end;    /* of what this pass reads */
	uint64_t taken;  /* of what this pass gives back: more than end if bytes are no records */
	uint64_t order;  /* its ticks, and never less than those before it in the ring */
	struct raw_record raw;
};

struct collector {
	struct process *process;
	uint64_t process_id[2];
	struct message *mailbox; /* shared: pushed by anyone, taken whole */
	struct message stop;     /* the last one: sent once */
	uint32_t tid;            /* shared: of its thread; 0: not started yet */
	uint32_t begun;          /* shared: rings may be drained; futex */
	uint32_t stopped;        /* shared */
	uint32_t holders;        /* shared: who may still call collector_flush() */

	struct ring **active;
	uint32_t nactive;
	struct cursor *cursors; /* as many as active */
	uint32_t capacity;

	struct pipeline *pipeline;
	struct output outputs[MAX_OUTPUTS];
	uint32_t noutputs;
	struct dump_slot dumps[MAX_DUMPS];
	uint32_t ndumps;
	struct dump_pack *pack;  /* NULL until there is a dump */
	struct open_spans *open; /* the same */
	struct epoch epoch;      /* the last one */
	char *expression;        /* of it; NULL: there was none */
	uint32_t ntally;         /* length of every tally */
	uint32_t catalogs_seen;  /* for keys whose values are secret */
	bool secrets;            /* there are some */

	struct clock_maker clock;
	struct line line;     /* of its points */
	bool restamps;        /* the counter was found to be wrong: drain.c corrects it */
	uint64_t jump_due_ns; /* not before is another jump of it told */
	uint64_t clock_due_ns;
	uint64_t counts_due_ns;
	uint64_t house_due_ns;
	uint64_t reap_due_ns;
	uint64_t alone_due_ns; /* once the main thread has ended */
	uint64_t discards_told;
	uint64_t tell_due_ns;
	uint64_t fill;      /* of the fullest ring at the last pass: its share << FILL_SHIFT */
	uint64_t pass_ns;   /* when that was */
	uint64_t watermark; /* ticks: the newest record handed to outputs */

	struct collector_counts counts; /* read by others, relaxed */
};

/* src/collect/collector.c: the thread. */
void collector_run(void *collector);
/* For so many active rings. False: no memory. */
bool collector_room(struct collector *collector, uint32_t capacity);

/* src/collect/mailbox.c: sender and collector both let go of a message; the last one frees it. */
void message_release(struct message *message);

/* src/collect/drain.c: one pass over the active rings. Returns the bytes taken. `all`: also what
 * was published after the pass began. */
uint64_t drain_pass(struct collector *collector, bool all);

/* src/collect/dumps.c */
/* 0; -ENOMEM: the target is still the caller's. */
int dumps_add(struct collector *collector, struct dump_target *target);
void dumps_clock(struct collector *collector);
/* Writes the pack to every dump, counts it, and empties it. */
void dumps_put(struct collector *collector);
/* The expression is the collector's from then on. */
void dumps_epoch(struct collector *collector, const struct epoch *epoch, char *expression);
/* Tells of an error, and of the end of a time of errors. */
void dump_told(struct dump_slot *dump, int error);
/* Writes the catalogs from *n on. 0, or an error: *n stands at the one that is missing. */
int put_catalogs(struct dump_writer *writer, uint32_t *n);

/* src/collect/counts.c */
struct counting {
	struct event_loss *losses;
	struct dump_count *counts; /* room for every event */
	uint32_t nlosses;
	uint64_t ticks;
};
/* False: no memory. */
bool counting_begin(struct collector *collector, struct counting *counting);
void counting_end(struct counting *counting);
/* What has changed since the last ones. */
int counts_put(const struct collector *collector, struct dump_slot *dump,
	       const struct counting *counting);
/* What a file begins with: all. */
int counts_put_base(const struct collector *collector, struct dump_slot *dump,
		    struct dump_writer *writer, const struct counting *counting);
void dumps_counts(struct collector *collector);

/* src/collect/rotate.c */
/* Begins another file when it is time. */
void rotate_if_due(struct collector *collector, struct dump_slot *dump);
/* The same for all whose age says so. Returns when that will be next, by the monotonic clock. */
uint64_t dumps_rotate_old(struct collector *collector);
/* src/collect/sync.c: at the end of a file; at a flush: 0, or negative errno; without a flush. */
void sync_later(struct dump_slot *dump, const char *path);
int sync_now(struct dump_slot *dump);
void sync_forget(struct dump_slot *dump);

void span_ended(void *collector, const struct open_ended *ended);
/* Writes what stands at the end of each dump, and closes it. */
void dumps_close(struct collector *collector);

#endif
