#!/usr/bin/env python3
"""spans_check.py N FILTER TREE <LINES: holds what `rill spans --tree --ascii --limit=N` printed
against the lines of `rill cat --format=json`: which traces, in which order, and what stands in
them. FILTER is a span's name or -."""
import collections
import datetime
import json
import sys

limit, wanted = int(sys.argv[1]), sys.argv[2]


def nanoseconds(time):
    seconds, fraction = time.rstrip("Z").split(".")
    parsed = datetime.datetime.fromisoformat(seconds + "+00:00")
    return int(parsed.timestamp()) * 10**9 + int(fraction)


traces = collections.defaultdict(dict)
weight = collections.Counter()
for line in sys.stdin:
    entry = json.loads(line)
    if entry["kind"] != "span":
        continue
    span = entry["span"]
    row = {
        "name": span["name"],
        "id": span["id"],
        "parent": span.get("parent"),
        "state": entry["state"],
        "duration": int(entry["duration"]),
        "end": nanoseconds(entry["time"]),
        "events": int(entry["events"]),
    }
    row["start"] = row["end"] - row["duration"]
    trace = traces[span["trace"]]
    if wanted in ("-", row["name"]):
        weight[span["trace"]] = max(weight[span["trace"]], row["duration"])
    # A headless one that is told of again, whole.
    if span["id"] not in trace or row["state"] != "headless":
        trace[span["id"]] = row

depths = collections.Counter()


def walk(trace, parent, depth, start, rows):
    for row in sorted(trace.values(), key=lambda r: (r["start"], -r["duration"], r["id"])):
        above = row["parent"] if row["parent"] in trace else None
        if above == parent:
            rows.append((depth, row["name"], row["id"], row["events"], row["start"] - start))
            depths[depth] += 1
            walk(trace, row["id"], depth + 1, start, rows)


def exact(text):
    """A duration of four digits, as an interval."""
    number, unit = text.split()
    unit = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}[unit]
    digits = len(number.split(".")[1]) if "." in number else 0
    value, half = float(number) * unit, 0.51 * unit / 10**digits
    return value - half, value + half


found = []
with open(sys.argv[3]) as file:
    for line in file:
        if line.startswith("trace "):
            found.append((line.split()[1], []))
        elif line.strip() and not line.startswith("SPAN "):
            label = line.rstrip("\n").split("  ")[0]
            # Branches are of two columns each: "| ", "  ", "|-", "`-".
            depth = 0
            while line[2 * depth:2 * depth + 2] in ("| ", "  ", "|-", "`-"):
                depth += 1
            name = line[2 * depth:].split()[0]
            fields = line[2 * depth + len(name):].split()
            found[-1][1].append((depth, name, fields))

best = sorted((-w for w in weight.values()))[:limit]
if [-weight[t] for t, _ in found] != best:
    sys.exit(f"traces: {[(t, weight[t]) for t, _ in found]} instead of {best}")
for trace, got in found:
    rows = []
    walk(traces[trace], None, 0, min(r["start"] for r in traces[trace].values()), rows)
    if [(d, n) for d, n, _ in got] != [(d, n) for d, n, _, _, _ in rows]:
        sys.exit(f"{trace}: {got} instead of {rows}")
    for (_, _, fields), (_, _, span, events, offset) in zip(got, rows):
        low, high = exact(" ".join(fields[2:4]))
        if span not in fields or str(events) != fields[4] or not low <= offset <= high:
            sys.exit(f"{trace}: {fields} instead of {span} {events} {offset}")
print(len(found), max(depths))
