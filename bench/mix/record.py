#!/usr/bin/env python3
"""record.py JSON PAGE >MIX: takes events out of a run of examples/smtpd for bench/mix/generate.py.

JSON is what `rill cat --format json` prints of its dump (make demo leaves one in build/demo/json),
PAGE is docs/events.md, for the types of keys. A line of MIX is an array: the event, and for each key
its name, its type and its value; of a list, the values are such pairs of type and value.
"""
import json
import re
import sys

FROM, COUNT = 500, 2048  # not the start of the server; a few hundred kilobytes of records


def key_types(page):
    types = {}
    section = page[page.index("\n## Keys\n"):]
    section = section[:section.find("\n## ", 1)]
    for match in re.finditer(r"^\| `(\w+)` \| ([^|]+(?:\\\|[^|]+)*) \|", section, re.M):
        types[match[1]] = re.findall(r"\w+", match[2])
    return types


def type_of(value, path, notes, declared):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, list):
        return "list"
    if path in notes:
        return notes[path]
    return declared[0] if len(declared) == 1 else "string"


def main():
    types = key_types(open(sys.argv[2], encoding="utf-8").read())
    events = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    events = [event for event in events if event["kind"] == "event"]
    for event in events[FROM:FROM + COUNT]:
        notes, line = event.get("types", {}), [event["event"]]
        for key, value in event["keys"].items():
            kind = type_of(value, key, notes, types[key])
            if kind == "list":
                value = [[type_of(v, f"{key}[{i}]", {f"{key}[{i}]": notes.get(
                    f"{key}[{i}]", notes.get(f"{key}[]", "string"))}, []), v]
                         for i, v in enumerate(value)]
            line.append([key, kind, value])
        print(json.dumps(line, separators=(",", ":")))


main()
