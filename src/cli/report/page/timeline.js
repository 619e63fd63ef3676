/* Timeline: events over time by level or subsystem, and the events themselves. */

const timeline = { by: "level", text: "", level: 0, matches: null, turn: 0 };

function subsystemGroups() {
	const sum = (bins) => bins.reduce((a, b) => a + b, 0);
	const sorted = [...subsystemSeries.entries()].map(([name, bins]) => [name, bins, sum(bins)]).sort((a, b) => b[2] - a[2]);
	const shown = sorted.slice(0, 9).map(([name, bins], i) => [name, "c" + i, bins]);
	if (sorted.length > 9) {
		const rest = new Float64Array(line.bins);
		for (const [, bins] of sorted.slice(9)) bins.forEach((count, i) => { rest[i] += count; });
		shown.push(["rest", "c8", rest]);
	}
	return shown;
}
const groupName = (name) => (name === "rest" ? "others" : name === "other" ? "others" : subsystemName(name));

function mainChart() {
	let groups = levelGroups();
	const shown = new Set();
	const chart = timeChart({
		height: 250,
		get loud() { return timeline.by === "level"; },
		groups: () => groups,
		groupOf: (event) => (timeline.by === "level" ? event.level : shown.has(event.subsystem) ? event.subsystem : "rest"),
		nameOf: (name) => (timeline.by === "level" ? LEVELS[name] : groupName(name)),
	});
	chart.setBy = (by) => {
		timeline.by = by;
		groups = by === "level" ? levelGroups() : subsystemGroups();
		for (const [name] of groups) shown.add(name);
		chart.draw();
	};
	return chart;
}

/* A row for each subsystem: when it was busy. */
function lanes() {
	const box = el("div", { class: "lanes" });
	const groups = subsystemGroups(), named = new Set(groups.map(([name]) => name));
	let drawing = 0;
	const paint = (columnsFor, count) => {
		const nodes = [];
		groups.forEach(([name, className, bins]) => {
			const columns = columnsFor(name, bins);
			const most = columns.reduce((a, b) => Math.max(a, b), 0), sum = columns.reduce((a, b) => a + b, 0);
			nodes.push(el("div", { class: "lane-name" }, groupName(name), el("b", {}, formatShort(Math.round(sum)))),
				svg("svg", { viewBox: "0 0 " + count + " 24", preserveAspectRatio: "none", "aria-hidden": "true" },
					most ? svg("path", { class: className, d: stairs(new Float64Array(count), columns, 1, 24, 20 / most) }) : null));
		});
		box.replaceChildren(...nodes);
	};
	const draw = async () => {
		if (!box.isConnected || !box.clientWidth) return;
		const turn = ++drawing, count = Math.max(20, Math.floor((box.clientWidth - 176) / 3));
		paint((name, bins) => columnsOf(bins, view.from, view.to, count), count);
		if (wholeView()) return;
		const exact = await exactColumns(view.from, view.to, count, (event) => (named.has(event.subsystem) ? event.subsystem : "rest"));
		if (exact && turn === drawing) paint((name) => exact.get(name) || new Float64Array(count), count);
	};
	view.listeners.push(draw);
	new ResizeObserver(draw).observe(box);
	return box;
}

/* --- the events ------------------------------------------------------------------------------ */

/* What is typed: words, all of which must be there; NAME=VALUE compares a key. */
function parseSearch(text) {
	return text.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
		const equals = word.indexOf("=");
		return equals > 0 ? { key: word.slice(0, equals), value: word.slice(equals + 1) } : { word };
	});
}

function matchesItems(item, term) {
	if (term.key) return keyName(item).toLowerCase() === term.key && item.value.toLowerCase().startsWith(term.value);
	return item.value.toLowerCase().includes(term.word);
}
function matchesSearch(terms, name, items, more) {
	return terms.every((term) => (term.word && (name.includes(term.word) || (more && more.includes(term.word)))) ||
		items.some((item) => matchesItems(item, term)));
}

function eventRow(block, i, row) {
	const event = data.events[block.event[i]];
	row.append(el("span", { class: "t", title: formatTime(block.time[i], 9, true) }, formatTime(block.time[i], 6)),
		el("span", { class: "lv" }, levelName(event.level)),
		el("span", { class: "nm name", "data-event": event.id }, event.name),
		el("span", { class: "kv" }, itemNodes(parseItems(block.items[i]))));
}

function openEvent(block, i) {
	if (block.span[i]) showSpan(block.span[i]);
	else statusLine("The event is in no span");
}

const MATCHES_MAX = 50000;

