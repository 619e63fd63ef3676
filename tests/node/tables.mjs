// tables.mjs FOLDER jsonl|csv JSON PAGE: DuckDB reads the tables that `rill export` made of a dump,
// without any option, and each row is compared with what `rill cat -f json` printed of the same
// dump. PAGE: docs/events.ids, for the types of keys. Independent of src: docs/export.md and
// docs/json.md say what must stand where.
import { DuckDBInstance } from '@duckdb/node-api';
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';

const [folder, format, json, page] = process.argv.slice(2);
const db = await (await DuckDBInstance.create()).connect();

const types = new Map();
for (const line of readFileSync(page, 'utf8').split('\n')) {
  const words = line.split(' ');
  if (words[0] === 'key')
    types.set(words[2], (types.get(words[2]) ?? []).concat(words[3].split('|')));
}

function check(condition, what, ...values) {
  if (!condition)
    throw new Error(what + ': ' + values.map((v) => JSON.stringify(v, (_, x) =>
      typeof x === 'bigint' ? x + 'n' : x)?.slice(0, 700)).join(' | '));
}

const INTEGERS = ['u64', 'i64', 'duration', 'timestamp'];
const without = (key) => (types.get(key) ?? []).filter((t) => t !== 'none');
function kindOf(key) {
  const set = without(key);
  if (set.length && set.every((t) => INTEGERS.includes(t))) return 'integer';
  if (isDeepStrictEqual(set, ['bool'])) return 'bool';
  return isDeepStrictEqual(set, ['f64']) ? 'float' : 'text';
}

const nsOf = (text) =>
  BigInt(Date.parse(text.slice(0, 19) + 'Z')) * 1000000n + BigInt(text.slice(20, 29));

// The type of a value of cat's, from its notes, the page, or itself.
function typeOf(key, value, notes) {
  if (value === null) return 'none';
  if (notes[key]) return notes[key];
  if (types.get(key)?.length === 1) return types.get(key)[0];
  if (Array.isArray(value)) return 'list';
  return typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : 'event';
}

// Whether a value can stand in its key's column.
function fits(key, value, type) {
  if (!types.has(key) || type === 'none') return false;
  switch (kindOf(key)) {
    case 'integer': return INTEGERS.includes(type);
    case 'bool': return type === 'bool';
    case 'float': return typeof value === 'number';
    default: return true;
  }
}

// Controls are pictures in CSV: U+2400 and those behind it, U+FFFD for U+0080 to U+009F.
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
const pictures = (text) => text.replace(new RegExp(CONTROLS, 'g'), (c) =>
  String.fromCharCode(c < ' ' ? 0x2400 + c.charCodeAt(0) : c === '\x7f' ? 0x2421 : 0xfffd));

function checkCell(row, key, value, type) {
  const kind = kindOf(key);
  const cell = row[key];
  if (kind === 'integer')
    check(cell !== null && BigInt(cell) === (type === 'timestamp' ? nsOf(value) : BigInt(value)),
          'integer', key, cell, value);
  else if (kind === 'bool')
    check(String(cell) === String(value), 'bool', key, cell, value);
  else if (row.GUESSED.has(key))
    return; // DuckDB saw only times or numbers in a column of texts
  else if (typeof value === 'number')
    check(cell !== null && Number(cell) === value, type, key, cell, value);
  else if (type === 'list' || type === 'event')
    check(isDeepStrictEqual(JSON.parse(cell), value), type, key, cell, value);
  else if (format === 'csv' && CONTROLS.test(value))
    check(cell === pictures(value), 'control', key, cell, value);
  else if (format === 'csv' && value === '')
    check(cell === row.EMPTY, 'empty', key, cell);
  else
    check(cell === String(value), type, key, cell, value);
}

