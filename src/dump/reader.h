/* What the parts of the reader share: files, their blocks, the processes that wrote them. */
#ifndef RILL_DUMP_READER_H
#define RILL_DUMP_READER_H

#include "dump/format.h"
#include "dump/unpack.h"

#define MAX_CATALOGS 256u

/* Bounds on memory, whatever a trace says. A body is that of one block, as it is stored or not. */
#define BODY_MOST     (24u << 20)
#define INDEX_MOST    (16u << 20)
#define DECODED_BYTES ((size_t)64 << 20) /* chunks that are read at the moment */
#define MOST_RUNS     (128u << 10)
#define MOST_PENDING  (1u << 20) /* chunks that are known to come, of all groups */
#define MOST_POINTS   (1u << 20)
#define MOST_RINGS    (256u << 10)
#define MOST_GROUPS   (1u << 20)
#define MOST_COUNTS   (1u << 20) /* COUNTS blocks */
#define MOST_LOSSES   (128u << 10)
#define ORDER_BYTES   ((size_t)32 << 20)
#define TEXT_BYTES    ((size_t)48 << 20) /* catalogs, epochs, counts */
#define OPEN_FILES    32u

/* Blocks of a group that the reader itself makes: at least so many. */
#define GROUP_BLOCKS 1024u

struct buffer {
	unsigned char *bytes;
	size_t room;
};

/* A catalog, common to all processes that have the same. */
struct known_catalog {
	struct known_catalog *next;
	const unsigned char *packed; /* without its index */
	size_t size;
	uint64_t hash;
	const struct rill_catalog *catalog;
	unsigned char *marks; /* by event: MARK_WANTED, MARK_ROLE */
	uint32_t *id_keys;    /* by dump_want.ids: key, ID_NONE or ID_ANYWHERE */
};

#define MARK_WANTED 1u
#define MARK_ROLE   2u
#define ID_NONE     UINT32_MAX       /* the catalog has no such key */
#define ID_ANYWHERE (UINT32_MAX - 1) /* filters do not tell */

/* A process: all of its files. */
struct origin {
	struct dump_origin info;
	struct origin *other; /* of another series of the same process; NULL: the last one */
	uint32_t kin;         /* index of the first one of the process */
	uint32_t index;
	uint32_t nshares;
	struct share **shares; /* by part */
	struct dump_epoch *epochs;
	const struct rill_catalog *catalogs[MAX_CATALOGS];
	const struct known_catalog *known[MAX_CATALOGS];
	bool prepared; /* where reading starts has been found */
};

/* What is of one process in a file. Most files have one. */
struct share {
	struct dump_file info;
	struct file *file;
	struct origin *origin;
	uint32_t index; /* of its struct dump_file */
	uint16_t process;
	bool named;    /* its PROCESS block has been read */
	bool news;     /* catalogs or filters that its origin does not know yet */
	bool tells;    /* what damage its file has: the first one does */
	bool left_out; /* of a file that is there twice */
	const struct known_catalog **known;
	const struct rill_catalog **catalogs;
	uint32_t ncatalogs;
	struct clock_point *points;
	size_t npoints;
	struct dump_epoch *epochs;
	size_t nepochs;
	uint64_t start;      /* blocks before this position are not read */
	uint64_t open_start; /* the set of OPEN blocks that is read, up to open_end */
	uint64_t open_end;
	uint64_t open_known_ns; /* records of it up to then are in a part before */
	/* COUNTS blocks: their positions, and one more where events may have been lost. */
	uint64_t *count_blocks;
	size_t ncount_blocks;
	uint64_t first_records; /* position of its first RECORDS; 0: none */
	bool counted;           /* the following are there */
	struct dump_count *counts;
	struct dump_loss *losses;
};

/* A chunk that is known to come. */
struct pending {
	uint64_t min_ns;
	uint64_t position;
	uint32_t size;
	uint32_t records : 30; /* by the index; they count as records of the file already */
	uint32_t context : 1;  /* nothing in it was asked for */
};

/* Blocks that follow each other in a file: those of an INDEX, or about as many. */
struct group {
	struct file *file;
	uint64_t from; /* bytes of the file */
	uint64_t to;
	uint64_t index; /* position of their INDEX; 0: none that can be used */
	uint64_t first; /* ticks of its RECORDS; greater than `last`: it has none */
	uint64_t last;
	uint64_t min_ns; /* of what is next in it; while it is not loaded: not after that */
	uint64_t max_ns;
	uint64_t open; /* position of the last set of OPEN blocks; 0: none */
	struct pending *pending;
	uint32_t npending;
	uint32_t next; /* of them; kept when they are forgotten */
	uint32_t nblocks;
	uint64_t nrecords; /* by its index */
	bool verified;
};

