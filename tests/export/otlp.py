#!/usr/bin/python3
"""otlp.py PROTO FOLDER JSON PAGE: reads logs.jsonl and traces.jsonl through OpenTelemetry's own .proto
files, refusing what they do not have, and compares each record and span with what `rill cat -f json`
printed of the same dump (docs/json.md, docs/export.md). PAGE: docs/events.ids."""
import base64
import importlib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone

from google.protobuf import json_format

SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17}
IDS = {"traceId", "spanId", "parentSpanId"}


def check(condition, what, *values):
    if not condition:
        raise AssertionError(f"{what}: " + ", ".join(repr(v)[:900] for v in values))


def compile_protos(folder):
    """The generated modules of logs and traces."""
    out = tempfile.mkdtemp()
    source = tempfile.mkdtemp()
    subprocess.run(["cp", "-r", folder, source], check=True)
    root = os.path.join(source, os.path.basename(folder.rstrip("/")))
    logs = os.path.join(root, "opentelemetry/proto/logs/v1/logs.proto")
    text = open(logs, encoding="utf-8").read()
    if "event_name" not in text:
        # Field 12 since opentelemetry-proto 1.5.
        text = re.sub(r"(bytes span_id = 10;)", r"\1\n  string event_name = 12;", text)
        open(logs, "w", encoding="utf-8").write(text)
    names = ["common/v1/common", "resource/v1/resource", "logs/v1/logs", "trace/v1/trace"]
    subprocess.run(["protoc", "-I", root, f"--python_out={out}"]
                   + [f"opentelemetry/proto/{name}.proto" for name in names], cwd=root, check=True)
    sys.path.insert(0, out)
    modules = [importlib.import_module(f"opentelemetry.proto.{name}.v1.{name}_pb2")
               for name in ("logs", "trace")]
    subprocess.run(["rm", "-rf", out, source], check=True)
    return modules