function eventList() {
	const count = el("span", { class: "quiet", id: "event-count" });
	/* Without a search: rows by their number, of which only the bounds are looked up. */
	let bounds = { first: 0, last: 0 };
	const place = (row) => {
		if (timeline.matches) return timeline.matches[row];
		const number = bounds.first + row;
		let low = 0, high = data.index.eventStarts.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if (data.index.eventStarts[middle] <= number) low = middle; else high = middle - 1;
		}
		return [low, number - data.index.eventStarts[low]];
	};
	const withRow = (row, then) => {
		const [number, i] = place(row), block = eventBlock(number);
		if (block.ready) then(block.ready, i);
		else block.then(list.redraw);
	};
	const list = virtualList({
		label: "Events", render: (i, row) => withRow(i, (block, at) => eventRow(block, at, row)),
		open: (i) => withRow(i, openEvent),
		select: (i) => withRow(i, showDetail),
	});
	const detail = el("div", { class: "detail" });
	function showDetail(block, at) {
		const event = data.events[block.event[at]], items = parseItems(block.items[at]), [process, tid] = summary.threads[block.thread[at]];
		statusLine(event.name + ", " + formatTime(block.time[at], 6));
		show(detail, el("header", {}, eventName(event), levelName(event.level), el("span", { class: "quiet" }, event.brief),
			el("span", { class: "faint num" }, formatTime(block.time[at], 9, true) + " · " + summary.processes[process].program + " " + summary.processes[process].pid + ", thread " + tid),
			block.span[at] ? el("button", { type: "button", onclick: () => showSpan(block.span[at]) }, "Open its span") : null), keyTable(items));
	}

	/* The first row of a block that is not before a time. */
	async function rowAt(time, after) {
		const blocks = data.index.eventBlocks;
		for (let number = 0; number < blocks.length; number++) {
			const [rowCount, first, last] = blocks[number];
			if (last < time || (after && last === time)) continue;
			if (first > time) return data.index.eventStarts[number];
			const block = await eventBlock(number);
			for (let i = 0; i < rowCount; i++)
				if (after ? block.time[i] > time : block.time[i] >= time) return block.first + i;
		}
		return data.index.events;
	}

	async function search(turn, terms) {
		const found = [], { from, to } = view, blocks = blocksBetween(from, to);
		const names = data.events.map((event) => event.name.toLowerCase());
		for (let n = 0; n < blocks.length && found.length < MATCHES_MAX; n++) {
			const block = await eventBlock(blocks[n]);
			if (turn !== timeline.turn) return;
			for (let i = 0; i < block.count; i++) {
				if (block.time[i] < from || block.time[i] > to || data.events[block.event[i]].level < timeline.level) continue;
				if (!terms.length || matchesSearch(terms, names[block.event[i]], parseItems(block.items[i])))
					found.push([blocks[n], i]);
			}
			if (n % 8 === 7) {
				count.textContent = "searching, " + Math.round(100 * n / blocks.length) + " %";
				await new Promise((resolve) => setTimeout(resolve));
			}
		}
		timeline.matches = found;
		detail.replaceChildren();
		list.reset();
		list.set(found.length, "No event matches");
		count.textContent = plural(found.length, "match", "matches") + (found.length >= MATCHES_MAX ? " and more" : "");
	}

	async function update() {
		const turn = ++timeline.turn, terms = parseSearch(timeline.text);
		await data.ready;
		if (terms.length || timeline.level) return search(turn, terms);
		const first = wholeView() ? 0 : await rowAt(view.from, false), last = wholeView() ? data.index.events : await rowAt(view.to, true);
		if (turn !== timeline.turn) return undefined;
		timeline.matches = null;
		detail.replaceChildren();
		bounds = { first, last };
		list.reset();
		list.set(last - first, "No event in this time");
		count.textContent = plural(last - first, "event") + (summary.all ? "" : " of those in this page") + (wholeView() ? "" : " in this time");
		return undefined;
	}
	let timer = 0;
	list.update = () => { clearTimeout(timer); timer = setTimeout(update, 120); };
	view.listeners.push(list.update);
	update();
	return { list, count, detail, update: list.update };
}

function buildTimeline(section) {
	const chart = mainChart(), legend = levelLegend(), events = eventList(), range = el("span", { class: "quiet num", id: "range" });
	/* The colors of subsystems are told by the rows below. */
	function setBy(by) {
		legend.hidden = by !== "level";
		chart.setBy(by);
	}
	const showRange = () => {
		range.textContent = formatTime(view.from, 6) + " – " + formatTime(view.to, 6) + " · " + formatDuration(view.to - view.from);
		reset.hidden = wholeView();
	};
	const reset = el("button", { type: "button", onclick: () => setView(0, data.range) }, "All of the time");
	view.listeners.push(showRange);
	const search = el("input", { type: "search", id: "event-search", placeholder: "Search events: words, key=value", "aria-label": "Search events", spellcheck: "false",
		oninput: () => { timeline.text = search.value; events.update(); } });
	search.value = timeline.text;
	const level = el("select", { "aria-label": "Lowest level", onchange: () => { timeline.level = Number(level.value); events.update(); } },
		LEVELS.map((name, i) => el("option", { value: i, selected: i === timeline.level }, i ? name + " and above" : "every level")));
	show(section, 
		el("div", { class: "card" }, el("header", {}, el("h2", {}, "Events over time"), range, el("span", { class: "right" }, reset,
			segmented("Stacked by", [["level", "Level"], ["subsystem", "Subsystem"]], timeline.by, setBy))),
		el("div", { class: "gutter" }, el("div", {}, legend), chart), lanes()),
		el("div", { class: "card" }, el("header", {}, el("h2", {}, "Events"), events.count, el("span", { class: "right" }, level, search)), events.list.box, events.detail));
	showRange();
	setBy(timeline.by);
	section.main = () => events.list.box;
}
