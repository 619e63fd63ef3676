/* The summary, and blocks of details, which are unpacked when somebody looks at them. */

const summary = JSON.parse(byId("summary").textContent);

const data = {
	base: BigInt(summary.first),
	range: Math.max(1, Number(BigInt(summary.last) - BigInt(summary.first))),
	events: summary.events.map((row, id) => ({
		id, catalog: row[0], name: row[1], level: row[2], subsystem: row[0] + ":" + row[3], brief: row[4],
		text: row[5], never: (row[6] & 1) === 1, count: row[7], filtered: row[8], discarded: row[9],
		overwritten: row[10], failed: row[11], lost: row[9] + row[10] + row[11], series: row[12], latency: row[13],
	})),
	keys: summary.keys.map((row) => ({ name: row[0], text: row[1], types: row[2] })),
	spanTypes: summary.spanTypes.map((row, id) => ({
		id, name: row[1], start: row[2], end: row[3], key: row[4], ended: row[5], abandoned: row[6],
		headless: row[7], open: row[8], count: row[5] + row[6] + row[7] + row[8], latency: row[9], color: 0,
	})),
	index: null, /* of the blocks: at the end of the page */
	spans: null,
};

function subsystemName(subsystem) {
	const [catalog, index] = subsystem.split(":");
	return summary.catalogs[catalog].subsystems[index] || "?";
}

/* Colors by how many there are: the most frequent get the clearest. */
data.spanTypes.filter((type) => type.count).sort((a, b) => b.count - a.count)
	.forEach((type, i) => { type.color = i % 10; });

const totals = data.events.reduce((sum, event) => {
	for (const name of ["filtered", "discarded", "overwritten", "failed", "lost"]) sum[name] += event[name];
	sum.levels[event.level] += event.count;
	return sum;
}, { filtered: 0, discarded: 0, overwritten: 0, failed: 0, lost: 0, levels: [0, 0, 0, 0, 0] });
totals.emitted = summary.total + totals.filtered + totals.lost;

/* --- unpacking ---------------------------------------------------------------------------------- */

function fromBase64(text) {
	if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
	const binary = atob(text), bytes = new Uint8Array(binary.length);
	for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
	return bytes;
}

async function unpack(id) {
	const packed = new Blob([fromBase64(byId(id).textContent)]);
	const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
	const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
	const view = new DataView(bytes.buffer), columns = [];
	for (let at = 0; at < bytes.length;) {
		const size = view.getUint32(at, true);
		columns.push(bytes.subarray(at + 4, at + 4 + size));
		at += 4 + size;
	}
	return columns;
}

/* LEB128; beyond 2^53 the last digits are lost. */
function numbers(bytes, into) {
	for (let at = 0, i = 0; at < bytes.length; i++) {
		let value = 0, factor = 1, byte;
		do {
			byte = bytes[at++];
			value += (byte & 127) * factor;
			factor *= 128;
		} while (byte > 127);
		into[i] = value;
	}
	return into;
}

/* Zigzag differences, added up. */
function sums(bytes, into) {
	numbers(bytes, into);
	for (let i = 0, value = 0; i < into.length; i++) {
		value += into[i] % 2 ? -(into[i] + 1) / 2 : into[i] / 2;
		into[i] = value;
	}
	return into;
}

const rows = (bytes) => new TextDecoder().decode(bytes).split("\n");

const eventBlocks = new Map(); /* number -> promise, the last used ones */
const BLOCKS_KEPT = 40;

function eventBlock(number) {
	let block = eventBlocks.get(number);
	if (block) eventBlocks.delete(number);
	else block = unpack("e" + number).then((columns) => {
		const count = data.index.eventBlocks[number][0];
		const made = {
			number, count, first: data.index.eventStarts[number],
			time: sums(columns[0], new Float64Array(count)), event: numbers(columns[1], new Uint32Array(count)),
			thread: numbers(columns[2], new Uint32Array(count)), span: numbers(columns[3], new Uint32Array(count)),
			items: rows(columns[4]),
		};
		block.ready = made;
		return made;
	});
	eventBlocks.set(number, block);
	if (eventBlocks.size > BLOCKS_KEPT) eventBlocks.delete(eventBlocks.keys().next().value);
	return block;
}

/* Numbers of the blocks that may hold events between two times. */
function blocksBetween(from, to) {
	const found = [];
	data.index.eventBlocks.forEach(([, first, last], number) => {
		if (first <= to && last >= from) found.push(number);
	});
	return found;
}

