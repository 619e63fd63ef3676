#!/usr/bin/env python3
"""A second reader of dumps, written from docs/dump-format.md and nothing else.

It is slow and plain. For each dump it prints a line on the process, the catalogs, the counts and
the epochs, and then a line for each record in order, with every value. tests/dump/test_second.c
compares that with what the C reader says.
"""
import struct
import sys
import zlib

MAGIC = b"\x89rill\r\n\x1a"
TYPES = ["none", "bool", "u64", "i64", "f64", "duration", "timestamp", "string", "bytes", "ip",
         "list", "event"]


class Bad(Exception):
    pass


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Bad("body too short")
        piece = self.data[self.at:self.at + size]
        self.at += size
        return piece

    def int(self, size):
        return int.from_bytes(self.take(size), "little")

    def text(self):
        return self.take(self.int(4)).decode("utf-8", "surrogateescape")


def pad8(size):
    return (size + 7) & ~7


def header_at(data, at):
    """(type, flags, size, body check) or None."""
    if at + 32 > len(data):
        return None
    mark, kind, flags, size, position, body_check, check = struct.unpack_from("<4sHHQQII", data, at)
    if mark != b"RBLK" or position != at or check != zlib.crc32(data[at:at + 28]):
        return None
    return kind, flags, size, body_check


def blocks(data):
    """(type, body, whole) of each block that can be found."""
    at = 16
    while at + 32 <= len(data):
        header = header_at(data, at)
        if header is None:
            at += 8
            continue
        kind, flags, size, body_check = header
        body = data[at + 32:at + 32 + size]
        whole = len(body) == size
        if not (whole and flags & 1 and zlib.crc32(body) != body_check):
            yield kind, body, whole
        if kind == 7:
            return
        at += 32 + pad8(size)


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


def records(data):
    """(offset, size, ticks, event, n, catalog) of each whole record."""
    at = 0
    while at + 16 <= len(data):
        ticks, event, n, _, size = struct.unpack_from("<QHBBI", data, at)
        size, catalog = size & 0xffffff, size >> 24
        least = 16 + pad8(4 * n) + 8 * n
        if size % 8 or n > 16 or size < least or at + size > len(data):
            return
        yield at, size, ticks, event, n, catalog
        at += size


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
        words += [body.text(), body.text(), body.int(2), body.int(1)]
    for _ in range(nspans):
        words += [body.text(), body.int(2), body.int(2), body.int(2)]
    return index, "|".join(str(word) for word in words)


class Dump:
    def __init__(self, data):
        self.process, self.catalogs, self.points = None, {}, []
        self.counts, self.cut, self.epochs, self.chunks, self.finished = {}, 0, [], [], False
        for kind, body, whole in blocks(data):
            if kind == 4:
                self.add_chunk(body)
            elif whole:
                self.add(kind, Body(body))
        self.points.sort(key=lambda point: point[0])

    def add_chunk(self, body):
        if len(body) >= 32:
            ring, start, _, tid = struct.unpack_from("<QQQI", body)
            self.chunks.append((ring, start, tid, body[32:]))

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
        elif kind == 5:
            self.cut = body.int(8)
            while body.at < len(body.data):
                event, catalog, _ = body.int(2), body.int(1), body.int(5)
                self.counts[catalog, event] = [body.int(8) for _ in range(5)]
        elif kind == 6:
            self.epochs.append("epoch %d %d %s" % (body.int(8), body.int(8), body.text()))
        elif kind == 7:
            self.finished = True

    def all_records(self):
        """(time, ring, position, tid, event, catalog, values), each position once."""
        found, seen = [], {}
        for ring, start, tid, data in sorted(self.chunks, key=lambda chunk: chunk[:2]):
            for at, size, ticks, event, n, catalog in records(data):
                position = start + at
                if position < seen.get(ring, 0):
                    continue
                seen[ring] = position + size
                try:
                    values = show(slots(data, at + 16, at + size, n))
                except Bad:
                    values = "bad"
                found.append((time_of(self.points, ticks), ring, position, tid, event, catalog,
                              values))
        return sorted(found, key=lambda record: record[:3])


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    if data[:8] != MAGIC or len(data) < 16 or struct.unpack_from("<H", data, 8)[0] > 0:
        sys.exit("not a dump of version 0")
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
