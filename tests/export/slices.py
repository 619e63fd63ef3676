#!/usr/bin/python3
"""slices.py perfetto|chrome FILE JSON ASK: asks trace_processor (ASK: its driver) about what was
exported, and compares every slice, argument and flow with what `rill cat -f json` printed of the
same dump (docs/json.md, docs/export.md)."""
import json
import re
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal

PRIORITY = {"trace": 2, "debug": 3, "info": 4, "warn": 5, "error": 6}
SLICES = """select s.id, s.ts, s.dur, s.name, s.category, s.arg_set_id, t.tid, p.pid,
 pt.name as around from slice s left join thread_track tt on tt.id = s.track_id
 left join thread t using (utid) left join process p on p.upid = t.upid
 left join track tr on tr.id = s.track_id left join track pt on pt.id = tr.parent_id
 order by s.ts, s.id"""
ARGS = """select arg_set_id, key, int_value, string_value, real_value, value_type from args
 where key like '{}%'"""
FAULTS = "select name, value from stats where severity != 'info' and value > 0"
FLOWS = "select slice_out, slice_in from flow"
LOGS = "select ts, prio, msg from android_logs order by ts, id"


def check(condition, what, *values):
    if not condition:
        raise AssertionError(f"{what}: " + ", ".join(repr(v)[:1500] for v in values))


def ns_of(text):
    seconds = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(seconds.timestamp()) * 10**9 + int(text[20:29])


def ask(driver, trace, query):
    out = subprocess.run(["node", driver, trace, query], check=True, stdout=subprocess.PIPE)
    return [json.loads(line) for line in out.stdout.splitlines()]


class Page:
    """What docs/events.md says of events and keys."""

    def __init__(self, path):
        self.subsystem, self.kinds, self.links, heading = {}, {}, {}, None
        for line in open(path, encoding="utf-8"):
            if line.startswith("## "):
                heading = line[3:].strip()
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not cells or not cells[0].startswith("`"):
                continue
            name = cells[0].strip("`")
            if heading == "Keys":
                self.kinds[name] = cells[1].strip("`").split("\\|")
                if cells[3]:
                    self.links[name] = cells[3]
            elif heading != "Spans":
                self.subsystem[name] = heading


def kind_of(page, key, value, types, path):
    if value is None:
        return "none"
    if path in types:
        return types[path]
    kinds = page.kinds[key.partition("#")[0]]
    return kinds[0] if len(kinds) == 1 else natural(value)


def natural(value):
    return {type(None): "none", bool: "bool", list: "list", dict: "event"}.get(type(value),
                                                                               "string")


class Perfetto:
    """Debug annotations as trace_processor shows them: {key: (type of value, value)}."""

    def __init__(self, page):
        self.page = page

    def value(self, out, name, value, kind, types, path):
        if kind in ("none", "list") and value in (None, []):
            out[name] = ("string", "none" if value is None else "[]")
        elif kind == "bool":
            out[name] = ("bool", int(value))
        elif kind in ("u64", "i64", "duration"):
            out[name] = ("uint" if kind == "u64" else "int", int(value))
        elif kind == "timestamp":
            out[name] = ("uint", ns_of(value))
        elif kind == "f64":
            out[name] = ("real", float(value))
        elif kind == "list":
            for i, element in enumerate(value):
                where = f"{path}[{i}]"
                self.value(out, f"{name}[{i}]", element,
                           types.get(where, types.get(path + "[]", natural(element))), types,
                           where)
        elif kind == "event":
            if value["event"] is not None:
                out[name + ".event"] = ("string", value["event"])
            inner = value.get("types", {})
            for key, item in value["keys"].items():
                self.value(out, f"{name}.keys.{key}", item,
                           kind_of(self.page, key, item, inner, key), inner, key)
        else:
            out[name] = ("string", value.replace("\0", "\u2400"))

    def keys(self, out, prefix, of):
        types, raw, cut = (of.get(notes, {}) for notes in ("types", "raw", "cut"))
        for key, value in of["keys"].items():
            kind = kind_of(self.page, key, value, types, key)
            self.value(out, prefix + key, value, kind, types, key)
            if kind in ("list", "event"):
                # Paths within this key's value, which is the only one that the note is about.
                plain = key.partition("#")[0]
                own = {}
                for notes, all_notes in (("types", types), ("raw", raw), ("cut", cut)):
                    found = {plain + path[len(key):]: note for path, note in all_notes.items()
                             if path == key or path.startswith(key + "[")}
                    if found:
                        own[notes] = found
                if own:
                    out[prefix + key + "#notes"] = ("json", own)
                continue
            if key in types or kind == "none":
                out[prefix + key + "#type"] = ("string", types.get(key, "none"))
            if key in raw or (kind == "string" and "\0" in value):
                out[prefix + key + "#raw"] = ("string", raw.get(key) or value.encode().hex())
            if key in cut:
                out[prefix + key + "#cut"] = ("string", str(cut[key]))

    @staticmethod
    def equal(got, expected):
        for key in set(got) | set(expected):
            if key not in got or key not in expected:
                return key
            row, (kind, value) = got[key], expected[key]
            if kind == "json":
                same = json.loads(row["string_value"]) == value
            elif kind == "real":
                # SQL has no NaN.
                shown = row["real_value"]
                same = shown is None if value != value else float(shown) == value
            elif kind == "string":
                same = row["string_value"] == value
            else:
                same = int(row["int_value"]) % 2**64 == value % 2**64
            if not same or row["value_type"] != ("string" if kind == "json" else kind):
                return key
        return None


