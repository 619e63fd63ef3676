#!/usr/bin/env python3
"""Prints what second_reader.py reads of a dump, and whether what the dump says of itself is so: the
headers of chunks, their filters, the index, the end. Written from docs/dump-format.md alone."""
import collections
import itertools
import sys

from second_reader import COUNTS, END, INDEX, MASK, NESTED, OPEN, RECORDS, SIZED, SPANS, IP, Broken
from second_reader import Bytes, padded, read_file, show_file, show_record, show_records

# --- chunks -----------------------------------------------------------------------------------------
def faults_of_chunk(block, chunk):
    """What its header says wrong."""
    records, lows, highs = iter(chunk.records), [], []
    for ring, thread, position, size, count, first, low, high in chunk.segments:
        ticks = [record.ticks for record in itertools.islice(records, count >> 1)]
        if not ticks:
            yield "empty"
            continue
        lows.append(min(ticks))
        highs.append(max(ticks))
        if ticks[0] != chunk.base + (first >> 1 ^ -(first & 1)) & MASK:
            yield "first"
        if ticks[0] - lows[-1] != low:
            yield "lowest"
        if highs[-1] - ticks[0] != high:
            yield "highest"
        if (ticks == sorted(ticks)) != bool(count & 1):
            yield "order"
    if not chunk.segments and any(block.body[:11]):
        yield "not empty"
    if chunk.records and chunk.base != chunk.records[0].ticks:
        yield "base"
    if lows and (block.first, block.last) != (min(lows), max(highs)):
        yield "time"
    events = collections.Counter(65536 * record.catalog + record.event for record in chunk.records)
    if chunk.events != events or list(chunk.events) != sorted(chunk.events):
        yield "events"
    if len(chunk.filter) not in [0] + [2**i for i in range(3, 13)]:
        yield "size of the filter"

def bits_of(catalog, slot, size):
    """The bits of an identity in a filter of so many bytes."""
    key, kind, value, data = slot
    if kind in SIZED or kind == IP and value >> 32 == 16:
        value = 0xCBF29CE484222325
        for byte in data:
            value = (value ^ byte) * 0x100000001B3 & MASK
    code = value + (65536 * catalog + key) * 0x9E3779B97F4A7C15 & MASK
    for _ in range(2):
        code = (code ^ code >> 32) * 0xD6E8FEB86659FD93 & MASK
    code ^= code >> 32
    return [((code & 0xFFFFFFFF) + j * (code >> 32 | 1)) % (8 * size) for j in range(6)]

def identities_of(counts, words):
    """Keys of links and of spans, by the last words of a catalog: five a key, four a span."""
    spans = len(words) - 4 * counts[3]
    flags = words[spans - 5 * counts[2] + 3:spans:5]
    return {key for key, flag in enumerate(flags) if flag & 1} | set(words[spans + 3::4])

