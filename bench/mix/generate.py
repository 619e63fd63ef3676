#!/usr/bin/env python3
"""generate.py MIX PAGE FOLDER: turns what record.py has recorded into C.

Writes FOLDER/mix_data.h (events and their values, in order), mix_rill.h and mix_lttng.h (a switch with
a call site for each kind of event), mix_provider.h (the tracepoints for the latter).
"""
import calendar
import json
import os
import re
import socket
import struct
import sys
import time

NARROW = {"remotePort": "uint16_t", "localPort": "uint16_t"}


def key_types(page):
    section = page[page.index("\n## Keys\n"):]
    section = section[:section.find("\n## ", 1)]
    return {m[1]: re.findall(r"\w+", m[2])
            for m in re.finditer(r"^\| `(\w+)` \| ([^|]+(?:\\\|[^|]+)*) \|", section, re.M)}


def c_string(text):
    """Octal escapes end by themselves; hexadecimal ones do not."""
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}"
                         for b in text.encode()) + '"'


def word_of(kind, value):
    if kind == "ip":
        return struct.unpack("=I", socket.inet_aton(value))[0]
    if kind == "timestamp":
        seconds = calendar.timegm(time.strptime(value[:19], "%Y-%m-%dT%H:%M:%S"))
        return seconds * 10**9 + int(value[20:29])
    return int(value)


class Mix:
    def __init__(self, lines):
        self.kinds, self.events, self.values = {}, [], []
        texts = [v for line in lines for _, kind, value in line[1:]
                 for k, v in (value if kind == "list" else [(kind, value)]) if k == "string"]
        # Strings that came once, ids and times differ in each pass over the recording, too.
        self.once = {t for t in texts if texts.count(t) == 1 and len(t) >= 12}
        for line in lines:
            self.add(line)

    def add(self, line):
        shape = tuple((key, kind, tuple(k for k, _ in value) if kind == "list" else ())
                      for key, kind, value in line[1:])
        site = self.kinds.setdefault((line[0], shape), len(self.kinds))
        self.events.append((site, len(self.values)))
        for _, kind, value in line[1:]:
            for k, v in (value if kind == "list" else [(kind, value)]):
                self.put(k, v)

    def put(self, kind, value):
        if kind == "string":
            self.values.append((len(value.encode()), c_string(value), "MIX_TEXT" if value in self.once
                                else "MIX_SAME"))
        else:
            word = word_of(kind, value)
            moves = kind != "ip" and word >= 2**32
            self.values.append((word, "NULL", "MIX_WORD" if moves else "MIX_SAME"))


def write_data(to, mix):
    to.write("static const struct mix_event mix_events[] = {\n")
    for site, first in mix.events:
        to.write(f"\t{{{site}, {first}}},\n")
    to.write("};\n\nstatic const struct mix_recorded mix_recorded[] = {\n")
    for word, text, moves in mix.values:
        to.write(f"\t{{{word}u, {text}, {moves}}},\n")
    to.write("};\n")


def rill_value(kind, index, wrapped):
    v = f"v[{index}]"
    if kind == "string":
        return f"rill_string({v}.text, {v}.word)" if wrapped else f"{v}.text, {v}.word"
    if kind == "ip":
        return f"mix_address({v}.word)"
    if kind == "bool":
        return f"{v}.word != 0"
    return f"rill_{kind}({v}.word)" if wrapped else f"{v}.word"


def write_rill(to, mix, types):
    for (event, shape), site in mix.kinds.items():
        index, keys = 0, []
        for key, kind, members in shape:
            if kind == "list":
                parts = [rill_value(m, index + i, True) for i, m in enumerate(members)]
                keys.append(f"{key}(rill_list({', '.join(parts)}))")
                index += len(members)
            else:
                keys.append(f"{key}({rill_value(kind, index, len(types[key]) > 1)})")
                index += 1
        name = event.replace(".", "_").replace("-", "_")
        to.write(f"case {site}:\n\trill_event({', '.join([name] + keys)});\n\tbreak;\n")


def write_lttng(to, mix):
    for site in mix.kinds.values():
        to.write(f"case {site}:\n\tlttng_ust_tracepoint(rill_bench, mix_{site}, v);\n\tbreak;\n")


def field(key, kind, index):
    if kind == "string":
        return (f"lttng_ust_field_sequence_text(char, {key}, v[{index}].text, uint16_t, "
                f"(uint16_t)v[{index}].word)")
    if kind == "ip":
        return f"lttng_ust_field_integer_network_hex(uint32_t, {key}, (uint32_t)v[{index}].word)"
    width = {"bool": "uint8_t", "i64": "int64_t", "duration": "int64_t"}.get(
        kind, NARROW.get(key, "uint64_t"))
    return f"lttng_ust_field_integer({width}, {key}, ({width})v[{index}].word)"


def write_provider(to, mix):
    for (event, shape), site in mix.kinds.items():
        index, fields = 0, []
        for key, kind, members in shape:
            if kind == "list":
                fields.append(f"lttng_ust_field_integer(uint8_t, {key}_count, {len(members)})")
            for i, member in enumerate(members if kind == "list" else (kind,)):
                fields.append(field(f"{key}_{i}" if kind == "list" else key, member, index))
                index += 1
        to.write(f"/* {event} */\nLTTNG_UST_TRACEPOINT_EVENT(rill_bench, mix_{site},\n"
                 "\tLTTNG_UST_TP_ARGS(const struct mix_value *, v),\n\tLTTNG_UST_TP_FIELDS(\n\t\t" +
                 "\n\t\t".join(fields) + "\n\t)\n)\n\n")


def main():
    lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    types = key_types(open(sys.argv[2], encoding="utf-8").read())
    mix = Mix(lines)
    for name, write, more in (("data", write_data, ()), ("rill", write_rill, (types,)),
                              ("lttng", write_lttng, ()), ("provider", write_provider, ())):
        with open(os.path.join(sys.argv[3], f"mix_{name}.h"), "w", encoding="utf-8") as to:
            to.write("/* Written by bench/mix/generate.py. */\n")
            write(to, mix, *more)


main()