/* "12u25\x1f...": [{key, type, value, cut}]. */
function parseItems(text) {
	if (!text) return [];
	return text.split("\x1f").map((item) => {
		const letter = item.search(/[a-z]/), [value, cut] = item.slice(letter + 1).split("\x1e");
		return { key: Number(item.slice(0, letter)), type: item[letter], value, cut };
	});
}
const keyName = (item) => (data.keys[item.key] || { name: "?" }).name;

function itemNodes(items) {
	return items.flatMap((item) => [el("span", {}, el("b", {}, keyName(item) + " "), formatValue(item.type, item.value)), " "]);
}

const hex = (view, at) => view.getBigUint64(at, true).toString(16).padStart(16, "0");

let spansLoading = null;
function loadSpans() {
	if (!spansLoading) spansLoading = data.ready.then(readSpans);
	return spansLoading;
}

async function readSpans() {
	const size = data.index.numbers + 1;
	const spans = {
		size, there: new Uint8Array(size), parent: new Uint32Array(size), type: new Uint16Array(size),
		process: new Uint32Array(size), start: new Float64Array(size), duration: new Float64Array(size),
		state: new Uint8Array(size), level: new Uint8Array(size), events: new Float64Array(size),
		id: new BigUint64Array(size), trace: new BigUint64Array(2 * size), items: new Array(size), depth: new Uint8Array(size),
	};
	for (let b = 0; b < data.index.spanBlocks.length; b++) {
		const count = data.index.spanBlocks[b][0], columns = await unpack("s" + b);
		const column = (i) => numbers(columns[i], new Float64Array(count));
		const number = column(0), text = rows(columns[11]), ids = columns[9].slice(), traces = columns[10].slice();
		const start = sums(columns[4], new Float64Array(count)), idView = new DataView(ids.buffer), traceView = new DataView(traces.buffer);
		for (const [name, i] of [["parent", 1], ["type", 2], ["process", 3], ["duration", 5], ["state", 6], ["level", 7], ["events", 8]]) {
			const values = column(i), into = spans[name];
			for (let row = 0; row < count; row++) into[number[row]] = values[row];
		}
		for (let row = 0; row < count; row++) {
			const at = number[row];
			spans.there[at] = 1;
			spans.start[at] = start[row];
			spans.id[at] = idView.getBigUint64(8 * row, true);
			spans.trace[2 * at] = traceView.getBigUint64(16 * row, true);
			spans.trace[2 * at + 1] = traceView.getBigUint64(16 * row + 8, true);
			spans.items[at] = text[row];
		}
	}
	data.spans = arrange(spans);
	return data.spans;
}

/* Puts spans into the order of a tree: each below the one around it, by their starts. */
function arrange(spans) {
	const all = [];
	for (let i = 1; i < spans.size; i++) if (spans.there[i]) all.push(i);
	const byStart = Uint32Array.from(all).sort((a, b) => spans.start[a] - spans.start[b] || a - b);
	const child = new Uint32Array(spans.size), next = new Uint32Array(spans.size);
	const isChild = (i) => spans.parent[i] && spans.there[spans.parent[i]] && spans.parent[i] !== i;
	for (let i = byStart.length - 1; i >= 0; i--) {
		const at = byStart[i];
		if (!isChild(at)) continue;
		next[at] = child[spans.parent[at]];
		child[spans.parent[at]] = at;
	}
	const order = new Uint32Array(byStart.length);
	let used = 0;
	for (const root of byStart) {
		if (isChild(root)) continue;
		for (let at = root, depth = 0; at;) {
			if (used === order.length) break;
			spans.depth[at] = Math.min(depth, 60);
			order[used++] = at;
			if (child[at]) { at = child[at]; depth++; continue; }
			while (at !== root && !next[at]) { at = spans.parent[at]; depth--; }
			at = at === root ? 0 : next[at];
		}
	}
	return Object.assign(spans, { order: order.subarray(0, used), child, next, count: used });
}

const spanId = (spans, at) => spans.id[at].toString(16).padStart(16, "0");
const traceId = (spans, at) => spans.trace[2 * at].toString(16).padStart(16, "0") + spans.trace[2 * at + 1].toString(16).padStart(16, "0");
const spanItems = (spans, at) => (spans.items[at] || "").split("\x1d").map(parseItems);

data.ready = new Promise((resolve) => {
	document.addEventListener("DOMContentLoaded", () => {
		const index = JSON.parse(byId("index").textContent);
		let rowsBefore = 0;
		index.eventStarts = index.eventBlocks.map(([count]) => { rowsBefore += count; return rowsBefore - count; });
		data.index = index;
		resolve(index);
	});
});