def show_filter(block, chunk, process):
    size, missing, nested, seen = len(chunk.filter), 0, False, set()
    for record in chunk.records:
        identities = process.identities.get(record.catalog, ())
        for slot in record.slots or []:
            if slot[0] in identities:
                nested |= slot[1] in NESTED
                seen.add((record.catalog, *slot))
    for catalog, *slot in seen if size else ():
        bits = bits_of(catalog, slot, size)
        missing += not all(chunk.filter[bit // 8] >> bit % 8 & 1 for bit in bits)
    ones = sum(bin(byte).count("1") for byte in chunk.filter)
    verdict = f"misses {missing}" if missing else "wrong" if nested and size else "right"
    print(f"filter {block.at} bytes {size} bits {ones} identities {len(seen)} {verdict}")

def show_chunk(block, process, ends):
    chunk = block.chunk
    faults = ["broken"] if chunk.error else sorted(set(faults_of_chunk(block, chunk)))
    print(f"chunk {block.at} segments {len(chunk.segments)} records {len(chunk.records)}",
          f"raw {chunk.raw} events {len(chunk.events)}", *faults or ["right"])
    show_filter(block, chunk, process)
    for ring, _, position, size, *_ in chunk.segments if block.type == RECORDS else ():
        end = ends.get((block.process, ring), position)
        if position != end:
            print(f"{'gap' if position > end else 'overlap'} {block.at} {ring} {end} {position}")
        ends[block.process, ring] = position + 8 * size
    for record in chunk.records if block.type == OPEN else ():
        print(f"open {block.at} {process.ns(record.ticks)} {record.thread} {record.catalog}",
              f"{record.event} {show_record(record)}")

# --- counts, index, end -----------------------------------------------------------------------------
def show_lost(block, process, counts):
    """Prints what the numbers of lost events grew by; their sum."""
    body, base, total = Bytes(block.body), process.part > 0 and block.process not in counts, 0
    seen = counts.setdefault(block.process, {})
    body.number(8)
    while body.more():
        event, catalog, _, *now = body.fields("215" + 5 * "8")
        before = seen.get((catalog, event), now if base else [0] * 5)
        seen[catalog, event] = now
        if catalog not in process.catalogs or event >= process.catalogs[catalog][0][1]:
            continue
        lost = [new - old for new, old in zip(now[2:], before[2:])]
        total += sum(lost)
        if any(lost):
            times = process.ns(block.first), process.ns(block.last)
            print("lost", *times if block.first <= block.last else (0, 0), catalog, event, *lost)
    return total

def show_index(block, blocks, lost):
    body, faults = Bytes(block.body), []
    before, count, nevents, nfilters, _ = body.fields("84444")
    entries = [body.fields("88844422224") for _ in range(count)]
    events, filters = Bytes(body.take(nevents)), Bytes(body.take(nfilters))
    if body.more():
        faults.append("bytes left over")
    indexes = [other.at for other in blocks if other.type == INDEX and other.at < block.at]
    if before != max(indexes, default=0):
        faults.append("index before")
    times = []
    for at, first, last, size, records, raw, kind, process, event_size, filter_size, _ in (
            entry[:11] for entry in entries):
        listed, filtered = events.take(event_size), filters.take(8 * filter_size)
        found = [other for other in blocks if other.at == at]
        wrong = ["not there"] if not found else []
        for other in found:
            wrong += ["header"] if (other.first, other.last, other.size, other.type, other.process) != (
                first, last, size, kind, process) else []
            if other.state == "whole":
                chunk = other.chunk if kind == RECORDS else None
                said = (records, raw, listed, filtered)
                is_so = (min(lost.get(at, 0), 2**32 - 1) if first <= last else 0, 0, b"", b"")
                if chunk:
                    is_so = (len(chunk.records), chunk.raw, chunk.listed, chunk.filter)
                    if len(chunk.listed) > 65535:
                        is_so = is_so[:2] + (b"",) + is_so[3:]
                wrong += ["content"] if said != is_so else []
        if kind == RECORDS:
            times += [(first, last)]
        print(f"entry {at} {kind} {process} {first} {last} {size} {records} {raw} {event_size}",
              filter_size, *wrong or ["right"])
        faults += wrong
    spans = min([t[0] for t in times], default=1), max([t[1] for t in times], default=0)
    if (block.first, block.last) != spans and (times or block.first <= block.last):
        faults.append("time")
    here = [other.at for other in blocks if before < other.at < block.at]
    if here != [entry[0] for entry in entries]:
        faults.append("blocks")
    print(f"index {block.at} {count}", "contradicts " + ", ".join(faults) if faults else "agrees")

def show_spans(block):
    body = Bytes(block.body)
    while body.more():
        span, catalog, _, *numbers = body.fields("215" + 69 * "8")
        lasted = [f"{i}:{n}" for i, n in enumerate(numbers[5:]) if n]
        print(f"spans {block.process} {catalog} {span}", *numbers[:5], *lasted)

def show_end(block, blocks, size):
    number, index = Bytes(block.body).fields("88")
    indexes = [other.at for other in blocks if other.type == INDEX]
    right = (number, index, size) == (len(blocks) - 1, max(indexes, default=0), block.at + 80)
    print(f"end {block.at} {number} {index}", "right" if right else "wrong")

def show_damage(blocks, size):
    end, sequence = 16, 0
    for block in blocks:
        if block.at != end:
            print(f"damage {end} no block up to {block.at}")
        if block.sequence != sequence:
            print(f"damage {block.at} sequence {block.sequence}, not {sequence}")
        if block.state != "whole" or block.error:
            print(f"damage {block.at} {block.state if block.state != 'whole' else block.error}")
        end, sequence = block.at + 64 + padded(block.size), block.sequence + 1 & 0xFFFFFFFF
    if end < size:
        print(f"damage {end} no block up to {size}")

def main(data):
    blocks, processes = read_file(data)
    show_file(blocks, processes)
    for process in processes.values():
        catalogs = process.catalogs.items()
        process.identities = {index: identities_of(*catalog) for index, catalog in catalogs}
    ends, counts, lost = {}, {}, {}
    for block in blocks:
        print(f"block {block.at} {block.type} {block.process} {block.sequence} {block.state}",
              block.size, block.raw_size, block.first, block.last)
        if block.chunk:
            show_chunk(block, processes[block.process], ends)
        elif block.state == "whole" and block.type == COUNTS:
            lost[block.at] = show_lost(block, processes[block.process], counts)
        elif block.state == "whole" and block.type == SPANS:
            show_spans(block)
        elif block.state == "whole" and block.type == INDEX:
            show_index(block, blocks, lost)
        elif block.state == "whole" and block.type == END:
            show_end(block, blocks, len(data))
    show_damage(blocks, len(data))
    show_records(blocks, processes)

if __name__ == "__main__":
    try:
        with open(sys.argv[1], "rb") as dump:
            main(dump.read())
    except Broken as problem:
        sys.exit(f"{sys.argv[1]}: {problem}")