def with_base64_ids(value):
    """OTLP's one difference from the JSON form of Protocol Buffers: ids are hexadecimal. (An empty
    list is the same as none.)"""
    if isinstance(value, list):
        return [with_base64_ids(element) for element in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, inner in value.items():
        if key in IDS:
            check(len(inner) == (32 if key == "traceId" else 16), key, inner)
            made[key] = base64.b64encode(bytes.fromhex(inner)).decode()
        elif inner != []:
            made[key] = with_base64_ids(inner)
    return made


def messages(path, kind):
    for text in open(path, encoding="utf-8", newline="\n"):
        check(text.endswith("\n"), "line", text[-100:])
        check(len(text) < 1 << 20, "length of a line", len(text))
        line = with_base64_ids(json.loads(text))
        message = json_format.ParseDict(line, kind())
        # Names and forms are those of the standard: what is read is written alike.
        again = json_format.MessageToDict(message, use_integers_for_enums=True)
        check(same(again, line), "not the standard's form", again, line)
        yield kind.FromString(message.SerializeToString())


def ns_of(text):
    seconds = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(seconds.timestamp()) * 10**9 + int(text[20:29])


def value_of(any_value):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return ("none", None)
    value = getattr(any_value, kind)
    if kind == "array_value":
        return (kind, [value_of(element) for element in value.values])
    if kind == "kvlist_value":
        return (kind, attributes_of(value.values))
    return (kind, value)


def attributes_of(pairs):
    made = {}
    for pair in pairs:
        check(pair.key not in made, "twice", pair.key)
        made[pair.key] = value_of(pair.value)
    return made


class Page:
    def __init__(self, path):
        self.types = {}
        for line in open(path, encoding="utf-8"):
            words = line.split()
            if words and words[0] == "key":
                self.types[words[2]] = words[3].split("|")

    def kind(self, name, value, noted):
        if value is None:
            return "none"
        if noted:
            return noted
        if name is not None and len(self.types[name]) == 1:
            return self.types[name][0]
        return {bool: "bool", list: "list", dict: "event", str: "string"}[type(value)]

    def expected(self, name, value, path, notes):
        """An AnyValue, from a value of cat's and its notes."""
        kind = self.kind(name, value, notes.get("types", {}).get(path))
        if kind == "none" or path in notes.get("cut", {}) and value is None:
            return ("none", None)
        if kind == "bool":
            return ("bool_value", value)
        if kind in ("u64", "i64", "duration", "timestamp"):
            number = ns_of(value) if kind == "timestamp" else int(value)
            return ("int_value", number) if number < 1 << 63 else ("string_value", str(number))
        if kind == "f64":
            return ("double_value", float(value))
        if kind == "bytes":
            return ("bytes_value", bytes.fromhex(value))
        if kind == "list":
            common = notes.get("types", {}).get(path + "[]")
            elements = []
            for i, element in enumerate(value):
                at = f"{path}[{i}]"
                inner = dict(notes, types=dict(notes.get("types", {})))
                if common:
                    inner["types"][at] = common
                elements.append(self.expected(None, element, at, inner))
            return ("array_value", elements)
        if kind == "event":
            name_value = ("none", None) if value["event"] is None else ("string_value", value["event"])
            return ("kvlist_value", {"event": name_value,
                                     "keys": ("kvlist_value", self.keys(value["keys"], value))})
        return ("string_value", value)

    def keys(self, keys, notes, suffix=lambda key: ""):
        return {key + suffix(key): self.expected(key.partition("#")[0], value, key, notes)
                for key, value in keys.items()}


def same(a, b):
    """== but that a NaN is one."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, (list, tuple)):
        return type(a) == type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


NOTES = ("types", "raw", "cut")


def notes_of(line, paths=None):
    made = {}
    for name in NOTES:
        noted = {path: note for path, note in line.get(name, {}).items()
                 if re.split(r"\[", path)[0] in (line["keys"] if paths is None else paths)}
        if noted:
            made[name] = noted
    return made


def take_notes(attributes):
    return json.loads(attributes.pop("rill.notes", ("string_value", "{}"))[1])


def check_record(record, line, page):
    ns = ns_of(line["time"])
    check(record.time_unix_nano == ns and record.observed_time_unix_nano == ns, "time", record)
    check(record.severity_number == SEVERITIES[line["level"]], "severity", record)
    check(record.severity_text == line["level"], "severity text", record)
    check(record.event_name == line["event"], "event", record)
    check(record.body.string_value == line["text"], "body", record)
    span = line.get("span", {"id": "", "trace": ""})
    check(record.span_id.hex() == span["id"], "span", record.span_id, span)
    check(record.trace_id.hex() == span["trace"], "trace", record.trace_id, span)
    attributes = attributes_of(record.attributes)
    check(attributes.pop("thread.id") == ("int_value", line["tid"]), "thread", record)
    notes, expected = take_notes(attributes), notes_of(line)
    check(notes == expected, "notes", notes, expected)
    wanted = page.keys(line["keys"], line)
    check(same(attributes, wanted), "attributes", attributes, wanted)


def check_span(span, line, page, bad_ends):
    end = ns_of(line["time"])
    check(span.end_time_unix_nano == end, "end", span.end_time_unix_nano, line)
    check(span.start_time_unix_nano == end - int(line["duration"]), "start", span)
    check(span.name == line["span"]["name"] and span.kind == 1, "name", span.name, span.kind)
    check(span.trace_id.hex() == line["span"]["trace"], "trace", span.trace_id)
    check(span.parent_span_id.hex() == line["span"].get("parent", ""), "parent", span)
    attributes = attributes_of(span.attributes)
    check(attributes.pop("rill.state") == ("string_value", line["state"]), "state", line)
    check(attributes.pop("rill.events") == ("int_value", int(line["events"])), "events", line)
    started = line.get("start", {"keys": {}})
    ended = line.get("end", {"keys": {}})
    wanted = page.keys(started["keys"], started)
    at_end = page.keys(ended["keys"], ended)
    notes = take_notes(attributes)
    for key, value in at_end.items():
        plain = key.partition("#")[0]
        # Told by the values alone: who says the same again is left out.
        if plain not in started["keys"]:
            wanted[key] = value
        elif attributes.get(key + ".end") is not None:
            wanted[key + ".end"] = value
        else:
            alike = [k for k in wanted if k.partition("#")[0] == plain and same(wanted[k], value)]
            check(alike, "end is missing", key, value)
    check(same(attributes, wanted), "attributes", attributes, wanted)
    check(notes.get("start", {}) == notes_of(started), "notes", notes, started)
    for name in NOTES:
        for path, note in notes.get("end", {}).get(name, {}).items():
            check(ended[name][path] == note, "note", path)
    error = line.get("end", {}).get("event") in bad_ends
    check(span.status.code == (2 if error else 0), "status", span.status)


def check_links(spans, lines):
    """Each leads to a span of another trace that has the same value of the Link key."""
    values = {}
    for line in lines:
        if line["kind"] == "event" and "span" in line:
            for key in ("queueId", "messageId"):
                for name, value in line["keys"].items():
                    if name.partition("#")[0] == key:
                        values.setdefault(line["span"]["id"], set()).add((key, value))
    count = 0
    for span in spans.values():
        # One to each other span at most.
        check(len({link.span_id for link in span.links}) == len(span.links), "link twice", span)
        for link in span.links:
            key = attributes_of(link.attributes)["rill.key"][1]
            check(link.trace_id != span.trace_id, "a link within a trace", link)
            mine = values.get(span.span_id.hex(), set())
            check(any(k == key for k, _ in mine & values.get(link.span_id.hex(), set())), "link",
                  span.span_id.hex(), link.span_id.hex())
            count += 1
        check(len(span.links) == 4 or not span.dropped_links_count, "dropped", span)
    return count


def check_resource(resource, lines):
    attributes = attributes_of(resource.attributes)
    check(attributes["process.pid"] == ("int_value", lines[0]["pid"]), "pid", attributes)
    check(attributes["service.name"] == ("string_value", "mixed") and
          attributes["host.name"] == ("string_value", "mixed.example.org") and len(attributes["service.instance.id"][1]) == 32,
          "service", attributes)


def main():
    proto, folder, lines, page = sys.argv[1:5]
    logs, trace = compile_protos(proto)
    page = Page(page)
    lines = [json.loads(line) for line in open(lines, encoding="utf-8")]
    events = [line for line in lines if line["kind"] == "event"]
    bad_ends = {line["event"] for line in events if line["level"] == "error"}
    count = 0
    for message in messages(folder + "/logs.jsonl", logs.LogsData):
        for resource in message.resource_logs:
            check_resource(resource.resource, lines)
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    check(scope.scope.name == events[count]["catalog"], "scope", scope.scope)
                    try:
                        check_record(record, events[count], page)
                    except AssertionError as error:
                        raise AssertionError(f"record {count}: {error}\n{events[count]}") from None
                    count += 1
    check(count == len(events), "records", count, len(events))
    print(f"{count} records are equal")
    spans = {}
    for message in messages(folder + "/traces.jsonl", trace.TracesData):
        for resource in message.resource_spans:
            check_resource(resource.resource, lines)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    check(span.span_id not in spans, "span twice", span)
                    spans[span.span_id] = span
    wanted = [line for line in lines if line["kind"] == "span"]
    for line in wanted:
        try:
            check_span(spans[bytes.fromhex(line["span"]["id"])], line, page, bad_ends)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{line}") from None
    check(len(spans) == len(wanted), "spans", len(spans), len(wanted))
    print(f"{len(spans)} spans are equal")
    print(f"{check_links(spans, lines)} links lead to them")


main()