// What the notes must say of one object of keys of cat's: `keys`, and those of its notes.
function checkKeys(row, line, notes, columns, taken) {
  const further = {}, exact = {};
  const noted = Object.fromEntries(Object.entries(line.types ?? {}));
  for (const [key, value] of Object.entries(line.keys)) {
    const name = key.split('#')[0];
    const type = typeOf(name, value, key === name ? line.types ?? {} : {});
    if (key !== name || !fits(name, value, type) || taken?.has(key)) {
      further[key] = value;
      continue;
    }
    check(columns.has(key) || (value === '' && row.EMPTY === null), 'column', key);
    checkCell(row, key, value, type);
    columns.delete(key);
    const told = isDeepStrictEqual(without(key), [type]) ||
      (type === 'string' && without(key).includes('string'));
    if (told) delete noted[key];
    else noted[key] = type;
    if (format === 'csv' && type === 'string' &&
        (CONTROLS.test(value) || line.raw?.[key] || line.cut?.[key]))
      exact[key] = value;
  }
  return { further, exact, noted };
}

function checkNotes(notes, expected) {
  for (const [name, value] of Object.entries(expected)) {
    check(isDeepStrictEqual(notes[name] ?? {}, value ?? {}), 'notes.' + name, notes[name], value);
    delete notes[name];
  }
  check(Object.keys(notes).length === 0, 'more notes', notes);
}

function checkSpanIds(row, span) {
  check(row.span === (span?.name ?? null), 'span', row.span, span);
  check(row.span_id === (span?.id ?? null), 'span_id', row.span_id, span);
  check(row.parent_id === (span?.parent ?? null), 'parent_id', row.parent_id, span);
  check(row.trace_id === (span?.trace ?? null), 'trace_id', row.trace_id, span);
}

const micros = (ns) => ns / 1000n;
const fixed = new Set(['time', 'time_ns', 'level', 'event', 'text', 'catalog', 'host', 'program',
  'process_id', 'pid', 'tid', 'span', 'span_id', 'parent_id', 'trace_id', 'inherited', 'notes',
  'start_time', 'end_time', 'start_ns', 'end_ns', 'duration_ns', 'state', 'events', 'EMPTY', 'GUESSED']);

function keyColumns(row) {
  return new Set(Object.keys(row).filter((name) => !fixed.has(name) && row[name] !== null));
}

function checkEvent(row, line) {
  const notes = row.notes === null ? {} : JSON.parse(row.notes);
  const columns = keyColumns(row);
  check(row.time_ns === nsOf(line.time), 'time_ns', row.time_ns, line.time);
  check(row.time.micros === micros(row.time_ns), 'time', row.time.micros, line.time);
  for (const name of ['level', 'event', 'text', 'catalog'])
    check(row[name] === line[name], name, row[name], line[name]);
  check(row.host === 'mixed.example.org' && row.program === 'mixed', 'process', row);
  check(row.pid === BigInt(line.pid) && row.tid === BigInt(line.tid), 'thread', row.tid, line.tid);
  checkSpanIds(row, line.span);
  const { further, exact, noted } = checkKeys(row, line, notes, columns);
  check(columns.size === 0, 'more columns', [...columns]);
  check(isDeepStrictEqual(row.inherited === null ? undefined : JSON.parse(row.inherited),
                          line.inherited), 'inherited', row.inherited, line.inherited);
  checkNotes(notes, { keys: further, exact, types: noted, raw: line.raw, cut: line.cut });
}

