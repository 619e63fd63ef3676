#!/usr/bin/env python3
"""stats_check.py STATS <LINES: holds what `rill stats --json` says against the lines of
`rill cat --format=json`, from which it computes the same figures by sorting."""
import collections
import json
import math
import sys


def nanoseconds(time):
    import calendar
    date, fraction = time.rstrip("Z").split(".")
    days, clock = date.split("T")
    numbers = [int(n) for n in days.split("-") + clock.split(":")]
    return calendar.timegm(tuple(numbers) + (0, 0, 0)) * 10**9 + int(fraction.ljust(9, "0"))


def rank(values, part):
    return values[max(math.ceil(len(values) * part / 100000), 1) - 1]


def compare(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got} instead of {wanted}")


def compare_durations(name, got, values):
    values.sort()
    if not values:
        return compare(name, got, None)
    compare(f"{name} count", got["count"], len(values))
    compare(f"{name} min", got["min"], values[0])
    compare(f"{name} max", got["max"], values[-1])
    mean = sum(values) / len(values)
    if abs(got["mean"] - mean) > 1e-9 * mean:
        sys.exit(f"{name} mean: {got['mean']} instead of {mean}")
    compare(f"{name} error", got["error"], 0 if len(values) <= 256 else 0.001)
    for percentile, part in ("p50", 50000), ("p90", 90000), ("p99", 99000), ("p999", 99900):
        exact = rank(values, part)
        if abs(got[percentile] - exact) > got["error"] * exact:
            sys.exit(f"{name} {percentile}: {got[percentile]} instead of {exact}")


records = collections.Counter()
durations = collections.defaultdict(list)
states = collections.defaultdict(collections.Counter)
took = collections.defaultdict(list)
times = []
for line in sys.stdin:
    entry = json.loads(line)
    if entry["kind"] == "event":
        name = entry["event"]
        records[name] += 1
        times.append(nanoseconds(entry["time"]))
        if "elapsed" in entry["keys"]:
            durations[name].append(int(entry["keys"]["elapsed"]))
    else:
        name = entry["span"]["name"]
        states[name][entry["state"]] += 1
        if entry["state"] == "ended":
            took[name].append(int(entry["duration"]))

with open(sys.argv[1]) as file:
    stats = [json.loads(line) for line in file]
compare("lines", len(stats), 1)
stats = stats[0]
compare("written", stats["total"]["written"], sum(records.values()))
compare("from", nanoseconds(stats["from"]), min(times))
compare("to", nanoseconds(stats["to"]), max(times))
compare("duration", stats["duration"], max(times) - min(times))
compare("events", {e["name"]: e["written"] for e in stats["events"]}, dict(records))
for event in stats["events"]:
    compare_durations(event["name"], event.get("durations"), durations[event["name"]])
compare("spans", {s["name"] for s in stats["spans"]}, set(states))
for span in stats["spans"]:
    name = span["name"]
    compare(f"{name} ended", span["ended"], states[name]["ended"])
    compare(f"{name} headless", span["headless"], states[name]["headless"])
    # In lines, what is open at the end is abandoned.
    compare(f"{name} abandoned", span["abandoned"] + span["open"], states[name]["abandoned"])
    compare_durations(name, span.get("durations"), took[name])
print(sum(len(v) for v in durations.values()), sum(len(v) for v in took.values()))
