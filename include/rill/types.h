/* Levels and value types: the vocabulary that catalogs, records, filters and sinks share. */
#ifndef RILL_TYPES_H
#define RILL_TYPES_H

/* What librill.so exports; everything else in it is hidden. */
#define RILL_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* Severity of an event, lowest first. RILL_OFF stands only in filters: above every event. */
enum rill_level {
	RILL_TRACE,
	RILL_DEBUG,
	RILL_INFO,
	RILL_WARN,
	RILL_ERROR,
	RILL_OFF,
};

/* Type of one value, stored with it in the record. The numbers are part of the dump format. */
enum rill_type {
	RILL_TYPE_NONE,
	RILL_TYPE_BOOL,
	RILL_TYPE_U64,
	RILL_TYPE_I64,
	RILL_TYPE_F64,
	RILL_TYPE_DURATION,  /* signed nanoseconds */
	RILL_TYPE_TIMESTAMP, /* nanoseconds since the Unix epoch, UTC */
	RILL_TYPE_STRING,    /* UTF-8 by intention, any bytes by tolerance */
	RILL_TYPE_BYTES,
	RILL_TYPE_IP, /* IPv4 or IPv6 address */
	RILL_TYPE_LIST,
	RILL_TYPE_EVENT, /* a nested event with keys of its own */
	RILL_TYPE_COUNT,
};

/* A key's type is a set: the union of these. */
enum rill_type_set {
	RILL_SET_NONE = 1 << RILL_TYPE_NONE,
	RILL_SET_BOOL = 1 << RILL_TYPE_BOOL,
	RILL_SET_U64 = 1 << RILL_TYPE_U64,
	RILL_SET_I64 = 1 << RILL_TYPE_I64,
	RILL_SET_F64 = 1 << RILL_TYPE_F64,
	RILL_SET_DURATION = 1 << RILL_TYPE_DURATION,
	RILL_SET_TIMESTAMP = 1 << RILL_TYPE_TIMESTAMP,
	RILL_SET_STRING = 1 << RILL_TYPE_STRING,
	RILL_SET_BYTES = 1 << RILL_TYPE_BYTES,
	RILL_SET_IP = 1 << RILL_TYPE_IP,
	RILL_SET_LIST = 1 << RILL_TYPE_LIST,
	RILL_SET_EVENT = 1 << RILL_TYPE_EVENT,
};

#ifdef __cplusplus
}
#endif
#endif
