#!/usr/bin/env python3
"""Prints everything that a dump holds, line by line. Written from docs/dump-format.md alone."""
import collections
import struct
import subprocess
import sys
MASK = 2**64 - 1
NAMES = "none bool u64 i64 f64 duration timestamp string bytes ip list event".split()
SIZED, IP, NESTED = (7, 8, 10, 11), 9, (10, 11)
PROCESS, CATALOG, CLOCK, RECORDS, COUNTS, EPOCH, OPEN, SPANS, INDEX, END = range(1, 11)
CRC_TABLE = range(256)
for _ in range(8):
    CRC_TABLE = [value >> 1 ^ (0x82F63B78 if value & 1 else 0) for value in CRC_TABLE]
class Broken(Exception):
    """Bytes that are not what the page says, or not there."""
def need(condition, what):
    if not condition:
        raise Broken(what)
def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC_TABLE[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF
def padded(size):
    return (size + 7) // 8 * 8
def unzigzag(value):
    return value >> 1 ^ -(value & 1)
class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0
    def take(self, size):
        need(size <= len(self.data) - self.at, "bytes are missing")
        self.at += size
        return self.data[self.at - size:self.at]
    def number(self, size):
        return int.from_bytes(self.take(size), "little")
    def fields(self, sizes):
        """Integers of so many bytes each, and texts for "t"."""
        return [self.number(int(size)) if size != "t" else
                self.take(self.number(4)).decode("utf-8", "surrogateescape") for size in sizes]
    def more(self):
        return self.at < len(self.data)
    def varint(self):
        byte, value, shift = 128, 0, 0
        while byte > 127:
            byte = self.number(1)
            value, shift = value | (byte & 127) << shift, shift + 7
        need(value <= MASK and shift <= 70, "a varint of more than 64 bits")
        return value
# --- values: read from tags, words and tail as a record and what is nested in one hold them ---------
def read_slots(source, count):
    tags = [source.fields("211") for _ in range(count)]
    source.take(padded(4 * count) - 4 * count)
    slots = [(key, kind, source.number(8)) for key, kind, _ in tags]
    return [slot + (source.take(tail_size(*slot)),) for slot in slots]
def tail_size(_, kind, word):
    return word & 0xFFFFFFFF if kind in SIZED else 16 if kind == IP and word >> 32 == 16 else 0
def show_value(key, kind, word, data):
    need(kind < len(NAMES), "a value of no known type")
    kept, were = word & 0xFFFFFFFF, word >> 32
    if kind in SIZED:
        need(kept <= were, "more bytes than there were")
        text = (show_nested(data) if kind in NESTED else data.hex()) + ("~" if kept < were else "")
    elif kind == IP:
        need(were in (0, 4) or were == len(data) == 16, "an address of no known size")
        kind = IP if were else 0
        text = {0: "0", 4: word.to_bytes(8, "little")[:4].hex(), 16: data.hex()}[were]
    elif kind in (3, 5):
        text = str(word - (word >> 63 << 64))
    else:
        text = str((0, min(word, 1), word)[min(kind, 2)])
    return f"{key}:{NAMES[kind]}={text}"
def show_nested(data):
    source = Bytes(data or bytes(8))
    event, count = source.fields("44")
    need(count <= len(data) // 12, "more elements than bytes")
    return f"{event}({show_slots(read_slots(source, count))})"
def show_slots(slots):
    return " ".join(show_value(*slot) for slot in slots)
def show_record(record):
    try:
        return show_slots(record.slots)
    except Broken:
        return "bad"
# --- chunks: bodies of blocks of type RECORDS and OPEN ----------------------------------------------
class Shape:
    def __init__(self, catalog, event, tags, as_is):
        self.catalog, self.event, self.tags, self.as_is, self.next = catalog, event, tags, as_is, self
        self.words, self.strides, self.values = [0] * len(tags), [0] * len(tags), [(b"", 0)] * len(tags)
Record = collections.namedtuple("Record", "ring thread position ticks catalog event slots")
class Chunk:
    def __init__(self, body):
        source = Bytes(body)
        count, controls, self.base = source.varint(), source.varint(), source.number(8)
        need(count <= 4096, "too many segments")
        self.segments = [[source.varint() for _ in range(8)] for _ in range(count)]
        self.events, event, count = {}, 0, source.varint()
        begin = source.at
        for _ in range(count):
            event += source.varint()
            self.events[event] = source.varint()
        self.listed = body[begin:source.at]
        self.filter = source.take(source.varint())
        self.control, self.payload = Bytes(source.take(controls)), Bytes(body[source.at:])
        self.shapes, self.nslots, self.words, self.values = [], 0, [], []
        self.tag_words, self.tag_values, self.records, self.error = {}, {}, [], None
        self.raw, first = 8 * sum(segment[3] for segment in self.segments), None
        try:
            for segment in self.segments:
                first = self.read_segment(segment, first)
        except (Broken, IndexError) as error:
            self.error = error
    def read_segment(self, segment, expected):
        position, size, count = segment[2:5]
        ticks, end, first, before = self.base + unzigzag(segment[5]), position + 8 * size, None, None
        for _ in range(count >> 1):
            control = self.control.number(1)
            ticks = ticks + self.payload.number((control & 7) + 1) & MASK
            shape = expected if control & 8 else self.read_shape()
            need(shape, "no shape is expected")
            more = self.control.take((len(shape.tags) + 2) // 2 - 1)
            nibbles = [control >> 4] + [byte >> half & 15 for byte in more for half in (0, 4)]
            if shape.as_is:
                slots, length = self.read_as_is()
            else:
                slots = [self.read_value(shape, i, nibbles[i]) for i in range(len(shape.tags))]
                tail = sum(len(slot[3]) for slot in slots)
                length = 16 + padded(4 * len(slots)) + 8 * len(slots) + padded(tail)
            need(max(len(self.shapes), len(self.words), len(self.values)) <= 4096, "too many entries")
            need(position + length <= end, "records of more bytes than announced")
            self.records.append(Record(*segment[:2], position, ticks, shape.catalog, shape.event, slots))
            position += length
            if before:
                before.next = shape
            first, before, expected = first or shape, shape, shape.next
        need(position == end, "records of fewer bytes than announced")
        return first
    def read_shape(self):
        number = self.payload.number(1)
        if number >= 240:
            number = 240 + 256 * (number - 240) + self.payload.number(1)
        if number < len(self.shapes):
            return self.shapes[number]
        count, catalog, event = self.payload.fields("112")
        count &= 31
        tags = [tuple(self.payload.fields("211")) for _ in range(0 if count == 31 else count)]
        self.nslots += len(tags)
        need(number == len(self.shapes) and self.nslots <= 16384 and (count <= 16 or count == 31), "no shape")
        self.shapes.append(Shape(catalog, event, tags, count == 31))
        return self.shapes[-1]
    def read_as_is(self):
        count, _, size = self.payload.fields("113")
        need(size >= 16, "a record without its beginning")
        source = Bytes(self.payload.take(size - 16))
        try:
            return read_slots(source, count), size
        except Broken:
            return [(0, len(NAMES), 0, b"")], size
    def read_value(self, shape, i, nibble):
        tag, take, last = shape.tags[i], self.payload.number, shape.words[i]
        if tag[1] in SIZED:
            data, were = self.read_bytes(shape, i, nibble)
            return *tag[:2], len(data) | were << 32, data
        if nibble == 15:
            data, were = self.read_bytes(shape, i, take(1))
            need(tag[1] == IP and len(data) == were == 16, "no address of 16 bytes")
            return *tag[:2], 16 << 32, data
        if nibble < 3:
            word = (last, self.tag_words.get(tag, 0), last + shape.strides[i])[nibble]
        elif nibble < 5:
            word = last + unzigzag(take(nibble - 2))
        elif nibble < 13:
            word = last ^ take((1, 2, 3, 4, 6, 8, 4, 8)[nibble - 5])
        else:
            word = self.words[take(nibble - 12)]
        word &= MASK
        if nibble in (11, 12):
            self.words.append(word)
        shape.strides[i], shape.words[i], self.tag_words[tag] = word - last, word, word
        return *tag[:2], word, b""
    def read_bytes(self, shape, i, nibble):
        tag, take = shape.tags[i], self.payload.number
        need(nibble < 9, "a nibble that is not used")
        if nibble < 2:
            value = (shape.values[i], self.tag_values.get(tag, (b"", 0)))[nibble]
        elif nibble == 4:
            kept, were = take(4), take(4)
            value = self.payload.take(kept), were
        elif nibble > 6:
            value = self.values[take(nibble - 6)]
        else:
            data = self.payload.take(take(nibble - 1 if nibble < 4 else nibble - 4))
            value = data, len(data)
            if nibble > 4:
                self.values.append(value)
        shape.values[i] = self.tag_values[tag] = value
        return value
# --- blocks -----------------------------------------------------------------------------------------
class Block:
    def __init__(self, data, at):
        (mark, self.type, self.flags, self.size, position, self.first, self.last, self.sequence,
         self.process, _, self.raw_size, check, _, own) = struct.unpack("<4sHHQQQQIHHIIII", data[at:at + 64])
        self.good = mark == b"RBLK" and position == at and crc32c(data[at:at + 60]) == own
        self.at, self.body, self.chunk, self.error = at, data[at + 64:at + 64 + self.size], None, None
        self.state = "cut" if len(self.body) < self.size else "whole"
        if self.good and self.state == "whole" and crc32c(self.body) != check:
            self.state = "broken"
    def unpack(self):
        if self.flags & 1:
            run = subprocess.run(["zstd", "-dcq"], input=self.body, capture_output=True, check=False)
            need(run.returncode == 0 and len(run.stdout) == self.raw_size <= 2**26, "it cannot be decompressed")
            self.body = run.stdout
        return Bytes(self.body)
def find_blocks(data):
    blocks, at = [], 16
    while at + 64 <= len(data):
        block = Block(data, at)
        blocks += [block] if block.good else []
        at += 64 + padded(block.size) if block.good else 8
    return blocks
# --- processes --------------------------------------------------------------------------------------
class Process:
    def __init__(self):
        self.lines, self.catalogs, self.points, self.epochs = [], {}, [], []
        self.counts, self.cut, self.part, self.key = {}, 0, 0, (0, 0, 0)
    def ns(self, ticks):
        points = [point for point in self.points if point[0] <= ticks][-1:] or self.points[:1]
        for at, ns, rate, _, _ in points:
            return ns + ((ticks - at + 2**63 & MASK) - 2**63) * rate // 2**32 & MASK
        return ticks
    def take(self, kind, body):
        if kind == PROCESS:
            pid, self.part, *self.key, program, host, boot, boot_too, clock, writer, series = body.fields("44888tt88tt8")
            self.lines = [f"process {pid} {self.key[0]:x} {self.key[1]:x} {self.key[2]} {program}",
                          f"part {self.part} {series:x} {boot:x} {boot_too:x}|{host}|{clock}|{writer}"]
        elif kind == CATALOG:
            index = body.number(1)
            self.catalogs.setdefault(index, read_catalog(index, body))
        elif kind == CLOCK:
            while body.more():
                self.points.append(body.fields("88844"))
            self.points.sort(key=lambda point: point[0])
        elif kind == COUNTS:
            self.cut = body.number(8)
            while body.more():
                event, catalog, _, *numbers = body.fields("215" + 5 * "8")
                self.counts[catalog, event] = numbers
        elif kind == EPOCH:
            self.epochs.append("epoch %d %d %s" % tuple(body.fields("88t")))
    def show(self):
        lines = self.lines + ["|".join(map(str, words)) for _, (_, words) in sorted(self.catalogs.items())]
        lines += ["clock %d %d %d %d %d" % tuple(point) for point in self.points]
        for event in sorted(e for e in self.counts if e[0] in self.catalogs and e[1] < self.catalogs[e[0]][0][1]):
            lines.append("count %d %d " % event + "%d %d %d %d %d" % tuple(self.counts[event]))
        print("\n".join(lines + [f"cut {self.cut}"] + self.epochs))
def read_catalog(index, body):
    code, name, *counts = body.fields("8t2222")
    words = [f"catalog|{index}|{code:016x}|{name}"] + body.fields("t" * counts[0])
    for _ in range(counts[1]):
        words += body.fields("ttt211")
        words += [f"k{key}" for key in body.fields("2" * body.number(2))]
    return counts, words + body.fields("tt212" * counts[2] + "t222" * counts[3])
# --- files ------------------------------------------------------------------------------------------
def read_file(data):
    need(data[:8] == b"\x89rill\r\n\x1a" and data[8:10] == b"\1\0", "no dump of version 1")
    blocks, processes = find_blocks(data), {}
    for block in blocks:
        process = processes.setdefault(block.process, Process())
        try:
            if block.type in (RECORDS, OPEN) and block.state != "broken":
                block.chunk = Chunk(block.unpack().data)
                block.error = block.chunk.error
            elif block.state == "whole":
                process.take(block.type, block.unpack())
        except Broken as error:
            block.error = error
    return blocks, processes
def show_file(blocks, processes):
    for _, process in sorted(processes.items()):
        process.show()
    print("finished", int(bool(blocks) and blocks[-1].type == END and blocks[-1].state == "whole"))
def show_records(blocks, processes):
    records, ends = [], {}
    for block in (block for block in blocks if block.type == RECORDS and block.chunk):
        process, prefix = processes[block.process], f"p{block.process} " if block.process else ""
        before = dict(ends)
        for ring, _, position, size, *_ in block.chunk.segments:
            ends[prefix, ring] = max(ends.get((prefix, ring), 0), position + 8 * size)
        for record in block.chunk.records:
            if record.position >= before.get((prefix, record.ring), 0):
                order = process.ns(record.ticks), process.key[2], *process.key[:2], record.ring, record.position
                records.append((order, prefix, record))
    for order, prefix, record in sorted(records, key=lambda entry: entry[0]):
        where = f"{prefix}{order[0]} {record.ring} {record.thread} {record.catalog} {record.event}"
        print(where, show_record(record))
if __name__ == "__main__":
    with open(sys.argv[1], "rb") as dump:
        everything = read_file(dump.read())
    show_file(*everything)
    show_records(*everything)
