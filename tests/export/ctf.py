#!/usr/bin/python3
"""ctf.py TRACE JSON: reads a CTF trace with babeltrace2 and compares each event, in order, with
what `rill cat -f json` printed of the same dump (docs/json.md, docs/export.md)."""
import json
import math
import sys
from datetime import datetime, timezone

import bt2

LEVELS = {"trace": bt2.EventClassLogLevel.DEBUG, "debug": bt2.EventClassLogLevel.DEBUG_SYSTEM,
          "info": bt2.EventClassLogLevel.INFO, "warn": bt2.EventClassLogLevel.WARNING,
          "error": bt2.EventClassLogLevel.ERROR}
NOTED = {"u64", "i64", "f64", "duration", "timestamp", "bytes", "ip"}


def ns_of(text):
    seconds = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(seconds.timestamp()) * 10**9 + int(text[20:29])


def converter(cls):
    """From a field of this class to what Python has; an enumeration is its label."""
    if isinstance(cls, bt2._UnsignedEnumerationFieldClassConst):
        labels = {}
        for label, mapping in cls.items():
            for span in mapping.ranges:
                labels[span.lower] = label
        return lambda field: labels[int(field)]
    if isinstance(cls, bt2._StructureFieldClassConst):
        members = [(name, converter(member.field_class)) for name, member in cls.items()]
        return lambda field: {name: convert(field[name]) for name, convert in members}
    if isinstance(cls, bt2._ArrayFieldClassConst):
        convert = converter(cls.element_field_class)
        return lambda field: [convert(element) for element in field]
    if isinstance(cls, bt2._StringFieldClassConst):
        return str
    return float if isinstance(cls, bt2._RealFieldClassConst) else int


CONVERTERS = {}


def converters_of(event):
    key = event.cls.id
    if key not in CONVERTERS:
        CONVERTERS[key] = (converter(event.cls.specific_context_field_class),
                           converter(event.cls.payload_field_class))
    return CONVERTERS[key]


def as_json(value, kind):
    """How cat writes a scalar of this kind of type in JSON."""
    if kind == "none":
        return None
    if kind == "bool":
        return value == "true"
    if kind in ("u64", "i64", "duration"):
        return str(value)
    if kind == "timestamp":
        seconds, ns = divmod(value, 10**9)
        date = datetime.fromtimestamp(seconds, timezone.utc)
        return date.strftime("%Y-%m-%dT%H:%M:%S") + f".{ns:09d}Z"
    if kind == "f64" and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind == "bytes":
        return bytes(value).hex()
    return value


def text_of(raw):
    """A string as cat shows it, from its bytes: U+FFFD for each that is no UTF-8."""
    out, at = "", 0
    while at < len(raw):
        for size in (1, 2, 3, 4):
            try:
                out += raw[at:at + size].decode("utf-8")
                at += size
                break
            except UnicodeDecodeError:
                pass
        else:
            out += "\ufffd"
            at += 1
    return out


class Expected:
    """A line of JSON: what each field must be."""

    def __init__(self, line, page):
        self.line = line
        self.types = line.get("types", {})
        self.raw = line.get("raw", {})
        self.cut = line.get("cut", {})
        self.page = page

    def kind(self, key):
        if key in self.types:
            return self.types[key]
        kinds = self.page[key.partition("#")[0]]
        value = self.line["keys"][key]
        if len(kinds) == 1:
            # An address that was none.
            return "none" if value is None else kinds[0]
        if value is None:
            return "none"
        if isinstance(value, bool):
            return "bool"
        return {list: "list", dict: "event", str: "string"}[type(value)]


def check(condition, what, *values):
    if not condition:
        raise AssertionError(f"{what}: " + ", ".join(repr(v)[:600] for v in values))


def check_json(fields, name, expected, key, value):
    got = json.loads(fields.pop(name))
    check(fields.pop("type_" + name) == expected.kind(key), "type", key)
    check(got["keys"][key.partition("#")[0]] == value, "json", key, got, value)
    plain_key = key.partition("#")[0]
    for notes, all_notes in (("types", expected.types), ("cut", expected.cut),
                             ("raw", expected.raw)):
        own = {plain_key + path[len(key):]: note for path, note in all_notes.items()
               if path == key or path.startswith(key + "[")}
        check(got.get(notes, {}) == own, notes, key, got, own)


