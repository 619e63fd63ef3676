/*
 * Catalog demo: 9 events in 3 subsystems, 7 keys, 2 spans.
 * Written by rill-gen from page.md: change that page, not this file.
 *
 * To emit an event of it, include this header, name the catalog once, and call
 * rill_event() with the event's name and any of the keys below, _ for . and -:
 *
 *     #define RILL_CATALOG demo
 *     ...
 *     rill_event(text_plain);
 *
 * Keys listed with an event are those it is known to carry; others may be given too.
 */
#ifndef RILL_CATALOG_DEMO_H
#define RILL_CATALOG_DEMO_H

#include <rill/rill.h>

enum rill__demo_event {
	/* ---- Texts ---- */

	/* text.plain  [trace]  A plain text
	 * Plain. */
	rill__demo_e_text_plain = 0,

	/* text.bold  [debug]  Typography goes
	 * Text with emphasis, code, a link, and https://example.org/.
	 * loss: never */
	rill__demo_e_text_bold = 1,

	/* text.escapes  [info]  Escapes \ and "quotes"
	 * A bar | here and a|b there, *stars*, `ticks`, <tags> & 5 < 6 © */
	rill__demo_e_text_escapes = 2,

	/* text.c  [warn]  A comment * / closed? \.
	 * * / int x; / * ** / // * / ?? / ??? / a backslash \ in the middle and \n %s \. */
	rill__demo_e_text_c = 3,

	/* text.utf8  [error]  Ümläute
	 * Größe, 中文, 🦀 and é; a line that is long enough to be wrapped, in which every
	 * character counts once — ÄÄÄÄÄÄÄÄÄÄ */
	rill__demo_e_text_utf8 = 4,

	/* text.wrap  [info]  A line as wide as may be, and one too wide
	 * äxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
	 * zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz
	 * wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww end */
	rill__demo_e_text_wrap = 5,

	/* ---- Keyword ---- */

	/* default  [info]  A keyword
	 * Of C.
	 * keys: errno, class, type
	 * starts span life, by class */
	rill__demo_e_default = 6,

	/* class  [info]  A keyword
	 * Of C++.
	 * ends span life, by class
	 * starts span nine */
	rill__demo_e_class = 7,

	/* 9lives  [info]  A digit
	 * Comes first.
	 * keys: my-key.x
	 * ends span nine */
	rill__demo_e_9lives = 8,
};

/*
 * Spans, from their first event to their last, told apart by a key:
 *
 *     life: default to class, by class
 *     nine: class to 9lives, one at a time
 */

/* ---- Keys: number, types, what the compiler says about another type, value ---- */

/* errno: i64  A macro of C */
#define rill__demo_k_errno(...) \
	0, RILL_SET_I64, "rill: key errno takes i64", (__VA_ARGS__)

/* class: string|u64  A keyword of C++; joins records across spans, processes and hosts */
#define rill__demo_k_class(...) \
	1, RILL_SET_STRING | RILL_SET_U64, "rill: key class takes string or u64", (__VA_ARGS__)

/* type: bool|none|event  Three types; personal */
#define rill__demo_k_type(...) \
	2, RILL_SET_BOOL | RILL_SET_NONE | RILL_SET_EVENT, "rill: key type takes bool, none or event", (__VA_ARGS__)

/* my-key.x: bytes  "Quoted" ?? / * /; secret */
#define rill__demo_k_my_key_x(...) \
	3, RILL_SET_BYTES, "rill: key my-key.x takes bytes", (__VA_ARGS__)

/* peer: u64  Of another process; the own of another process */
#define rill__demo_k_peer(...) \
	4, RILL_SET_U64, "rill: key peer takes u64", (__VA_ARGS__)

/* own: u64|string  Of this process; joins records across the spans of a process; personal */
#define rill__demo_k_own(...) \
	5, RILL_SET_U64 | RILL_SET_STRING, "rill: key own takes u64 or string", (__VA_ARGS__)

/* all: bool|u64|i64|f64|duration|timestamp|string|bytes|ip|list|event|none  Any value */
#define rill__demo_k_all(...) \
	6, RILL_SET_BOOL | RILL_SET_U64 | RILL_SET_I64 | RILL_SET_F64 | RILL_SET_DURATION | RILL_SET_TIMESTAMP | RILL_SET_STRING | RILL_SET_BYTES | RILL_SET_IP | RILL_SET_LIST | RILL_SET_EVENT | RILL_SET_NONE, "rill: key all takes bool, u64, i64, f64, duration, timestamp, string, bytes, ip, list, event or none", (__VA_ARGS__)

/* This object's own gate, and its registration. */
RILL_CATALOG_OBJECT(demo)

#endif