function checkSpan(row, line) {
  const notes = row.notes === null ? {} : JSON.parse(row.notes);
  const columns = keyColumns(row);
  const end = nsOf(line.time);
  check(row.end_ns === end && row.start_ns === end - BigInt(line.duration), 'times', row.end_ns);
  check(row.start_time.micros === micros(row.start_ns), 'start_time', row.start_time.micros);
  check(row.end_time.micros === micros(end), 'end_time', row.end_time.micros);
  check(row.duration_ns === BigInt(line.duration), 'duration', row.duration_ns, line.duration);
  check(row.events === BigInt(line.events), 'events', row.events, line.events);
  for (const name of ['level', 'catalog', 'state'])
    check(row[name] === line[name], name, row[name], line[name]);
  check(row.pid === BigInt(line.pid), 'pid', row.pid);
  checkSpanIds(row, line.span);
  const ended = { keys: {}, ...line.end }, started = { keys: {}, ...line.start };
  const a = checkKeys(row, ended, notes, columns);
  const taken = new Set(Object.keys(ended.keys).filter((key) => !(key in a.further)));
  const b = checkKeys(row, started, notes, columns, taken);
  // What both say alike is not noted again.
  const same = (key) => taken.has(key) && isDeepStrictEqual(started.keys[key], ended.keys[key]) &&
    ['types', 'raw', 'cut'].every((n) => started[n]?.[key] === ended[n]?.[key]);
  const differing = Object.keys(b.further).filter((key) => !same(key));
  check(isDeepStrictEqual(Object.keys(notes.start?.keys ?? {}).sort(), differing.sort()),
        'notes.start', notes.start, differing);
  for (const key of differing)
    check(isDeepStrictEqual(notes.start.keys[key], started.keys[key]), 'notes.start', key);
  check(columns.size === 0, 'more columns', [...columns]);
}

async function* linesOf(kind) {
  for await (const text of createInterface({ input: createReadStream(json), crlfDelay: 0 })) {
    const line = JSON.parse(text);
    if (line.kind === kind) yield line;
  }
}

async function compare(kind, source, empty, guessed, checkRow) {
  const result = await db.stream(`select * from ${source}`);
  const names = result.columnNames();
  const lines = linesOf(kind);
  let count = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) break;
    for (const values of chunk.getRows()) {
      const row = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      row.EMPTY = empty;
      row.GUESSED = guessed;
      const { value: line, done } = await lines.next();
      check(!done, 'a row too many', values);
      try {
        checkRow(row, line);
      } catch (error) {
        throw new Error(`${source}, row ${count + 1}: ${error.message}\n${JSON.stringify(line)}`);
      }
      count++;
    }
  }
  check((await lines.next()).done, 'rows are missing after', count);
  console.log(`${count} ${kind}s are equal`);
}

const types_of = async (source) => new Map((await db.runAndReadAll(
  `select column_name, column_type from (describe from ${source})`)).getRows());
for (const [kind, file, checkRow] of [['event', 'events', checkEvent], ['span', 'spans', checkSpan]]) {
  const source = `'${folder}/${file}.${format}'`;
  const found = await types_of(source);
  for (const name of kind === 'event' ? ['time'] : ['start_time', 'end_time'])
    check(found.get(name) === 'TIMESTAMP', 'type', name, found.get(name));
  for (const name of kind === 'event' ? ['time_ns', 'pid', 'tid']
                                      : ['start_ns', 'end_ns', 'duration_ns', 'events', 'pid'])
    check(found.get(name) === 'BIGINT', 'type', name, found.get(name));
  // Ports up to 2^64 - 1, which are in the mix, and are not rounded.
  const large = format === 'csv' ? 'VARCHAR' : 'HUGEINT';
  if (kind === 'event' && found.has('localPort'))
    check(found.get('localPort') === large, 'type', found.get('localPort'));
  if (format === 'jsonl') {
    await compare(kind, source, undefined, new Set(), checkRow);
    continue;
  }
  const guessed = [...found.keys()].filter((name) => !fixed.has(name) && kindOf(name) === 'text' &&
                                                     found.get(name) !== 'VARCHAR');
  check(guessed.length <= 3, 'guessed', guessed);
  await compare(kind, source, null, new Set(guessed), checkRow);
  // An empty string is told from what is absent, and a text from a number, when that is asked for.
  const columns = [...found.keys()].map((name) => [name, fixed.has(name) && found.get(name) !==
    'VARCHAR' ? found.get(name) : 'VARCHAR']);
  const exact = `read_csv(${source}, allow_quoted_nulls=false, types={${columns.map(([name, type]) =>
    `'${name}': '${type}'`)}})`;
  await compare(kind, exact, '', new Set(), checkRow);
}