def check_list(fields, name, expected, key, value):
    check(fields.pop("size_" + name) == len(value), "size", key)
    kind = fields.pop("type_" + name, None)
    check(kind == expected.types.get(key + "[]"), "type of elements", key, kind)
    if kind is None:
        kind = "bool" if value and isinstance(value[0], bool) else "string"
    got = [as_json(element, kind) for element in fields.pop(name)]
    check(got == value, "list", key, got, value)
    check(not any(path.startswith(key + "[") for notes in (expected.raw, expected.cut)
                  for path in notes), "notes", key)


def check_value(fields, name, expected, key, value):
    kind = expected.kind(key)
    if kind == "event" or (kind == "list" and "size_" + name not in fields):
        check_json(fields, name, expected, key, value)
        return
    if kind == "list":
        check_list(fields, name, expected, key, value)
        return
    told = fields.pop("type_" + name, None)
    noted = expected.types.get(key)
    check(told == noted, "type", key, told, noted)
    got = fields.pop(name)
    if kind == "bytes":
        check(fields.pop("size_" + name) == len(got), "size", key)
    if "raw_" + name in fields:
        raw = bytes(fields.pop("raw_" + name))
        check(fields.pop("size_" + name) == len(raw), "size", key)
        check(expected.raw.get(key, raw.hex()) == raw.hex(), "raw", key)
        check(key in expected.raw or b"\0" in raw, "needless raw", key)
        check(got == text_of(raw).replace("\0", "\u2400"), "shown", key, got, raw)
        got = text_of(raw)
    else:
        check(key not in expected.raw, "raw is missing", key)
    check(as_json(got, kind) == value, kind, key, as_json(got, kind), value)
    check(fields.pop("cut_" + name, None) == expected.cut.get(key), "cut", key)


def check_event(message, line, page):
    event, stamp = message.event, message.default_clock_snapshot
    check(stamp.ns_from_origin == ns_of(line["time"]), "time", stamp.ns_from_origin, line["time"])
    check(event.name == line["event"], "name", event.name, line["event"])
    check(event.cls.log_level == LEVELS[line["level"]], "level", event.cls.log_level)
    check(int(event.common_context_field["tid"]) == line["tid"], "tid")
    of_context, of_payload = converters_of(event)
    context = of_context(event.specific_context_field)
    check(context.pop("text") == line["text"], "text")
    span = line.get("span")
    if span:
        check(context.pop("span") == span["name"], "span")
        check(f"{context.pop('span_id'):016x}" == span["id"], "span id")
        parent = context.pop("span_parent", None)
        check((f"{parent:016x}" if parent is not None else None) == span.get("parent"), "parent")
        check(context.pop("span_trace") == span["trace"], "trace")
    check(not context, "context", context)
    fields = of_payload(event.payload_field)
    expected = Expected(line, page)
    check(set(line) <= {"kind", "time", "level", "event", "text", "catalog", "pid", "tid", "span",
                        "keys", "inherited", "types", "raw", "cut"}, "line", line)
    if "keys" in fields and isinstance(fields["keys"], str) and len(fields) == 1:
        got = json.loads(fields["keys"])
        own = {"keys": line["keys"]}
        for name in ("types", "raw", "cut"):
            # Not those on inherited keys.
            notes = {path: note for path, note in line.get(name, {}).items()
                     if path.partition("[")[0] in line["keys"]}
            if notes:
                own[name] = notes
        check(got == own, "whole", got, own)
        return
    for key, value in line["keys"].items():
        check_value(fields, key.replace("#", "_"), expected, key, value)
    check(not fields, "fields", fields)


def page_types(path):
    page = {}
    for line in open(path, encoding="utf-8"):
        words = line.split()
        if words and words[0] == "key":
            page.setdefault(words[2], []).extend(words[3].split("|"))
    return page


def main():
    trace, lines = sys.argv[1:3]
    page = page_types(sys.argv[3] if len(sys.argv) > 3 else "docs/events.ids")
    events = (json.loads(line) for line in open(lines, encoding="utf-8"))
    events = [line for line in events if line["kind"] == "event"]
    found = 0
    for message in bt2.TraceCollectionMessageIterator(trace):
        if not isinstance(message, bt2._EventMessageConst):
            continue
        check(found < len(events), "more events than lines")
        try:
            check_event(message, events[found], page)
        except Exception:
            print(json.dumps(events[found])[:3000], file=sys.stderr)
            raise
        found += 1
    check(found == len(events), "events", found, len(events))
    print(f"{found} events are equal")


main()