struct file {
	struct dump_reader *reader;
	char *path;
	int fd;
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	uint64_t end;      /* of what is known of it */
	uint32_t sequence; /* of the block that comes there */
	bool running;      /* its process still writes to it */
	bool finished;
	bool unreadable;
	bool end_told;
	bool disorder_told;
	struct share **shares; /* by the index of their PROCESS block */
	size_t nshares;
	bool clocks_differ;
	struct group **groups;
	size_t ngroups;
	size_t nmerged; /* groups that the merge has been given */
	size_t ndamages;
	size_t ntold;    /* of these, in `damage` */
	size_t sentence; /* bytes of the first one */
	char damage[300];
};

/* --- damage.c ------------------------------------------------------------------------------ */

/* Notes damage; the first sentence is kept, the others are counted. */
void file_damage(struct file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *file_damage_text(struct file *file);

/* --- input.c: bytes and blocks ------------------------------------------------------------- */

struct input {
	struct file *open[OPEN_FILES];
	uint32_t hand;
	struct buffer body;
	struct buffer inflated;
	struct buffer listing; /* of a group */
	struct ZSTD_DCtx_s *zstd;
};

int file_descriptor(struct file *file);
void file_put_away(struct file *file);
/* 0; -EBADMSG: the file is shorter; another negative errno. */
int file_read(struct file *file, void *to, size_t size, uint64_t position);
/* 0: a header stands there; -EBADMSG; another negative errno. */
int file_header(struct file *file, uint64_t position, struct block *block);
/* The body, checked and not compressed, followed by slack; it stays until the next call. 0;
 * -EBADMSG; -ENOMEM; what reading says. */
int file_body(struct file *file, const struct block *block, const unsigned char **body,
	      size_t *size);
/* Whether the body's check is right, without keeping it. 0; as above. */
int file_check(struct file *file, const struct block *block);
/* The next place from `position` on, below `end`, where a block begins; else `end`. */
uint64_t file_resynchronise(struct file *file, uint64_t position, uint64_t end);
int buffer_room(struct buffer *buffer, size_t size);
void input_close(struct input *input);

/* Where the block after this one begins. */
static inline uint64_t block_end(const struct block *block)
{
	return block->position + BLOCK_HEADER_SIZE + ((block->size + 7) & ~UINT64_C(7));
}

/* --- walk.c: from header to header --------------------------------------------------------- */

enum step {
	STEP_END,   /* there is no more */
	STEP_BLOCK, /* `block` is whole */
	STEP_NOISE, /* no block from `from` to `at` */
	STEP_CUT,   /* `block` goes on behind the end; or, of size 0, its header does */
	STEP_ERROR, /* `error` */
};

struct stepper {
	struct file *file;
	uint64_t at; /* where the next block is looked for */
	uint64_t end;
	uint64_t from;
	struct block block;
	int error;
};

enum step step_next(struct stepper *stepper);

/* --- bodies.c: what is not records --------------------------------------------------------- */

/* Reads a block of type PROCESS, CATALOG, CLOCK or EPOCH; of others, whose process it is. 0, with
 * damage noted; -ENOMEM. */
int file_take(struct file *file, const struct block *block);
/* False: so much text would be more than the reader may take. */
bool reader_charge(struct dump_reader *reader, size_t bytes);
struct share *file_share(const struct file *file, uint16_t process);
/* The share of a process, made when there is none. 0; -EBADMSG: none can be; -ENOMEM. */
int file_share_get(struct file *file, uint16_t process, struct share **made);
void share_free(struct share *share);
/* Nanoseconds that the times from `first` to `last` lie within, and whether they keep their order.
 */
struct time_range {
	uint64_t min_ns;
	uint64_t max_ns;
	bool straight;
};
struct time_range share_times(const struct share *share, uint64_t first, uint64_t last);

/* --- index.c: groups ----------------------------------------------------------------------- */

/* Finds all blocks of a file that are not known yet, and reads what is not records. 0; -ENOMEM. */
int file_scan(struct file *file);

bool block_is_body(uint16_t type); /* file_take() reads it */

struct index_head {
	struct block block;
	uint64_t before;
	uint32_t count;
	uint32_t events_size;
	uint32_t filters_size;
};

/* 0; -EBADMSG: no INDEX that can be used stands there; another negative errno. */
int index_head_read(struct file *file, uint64_t position, struct index_head *head);
/* Whether the entry's block begins at *position, where the one before ended. */
bool index_entry_follows(const struct index_entry *entry, uint64_t *position);

/* --- list.c -------------------------------------------------------------------------------- */

/* What stands in a group, one after the other. */
struct listed {
	struct index_entry entry;
	const unsigned char *events; /* NULL: not known, nor is the filter */
	const unsigned char *filter;
};

typedef int (*group_callback)(void *context, struct group *group, const struct listed *listed);
/* Calls back for each block, until something else than 0 is returned. verify: the index is held
 * against the blocks, and all checks are made. */
int group_list(struct group *group, bool verify, group_callback callback, void *context);

/* --- origins.c ----------------------------------------------------------------------------- */

/* Gives each new share its process. 0; -ENOMEM. */
int origins_find(struct dump_reader *reader);

/* --- want.c -------------------------------------------------------------------------------- */

int catalog_mark(struct dump_reader *reader, struct known_catalog *known);
/* Where reading of an origin starts. */
int origin_prepare(struct dump_reader *reader, struct origin *origin);
enum need { NEED_NOT, NEED_CONTEXT, NEED_ALL };
/* What of a chunk is needed; events, filter: NULL: not known. */
enum need want_chunk(const struct dump_reader *reader, const struct share *share,
		     const struct time_range *times, const unsigned char *events,
		     const unsigned char *events_end, const unsigned char *filter,
		     uint32_t filter_size);
/* Likewise of a record; NEED_CONTEXT: it is handed out as context. */
enum need want_record(const struct dump_reader *reader, const struct share *share,
		      const struct raw_record *raw, uint64_t ns);

/* --- rings.c: which records were there already --------------------------------------------- */

struct ring_table {
	struct ring_entry *entries;
	size_t room; /* a power of two, or 0 */
	size_t count;
	bool full;
};

/* Takes note of a segment. [*from, *to) is what has not been seen of it. 0; -ENOMEM. */
int rings_see(struct ring_table *rings, struct share *share, uint64_t ring, uint64_t position,
	      uint64_t *from, uint64_t *to);
/* Tells of what is missing, once. */
void rings_report(struct ring_table *rings);
void rings_free(struct ring_table *rings);

/* --- cache.c: chunks that are read at the moment ------------------------------------------- */

struct segment {
	uint64_t ring;
	uint64_t from; /* position of the first record in the ring's stream */
	uint64_t to;   /* where those end that count */
	uint64_t seen; /* records before this position are in another segment as well */
	uint64_t nrecords;
	uint32_t offset; /* of the first record, in the decoded chunk */
	uint32_t tid;
	bool sorted; /* by time */
};

struct chunk {
	struct share *share;
	uint64_t position;
	uint64_t size;      /* of the block's body */
	uint64_t available; /* of these: less in a cut file */
	uint64_t raw_bytes; /* of its records, decoded */
	uint64_t whole;     /* of these */
	unsigned char *raw; /* NULL: not decoded */
	struct segment *segments;
	uint32_t nsegments;
	uint32_t users;
	uint64_t epoch; /* in which records of it were handed out last */
	struct chunk *older;
	struct chunk *newer;
	bool open;    /* of type OPEN */
	bool context; /* nothing in it was asked for */
	bool vouched; /* every record decodes by a catalog that is there */
};

/* A chunk is seldom larger; memory of that size is kept for the next. */
#define RAW_USUAL    (96u << 10)
#define SPARE_CHUNKS 8u
/* Of chunks that nobody reads any more: freeing each at once would be no gain. */
#define IDLE_MOST 4u

struct cache {
	struct decoder *decoder;
	struct chunk *oldest; /* of those that are decoded, by last use */
	struct chunk *newest;
	struct chunk *idle; /* nobody reads them any more, but their bytes may be in use */
	uint32_t nidle;
	uint64_t epoch;
	size_t decoded;                     /* bytes */
	unsigned char *spare[SPARE_CHUNKS]; /* memory of RAW_USUAL bytes each, for chunks */
	uint32_t nspare;
	size_t handed;  /* of these, in chunks of this epoch */
	uint64_t again; /* bytes that were decoded once more */
};

/* A chunk, decoded, with what the index said of it. *made: NULL when nothing of it is needed or can
 * be read. 0; -ENOMEM. */
int cache_open(struct dump_reader *reader, struct file *file, const struct pending *pending,
	       struct chunk **made);
/* Decodes it once more if it has to be. 0; negative errno: it cannot be read any more. */
int cache_use(struct dump_reader *reader, struct chunk *chunk);
/* The chunk is not what it was when it was read first. */
void cache_changed(const struct chunk *chunk);
void cache_mark(struct cache *cache, struct chunk *chunk);
/* Records of it are handed out. */
static inline void cache_hand_out(struct cache *cache, struct chunk *chunk)
{
	if (chunk->epoch != cache->epoch)
		cache_mark(cache, chunk);
}
void cache_release(struct cache *cache, struct chunk *chunk);
/* Whether cache_next_epoch() takes memory back that is handed out. */
static inline bool cache_expires(const struct cache *cache)
{
	return cache->nidle > IDLE_MOST || cache->handed > DECODED_BYTES / 2;
}
void cache_next_epoch(struct cache *cache);
void cache_close(struct cache *cache);

/* --- merge.c ------------------------------------------------------------------------------- */

struct run_entry {
	uint64_t ns; /* of its next record */
	struct run *run;
};

struct merge {
	struct run_entry *runs; /* a heap */
	size_t nruns;
	size_t room;
	struct run *free;
	uint32_t nburst; /* records of the run at the top that come as they are: order would cost
			    too much */
	struct group **groups; /* a heap */
	size_t ngroups;
	size_t groups_room;
	size_t npending; /* of all groups */
	size_t order;    /* bytes, of runs that had to be sorted */
};

/* Records of a file may come late, because of what their order would cost. */
void merge_disorder(struct file *file);
int run_open(struct dump_reader *reader, struct chunk *chunk, const struct segment *segment);
int merge_add_groups(struct dump_reader *reader, struct file *file);
/* Opens the next chunk of the first group. 0; -ENOMEM. */
int merge_advance(struct dump_reader *reader);
int merge_next(struct dump_reader *reader, struct dump_record *record);
void merge_close(struct dump_reader *reader);

/* --- counts.c ------------------------------------------------------------------------------ */

/* Takes note of a COUNTS block. 0; -ENOMEM. */
int counts_note(struct share *share, uint64_t position, bool lost);
/* Reads them all. 0; -ENOMEM. */
int counts_read(struct share *share);

/* --- open.c -------------------------------------------------------------------------------- */

/* Opens a file whose header is right. 0; negative errno, and a sentence. */
int reader_begin_file(struct dump_reader *reader, const char *path, struct file **made, char *error,
		      size_t error_size);
/* Opens a file and scans it. lenient: one that cannot be read is listed with its damage. */
int reader_add_file(struct dump_reader *reader, const char *path, bool lenient, char *error,
		    size_t error_size);
/* A file or all files of a directory. */
int reader_add_path(struct dump_reader *reader, const char *path, char *error, size_t error_size);
/* New files in the directories. Their number; -ENOMEM. */
int reader_add_new(struct dump_reader *reader);
void file_free(struct file *file);

/* --- the whole ----------------------------------------------------------------------------- */

struct folder {
	char *path;
	int64_t changed_ns; /* when it was read: time of its last change; 0: to be read again */
};

struct dump_reader {
	struct file **files;
	size_t nfiles;
	struct share **shares;
	size_t nshares;
	struct origin **origins;
	size_t norigins;
	struct origin **by_id; /* a hash table of processes: of each, its first series */
	size_t by_id_room;
	struct folder *folders; /* that were given */
	size_t nfolders;
	const struct dump_want *want; /* NULL: everything */
	bool whole;                   /* nothing is left out */
	struct known_catalog *catalogs;
	struct arena arena;
	size_t text; /* bytes of the arena */
	size_t npoints;
	size_t ncounts; /* COUNTS blocks */
	size_t nlosses;
	struct input input;
	struct ring_table rings;
	struct cache cache;
	struct merge merge;
	uint64_t *id_values; /* of want->ids, as filters have them */
	uint64_t done;
	uint64_t all;
};

/* Makes room for one more element of a growing array. NULL: no memory, and the old one stands. */
void *array_grow(void *array, size_t count, size_t size);

#endif
