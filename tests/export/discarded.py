#!/usr/bin/python3
"""discarded.py TRACE: a line for each message of babeltrace2 on discarded events: how many, and
between which nanoseconds since the Unix epoch."""
import sys

import bt2

found = []
for message in bt2.TraceCollectionMessageIterator(sys.argv[1]):
    if isinstance(message, bt2._DiscardedEventsMessageConst) and message.count:
        found.append((message.beginning_default_clock_snapshot.ns_from_origin,
                      message.end_default_clock_snapshot.ns_from_origin, message.count))
for begin, end, count in sorted(found):
    print(count, begin, end)
