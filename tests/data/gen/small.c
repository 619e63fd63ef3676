/*
 * The tables of catalog demo, by id.
 * Written by rill-gen from page.md: change that page, not this file.
 */
#include <rill/catalog.h>

static const char *const subsystems[] = {
	"Texts", /* 0 */
	"Keyword", /* 1 */
	"Empty", /* 2 */
};

/* The keys of each event that has any. */
static const uint16_t event_keys[] = {
	0, 1, 2, /* default */
	3, /* 9lives */
};

static const struct rill_catalog_event events[] = {
	/* 0 */
	{ "text.plain", "A plain text",
	  "Plain.",
	  NULL, 0, 0, RILL_TRACE, 0 },
	/* 1 */
	{ "text.bold", "Typography goes",
	  "Text with emphasis, code, a link, and https://example.org/.",
	  NULL, 0, 0, RILL_DEBUG, RILL_LOSS_NEVER },
	/* 2 */
	{ "text.escapes", "Escapes \\ and \"quotes\"",
	  "A bar | here and a|b there, *stars*, `ticks`, <tags> & 5 < 6 ©",
	  NULL, 0, 0, RILL_INFO, 0 },
	/* 3 */
	{ "text.c", "A comment */ closed? \\",
	  "*/ int x; /* **/ //*/ ?\?/ ?\?\?/ a backslash \\ in the middle and \\n %s \\",
	  NULL, 0, 0, RILL_WARN, 0 },
	/* 4 */
	{ "text.utf8", "Ümläute",
	  "Größe, 中文, 🦀 and é; a line that is long enough to be wrapped, in which every character counts once — ÄÄÄÄÄÄÄÄÄÄ",
	  NULL, 0, 0, RILL_ERROR, 0 },
	/* 5 */
	{ "text.wrap", "A line as wide as may be, and one too wide",
	  "äxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww end",
	  NULL, 0, 0, RILL_INFO, 0 },
	/* 6 */
	{ "default", "A keyword",
	  "Of C.",
	  event_keys + 0, 3, 1, RILL_INFO, 0 },
	/* 7 */
	{ "class", "A keyword",
	  "Of C++.",
	  NULL, 0, 1, RILL_INFO, 0 },
	/* 8 */
	{ "9lives", "A digit",
	  "Comes first.",
	  event_keys + 3, 1, 1, RILL_INFO, 0 },
};

static const struct rill_catalog_key keys[] = {
	/* 0 */
	{ "errno", "A macro of C", RILL_SET_I64, 0, RILL_NO_KEY },
	/* 1 */
	{ "class", "A keyword of C++", RILL_SET_STRING | RILL_SET_U64, RILL_KEY_LINK | RILL_KEY_GLOBAL, RILL_NO_KEY },
	/* 2 */
	{ "type", "Three types", RILL_SET_BOOL | RILL_SET_NONE | RILL_SET_EVENT, RILL_KEY_PERSONAL, RILL_NO_KEY },
	/* 3 */
	{ "my-key.x", "\"Quoted\" ?\?/ */", RILL_SET_BYTES, RILL_KEY_SECRET, RILL_NO_KEY },
	/* 4 */
	{ "peer", "Of another process", RILL_SET_U64, RILL_KEY_LINK, 5 },
	/* 5 */
	{ "own", "Of this process", RILL_SET_U64 | RILL_SET_STRING, RILL_KEY_LINK | RILL_KEY_PERSONAL, RILL_NO_KEY },
	/* 6 */
	{ "all", "Any value", RILL_SET_BOOL | RILL_SET_U64 | RILL_SET_I64 | RILL_SET_F64 | RILL_SET_DURATION | RILL_SET_TIMESTAMP | RILL_SET_STRING | RILL_SET_BYTES | RILL_SET_IP | RILL_SET_LIST | RILL_SET_EVENT | RILL_SET_NONE, 0, RILL_NO_KEY },
};

static const struct rill_catalog_span spans[] = {
	{ "life", 6, 7, 1 }, /* 0 */
	{ "nine", 7, 8, RILL_NO_KEY }, /* 1 */
};

/* librill exports its own catalog; any other belongs to the object it is in. */
#ifdef RILL_CATALOG_EXPORT
__attribute__((visibility("default")))
#else
__attribute__((visibility("hidden")))
#endif
extern const struct rill_catalog rill_catalog_demo;

const struct rill_catalog rill_catalog_demo = {
	RILL_CATALOG_LAYOUT,
	sizeof(struct rill_catalog),
	UINT64_C(0x9eb928c4ff9b949e), /* of the content */
	"demo",
	subsystems,
	events,
	keys,
	spans,
	3, /* subsystems */
	9, /* events */
	7, /* keys */
	2, /* spans */
};