def span_ids(span):
    ids = {"span#id": span["span"]["id"], "span#trace": span["span"]["trace"]}
    if "parent" in span["span"]:
        ids["span#parent"] = span["span"]["parent"]
    if span["state"] != "ended":
        ids["span#state"] = span["state"]
    return ids


def edges(page, events, index):
    """What follows what along a key with a Link: pairs of slices."""
    last, out = {}, []
    for number, event in enumerate(events):
        seen = set()
        for key, value in event["keys"].items():
            name = key.partition("#")[0]
            kind = kind_of(page, key, value, event.get("types", {}), key)
            if name not in page.links or kind in ("none", "list", "event") or value == "":
                continue
            raw = event.get("raw", {}).get(key)
            everywhere = page.links[name] == "yes"
            flow = (name, kind == "string", raw or value, everywhere or event["pid"])
            if flow in seen:
                continue
            seen.add(flow)
            if flow in last:
                out.append((index[last[flow]], index[number]))
            last[flow] = number
    return sorted(out)


def check_slices(slices, events, spans, base):
    check(len(slices) == len(events) + len(spans), "slices", len(slices), len(events), len(spans))
    instants = [s for s in slices if s["category"] != "span"]
    check(len(instants) == len(events), "events", len(instants), len(events))
    for got, event in zip(instants, events):
        check(int(got["ts"]) + base == ns_of(event["time"]), "time", got, event)
        check(int(got["dur"]) == 0, "duration", got)
        check(got["name"] == event["event"], "name", got, event)
        check((int(got["tid"]), int(got["pid"])) == (event["tid"], event["pid"]), "thread", got,
              event)
    return instants


def check_perfetto(trace, driver, page, events, spans):
    slices = ask(driver, trace, SLICES)
    instants = check_slices(slices, events, spans, 0)
    args = {}
    for row in ask(driver, trace, ARGS.format("debug.")):
        args.setdefault(row["arg_set_id"], {})[row["key"]] = row
    form, names = Perfetto(page), {span["span"]["id"]: span["span"]["name"] for span in spans}
    for got, event in zip(instants, events):
        expected = {}
        form.keys(expected, "debug.", event)
        if "span" in event:
            expected["debug.span#id"] = ("string", event["span"]["id"])
        check(got["category"] == page.subsystem[event["event"]], "category", got)
        own = args.get(got["arg_set_id"], {})
        wrong = form.equal(own, expected)
        check(wrong is None, "argument", wrong, own.get(wrong), expected.get(wrong), event)
    by_id = {args[s["arg_set_id"]]["debug.span#id"]["string_value"]: s for s in slices
             if s["category"] == "span"}
    check(len(by_id) == len(spans), "spans", len(by_id), len(spans))
    for span in spans:
        got, expected = by_id[span["span"]["id"]], {}
        start = ns_of(span["time"]) - int(span["duration"])
        check((int(got["ts"]), got["dur"]) == (start, span["duration"]), "span", got, span)
        check(got["name"] == span["span"]["name"], "name", got, span)
        if span["span"].get("parent") in names:
            check(got["around"] == names[span["span"]["parent"]], "around", got, span)
        for key, value in span_ids(span).items():
            expected["debug." + key] = ("string", value)
        expected["debug.span#events"] = ("uint", int(span["events"]))
        form.keys(expected, "debug.", span.get("start", {"keys": {}}))
        form.keys(expected, "debug.end.", span.get("end", {"keys": {}}))
        own = args[got["arg_set_id"]]
        wrong = form.equal(own, expected)
        check(wrong is None, "argument", wrong, own.get(wrong), expected.get(wrong), span)
    logs = ask(driver, trace, LOGS)
    check([(int(log["ts"]), int(log["prio"]), log["msg"]) for log in logs] ==
          [(ns_of(event["time"]), PRIORITY[event["level"]], event["text"]) for event in events],
          "logs", len(logs))
    return instants


