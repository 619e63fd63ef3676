#!/usr/bin/env python3
"""A second reader of dumps, written from docs/dump-format.md and nothing else.

It is slow and plain. For each dump it prints a line on the process, the catalogs, the counts and
the epochs, and then a line for each record in order, with every value. tests/dump/test_second.c
compares that with what the C reader says.
"""
import struct
import sys

MAGIC = b"\x89rill\r\n\x1a"
TYPES = ["none", "bool", "u64", "i64", "f64", "duration", "timestamp", "string", "bytes", "ip",
         "list", "event"]


WORD_BYTES = [0, 0, 0, 1, 2, 1, 2, 3, 4, 6, 8, 4, 8, 1, 2]
M64 = 2**64 - 1


class Bad(Exception):
    pass


class Cut(Bad):
    """What should be there is not."""


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Cut("body too short")
        piece = self.data[self.at:self.at + size]
        self.at += size
        return piece

    def int(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.int(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value & M64
            if shift > 63:
                raise Bad("varint")

    def text(self):
        return self.take(self.int(4)).decode("utf-8", "surrogateescape")


def pad8(size):
    return (size + 7) & ~7


def unzigzag(value):
    return value >> 1 ^ -(value & 1)


class Slot:
    def __init__(self, tag):
        self.tag, self.type = tag, tag >> 16 & 0xff
        self.has_bytes = self.type in (7, 8, 10, 11)
        self.last, self.stride = 0, 0
        self.value = (b"", 0)


class Shape:
    def __init__(self, as_is, catalog, event, slots):
        self.as_is, self.catalog, self.event, self.slots = as_is, catalog, event, slots
        self.expected = self


class Unpacker:
    """The records of a chunk, one after the other."""

    def __init__(self, control, payload):
        self.control, self.payload = Body(control), Body(payload)
        self.shapes, self.words, self.values = [], [], []
        self.tag_words, self.tag_values = {}, {}    # the last ones
        self.start = None   # shape of the last segment's first record

    def records(self, first, count, size):
        """Each record of the segment."""
        ticks, before, total = first, None, 0
        for _ in range(count):
            lead = self.control.int(1)
            control = [lead >> 4]
            ticks = (ticks + self.payload.int((lead & 7) + 1)) & M64
            shape = before.expected if before else self.start
            if not lead & 8:
                shape = self.shape()
            if shape is None:
                raise Bad("no shape is expected")
            if before:
                before.expected = shape
            else:
                self.start = shape
            before = shape
            for byte in self.control.take((len(shape.slots) + 2) // 2 - 1):
                control += [byte & 15, byte >> 4]
            record = self.as_is(shape, ticks) if shape.as_is else self.record(shape, ticks, control)
            total += len(record)
            if total > size:
                raise Bad("more than the segment's size")
            yield record
        if total != size:
            raise Bad("less than the segment's size")

    def shape(self):
        number = self.payload.int(1)
        if number >= 240:
            number = 240 + 256 * (number - 240) + self.payload.int(1)
        if number < len(self.shapes):
            return self.shapes[number]
        if number > len(self.shapes) or number >= 4096:
            raise Bad("shape")
        lead, catalog, event = self.payload.int(1), self.payload.int(1), self.payload.int(2)
        n, as_is = lead & 31, lead & 31 == 31
        if as_is:
            n = 0
        if n > 16 or n + sum(len(shape.slots) for shape in self.shapes) > 16384:
            raise Bad("slots")
        tags = [self.payload.int(4) for _ in range(n)]
        self.shapes.append(Shape(as_is, catalog, event, [Slot(tag) for tag in tags]))
        return self.shapes[-1]

    def as_is(self, shape, ticks):
        n, flags, size = self.payload.int(1), self.payload.int(1), self.payload.int(3)
        if size < 16 + pad8(4 * n) + 8 * n or size % 8 or n > 16:
            raise Bad("record")
        head = struct.pack("<QHBBI", ticks, shape.event, n, flags, size | shape.catalog << 24)
        return head + self.payload.take(size - 16)

    def record(self, shape, ticks, control):
        words, tail = b"", b""
        for slot, code in zip(shape.slots, control):
            if slot.has_bytes:
                data, original = self.value(slot, code)
                words += struct.pack("<II", len(data), original)
                tail += data
            elif slot.type == 9 and code == 15:
                data, original = self.value(slot, self.payload.int(1))
                if len(data) != 16 or original != 16:
                    raise Bad("address")
                words += struct.pack("<II", 0, 16)
                tail += data
            else:
                words += struct.pack("<Q", self.word(slot, code))
        n = len(shape.slots)
        tags = b"".join(struct.pack("<I", slot.tag) for slot in shape.slots)
        rest = tags.ljust(pad8(4 * n), b"\0") + words + tail
        size = 16 + pad8(len(rest))
        head = struct.pack("<QHBBI", ticks, shape.event, n, 0, size | shape.catalog << 24)
        return head + rest.ljust(size - 16, b"\0")

    def word(self, slot, code):
        if code == 15:
            raise Bad("code")
        number = self.payload.int(WORD_BYTES[code])
        if code == 0:
            word = slot.last
        elif code == 1:
            word = self.tag_words.get(slot.tag, 0)
        elif code == 2:
            word = slot.last + slot.stride
        elif code in (3, 4):
            word = slot.last + unzigzag(number)
        elif code in (13, 14):
            if number >= len(self.words):
                raise Bad("reference")
            word = self.words[number]
        else:
            word = slot.last ^ number
        word &= M64
        if code in (11, 12):
            self.append(self.words, word)
        if slot.type == 9 and word >> 32 == 16:
            raise Bad("an IPv6 address in a word")
        slot.stride = (word - slot.last) & M64
        slot.last = self.tag_words[slot.tag] = word
        return word

    def value(self, slot, code):
        if code == 0:
            value = slot.value
        elif code == 1:
            value = self.tag_values.get(slot.tag, (b"", 0))
        elif code == 4:
            kept, original = self.payload.int(4), self.payload.int(4)
            value = self.payload.take(kept), original
        elif code in (7, 8):
            index = self.payload.int(code - 6)
            if index >= len(self.values):
                raise Bad("reference")
            value = self.values[index]
        elif code in (2, 3, 5, 6):
            size = self.payload.int(1 if code in (2, 5) else 2)
            value = self.payload.take(size), size
        else:
            raise Bad("code")
        if code in (5, 6):
            self.append(self.values, value)
        slot.value = self.tag_values[slot.tag] = value
        return value

    @staticmethod
    def append(dictionary, entry):
        if len(dictionary) == 4096:
            raise Bad("dictionary")
        dictionary.append(entry)


def unpack(body):
    """(ring, position, thread id, bytes) of each record that is whole."""
    found = []
    try:
        body = Body(body)
        nsegments, ncontrol, base = body.varint(), body.varint(), body.int(8)
        if nsegments > 4096:
            raise Bad("segments")
        segments = [[body.varint() for _ in range(8)] for _ in range(nsegments)]
        for _ in range(body.varint()):
            body.varint()
            body.varint()
        body.take(body.varint())
        control = body.take(ncontrol)
        unpacker = Unpacker(control, body.data[body.at:])
        for ring, tid, at, size, number, first, _, _ in segments:
            first = (base + unzigzag(first)) & M64
            for record in unpacker.records(first, number >> 1, 8 * size):
                found.append((ring, at, tid & 0xffffffff, record))
                at += len(record)
    except Bad:
        pass
    return found


def header_at(data, at):
    """(type, flags, size, body check) or None."""
    if at + 64 > len(data):
        return None
    mark, kind, flags, size, position = struct.unpack_from("<4sHHQQ", data, at)
    body_check, _, check = struct.unpack_from("<III", data, at + 52)
    if mark != b"RBLK" or position != at or check != crc32c(data[at:at + 60]):
        return None
    return kind, flags, size, body_check


def blocks(data):
    """(type, body, whole) of each block that can be found."""
    at = 16
    while at + 64 <= len(data):
        header = header_at(data, at)
        if header is None:
            at += 8
            continue
        kind, flags, size, body_check = header
        body = data[at + 64:at + 64 + size]
        whole = len(body) == size
        if not (whole and crc32c(body) != body_check):
            yield kind, body, whole
        if kind == 10:
            return
        at += 64 + pad8(size)


def slots(data, at, end, n):
    """Values of n slots whose tags stand at `at`: (key, type, value, cut)."""
    words = at + pad8(4 * n)
    tail = words + 8 * n
    if tail > end:
        raise Bad("slots")
    values = []
    for i in range(n):
        key, kind, zero = struct.unpack_from("<HBB", data, at + 4 * i)
        if kind >= len(TYPES) or zero:
            raise Bad("tag")
        word = data[words + 8 * i:words + 8 * i + 8]
        kept, original = struct.unpack("<II", word)
        name, cut = TYPES[kind], False
        if name in ("string", "bytes", "list", "event"):
            if tail + kept > end:
                raise Bad("tail")
            value, cut = data[tail:tail + kept], kept < original
            tail += kept
            if name in ("list", "event"):
                value = nested(value)
        elif name == "ip":
            if original not in (0, 4, 16):
                raise Bad("address")
            value = word[:original] if original < 16 else data[tail:tail + 16]
            if original == 16:
                tail += 16
            if original == 0:
                name, value = "none", 0
        elif name in ("i64", "duration"):
            value = struct.unpack("<q", word)[0]
        elif name == "none":
            value = 0
        elif name == "bool":
            value = int(any(word))
        else:
            value = struct.unpack("<Q", word)[0]
        values.append((key, name, value, cut))
    return values


def nested(data):
    if not data:
        return 0, []
    if len(data) < 8:
        raise Bad("nested")
    event, n = struct.unpack_from("<II", data)
    return event, slots(data, 8, len(data), n)


def show(values):
    shown = []
    for key, name, value, cut in values:
        if isinstance(value, bytes):
            value = value.hex()
        elif isinstance(value, tuple):
            value = "%d(%s)" % (value[0], show(value[1]))
        shown.append("%d:%s=%s%s" % (key, name, value, "~" if cut else ""))
    return " ".join(shown)


def time_of(points, ticks):
    if not points:
        return ticks
    chosen = points[0]
    for point in points:
        if point[0] <= ticks:
            chosen = point
    delta = (ticks - chosen[0]) & (2**64 - 1)
    if delta >= 2**63:
        delta -= 2**64
    return (chosen[1] + (delta * chosen[2] >> 32)) & (2**64 - 1)


def catalog_line(body):
    index, checksum, name = body.int(1), body.int(8), body.text()
    nsubsystems, nevents, nkeys, nspans = (body.int(2) for _ in range(4))
    words = ["catalog", index, "%016x" % checksum, name]
    words += [body.text() for _ in range(nsubsystems)]
    for _ in range(nevents):
        words += [body.text(), body.text(), body.text(), body.int(2), body.int(1), body.int(1)]
        words += ["k%d" % body.int(2) for _ in range(body.int(2))]
    for _ in range(nkeys):
        words += [body.text(), body.text(), body.int(2), body.int(1), body.int(2)]
    for _ in range(nspans):
        words += [body.text(), body.int(2), body.int(2), body.int(2)]
    return index, "|".join(str(word) for word in words)


class Dump:
    def __init__(self, data):
        self.process, self.catalogs, self.points = None, {}, []
        self.counts, self.cut, self.epochs, self.records, self.finished = {}, 0, [], [], False
        for kind, body, whole in blocks(data):
            if kind == 4:
                self.records += unpack(body)
            elif whole:
                self.add(kind, Body(body))
        self.points.sort(key=lambda point: point[0])

    def add(self, kind, body):
        if kind == 1 and self.process is None:
            pid, _, high, low, start = (body.int(size) for size in (4, 4, 8, 8, 8))
            self.process = "process %d %x %x %d %s" % (pid, high, low, start, body.text())
        elif kind == 2:
            index, line = catalog_line(body)
            self.catalogs.setdefault(index, line)
        elif kind == 3:
            while body.at < len(body.data):
                self.points.append((body.int(8), body.int(8), body.int(8)))
                body.int(8)
        elif kind == 5:
            self.cut = body.int(8)
            while body.at < len(body.data):
                event, catalog, _ = body.int(2), body.int(1), body.int(5)
                self.counts[catalog, event] = [body.int(8) for _ in range(5)]
        elif kind == 6:
            self.epochs.append("epoch %d %d %s" % (body.int(8), body.int(8), body.text()))
        elif kind == 10:
            self.finished = True

    def all_records(self):
        """(time, ring, position, tid, event, catalog, values), each position once."""
        found, seen = [], {}
        for ring, position, tid, data in sorted(self.records, key=lambda record: record[:2]):
            if position < seen.get(ring, 0):
                continue
            seen[ring] = position + len(data)
            ticks, event, n, _, catalog = struct.unpack_from("<QHBBI", data)
            try:
                values = show(slots(data, 16, len(data), n))
            except Bad:
                values = "bad"
            found.append((time_of(self.points, ticks), ring, position, tid, event, catalog >> 24,
                          values))
        return sorted(found, key=lambda record: record[:3])


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    if data[:8] != MAGIC or len(data) < 16 or struct.unpack_from("<H", data, 8)[0] != 1:
        sys.exit("not a dump of version 1")
    dump = Dump(data)
    out = [dump.process] if dump.process else []
    out += [dump.catalogs[index] for index in sorted(dump.catalogs)]
    out += ["count %d %d %s" % (catalog, event, " ".join(map(str, numbers)))
            for (catalog, event), numbers in sorted(dump.counts.items()) if any(numbers)]
    out += ["cut %d" % dump.cut] + dump.epochs + ["finished %d" % dump.finished]
    out += ["%d %d %d %d %d %s" % (record[0], record[1], record[3], record[5], record[4], record[6])
            for record in dump.all_records()]
    sys.stdout.buffer.write("".join(line + "\n" for line in out).encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main()