# --- Chrome's JSON ------------------------------------------------------------------------------

def keys_with_notes(of):
    """The keys of an object and the notes on them; its line may have some on inherited ones."""
    out, notes = dict(of["keys"]), {}
    for name in ("types", "raw", "cut"):
        own = {path: note for path, note in of.get(name, {}).items()
               if path.partition("[")[0] in of["keys"]}
        if own:
            notes[name] = own
    if notes:
        out["#notes"] = notes
    return out


def flatten(out, name, value):
    """Strings by their key. False: there is nothing in it that trace_processor counts."""
    if isinstance(value, dict):
        return any([flatten(out, f"{name}.{key}", inner) for key, inner in value.items()])
    if isinstance(value, list):
        count = 0
        for inner in value:
            count += flatten(out, f"{name}[{count}]", inner)
        return count > 0
    if isinstance(value, str):
        out[name] = value
    return value is not None


def check_chrome(trace, driver, page, events, spans):
    with open(trace, encoding="utf-8") as file:
        whole = json.load(file, parse_float=Decimal)
    base = int(whole["otherData"]["start_ns"])
    check(base == ns_of(whole["otherData"]["start"]), "start", whole["otherData"])
    written = [e for e in whole["traceEvents"] if e["ph"] == "i"]
    check(len(written) == len(events), "events", len(written), len(events))
    for got, event in zip(written, events):
        expected = keys_with_notes(event)
        if "span" in event:
            expected["span#id"] = event["span"]["id"]
        check(got["args"] == json.loads(json.dumps(expected), parse_float=Decimal), "args", got,
              event)
        check(got["cat"] == f"{page.subsystem[event['event']]},{event['level']}", "category", got)
        check(got["ts"] * 1000 + base == ns_of(event["time"]), "time", got, event)
    slices = [e for e in whole["traceEvents"] if e["ph"] == "X"]
    check(len(slices) == len(spans), "spans", len(slices), len(spans))
    for got, span in zip(slices, spans):
        expected = {**span_ids(span), "span#events": span["events"],
                    **keys_with_notes(span.get("start", {"keys": {}}))}
        if span.get("end", {}).get("keys"):
            expected["end"] = keys_with_notes(span["end"])
        check(got["args"] == json.loads(json.dumps(expected), parse_float=Decimal), "args", got,
              span)
        check(got["dur"] * 1000 == int(span["duration"]), "duration", got, span)
        check((got["ts"] + got["dur"]) * 1000 + base == ns_of(span["time"]), "time", got, span)
    found = ask(driver, trace, SLICES)
    instants = check_slices(found, events, spans, base)
    args = {}
    for row in ask(driver, trace, ARGS.format("args.")):
        args.setdefault(row["arg_set_id"], {})[row["key"]] = row["string_value"]
    for got, event in zip(instants, events):
        expected = {}
        flatten(expected, "args", event["keys"])
        own = args.get(got["arg_set_id"], {})
        # What is escaped as two surrogates stops its parser. The file itself was looked at above.
        if "\U000e0041" in json.dumps(event["keys"], ensure_ascii=False):
            continue
        for key, value in expected.items():
            # SQL's strings end at a NUL.
            check(own.get(key, "") == value.partition("\0")[0], "argument", key, own.get(key),
                  value)
    of_spans = sorted((int(s["ts"]) + base, s["dur"], s["name"]) for s in found
                      if s["category"] == "span")
    check(of_spans == sorted((ns_of(s["time"]) - int(s["duration"]), s["duration"],
                              s["span"]["name"]) for s in spans), "spans")
    return instants


def main():
    form, trace, lines, driver, pagefile = sys.argv[1:6]
    page = Page(pagefile)
    lines = [json.loads(line) for line in open(lines, encoding="utf-8")]
    events = [line for line in lines if line["kind"] == "event"]
    spans = [line for line in lines if line["kind"] == "span"]
    faults = ask(driver, trace, FAULTS)
    check(not faults, "faults", faults)
    checks = {"perfetto": check_perfetto, "chrome": check_chrome}
    instants = checks[form](trace, driver, page, events, spans)
    index = [int(got["id"]) for got in instants]
    expected = edges(page, events, index)
    flows = sorted((int(f["slice_out"]), int(f["slice_in"])) for f in ask(driver, trace, FLOWS))
    check(flows == expected, "flows", len(flows), len(expected),
          sorted(set(flows) - set(expected))[:10], sorted(set(expected) - set(flows))[:10])
    print(f"{len(events)} events, {len(spans)} spans, {len(flows)} flows are equal")


main()
