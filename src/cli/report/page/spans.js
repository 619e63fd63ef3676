/* Spans: a waterfall, as it was on the clock or each from its trace's start. */

const falls = { text: "", type: -1, state: "", sort: "time", align: "clock", range: null, shown: null, selected: 0, loaded: false,
	relative: { from: 0, to: 1 }, listeners: [] };

/* The axis: the common view, or time since the start of each trace. */
function axisView() {
	return falls.align === "clock" ? view : falls.relative;
}
function rootOf(at) {
	const spans = data.spans;
	for (let depth = 0; depth < 64 && spans.parent[at] && spans.there[spans.parent[at]]; depth++) at = spans.parent[at];
	return at;
}
const startOf = (at) => (falls.align === "clock" ? data.spans.start[at] : data.spans.start[at] - data.spans.start[rootOf(at)]);

function zoomSpans(factor) {
	if (falls.align === "clock") return zoomView(factor);
	const size = (falls.relative.to - falls.relative.from) * factor;
	return setRelative(falls.relative.from, falls.relative.from + Math.max(MIN_VIEW, size));
}
function panSpans(share) {
	if (falls.align === "clock") return panView(share);
	const size = falls.relative.to - falls.relative.from, from = Math.max(0, falls.relative.from + share * size);
	return setRelative(from, from + size);
}
function setRelative(from, to) {
	falls.relative = { from, to };
	for (const listener of falls.listeners) listener();
}
/* How long the axis is: a few spans that last much longer than all others, as that of a server, go beyond. */
function longest(rowsShown) {
	const ends = Float64Array.from(rowsShown, (at) => startOf(at) + data.spans.duration[at]).sort().reverse();
	let first = 0;
	for (let i = 0; i < Math.min(12, ends.length - 1); i++) if (ends[i] > 8 * ends[i + 1]) first = i + 1;
	return Math.max(MIN_VIEW, (ends[first] || 0) * 1.04);
}

function filterSpans() {
	const spans = data.spans, terms = parseSearch(falls.text), names = data.spanTypes.map((type) => type.name.toLowerCase());
	const found = [];
	for (const at of spans.order) {
		if (falls.type >= 0 && spans.type[at] !== falls.type) continue;
		if (falls.state === "problem" ? spans.state[at] === 1 && spans.level[at] < 3 : falls.state && STATES[spans.state[at]] !== falls.state) continue;
		if (falls.range && (spans.state[at] !== 1 || spans.duration[at] < falls.range[0] || spans.duration[at] >= falls.range[1])) continue;
		if (terms.length && !matchesSearch(terms, names[spans.type[at]], spanItems(spans, at).flat(), spanId(spans, at) + " " + traceId(spans, at))) continue;
		found.push(at);
	}
	if (falls.sort === "duration") found.sort((a, b) => spans.duration[b] - spans.duration[a] || a - b);
	return found;
}

const narrowed = () => falls.text.trim() || falls.type >= 0 || falls.state || falls.range;
const filtered = () => narrowed() || falls.sort !== "time";

function spanRow(at, row) {
	const spans = data.spans, type = data.spanTypes[spans.type[at]], { from, to } = axisView();
	const [start, end] = spanItems(spans, at), size = to - from, key = start.find((item) => item.key === type.key) || end.find((item) => item.key === type.key);
	const left = 100 * (startOf(at) - from) / size, width = 100 * spans.duration[at] / size, state = STATES[spans.state[at]];
	const hot = spans.level[at] >= 4 ? " hot" : spans.level[at] === 3 ? " warm" : "";
	const what = placed(el("div", { class: "what" }, el("i", { class: "chip c" + type.color }), el("span", { class: "nm name", "data-event": type.start }, type.name),
		el("span", { class: "kv" }, key ? formatValue(key.type, key.value) : null, state === "ended" ? null : el("span", { class: "faint" }, " " + state))),
	{ "padding-left": 10 + 16 * (filtered() ? 0 : Math.min(12, spans.depth[at])) + "px" });
	const track = el("div", { class: "track" });
	const low = Math.max(-1, left), high = Math.min(101, left + width);
	if (high >= 0 && low <= 100)
		track.append(placed(el("div", { class: "bar c" + type.color + " " + state + hot + (left + width > 100 ? " beyond" : "") }), { left: low.toFixed(3) + "%", width: Math.max(0, high - low).toFixed(3) + "%" }));
	const took = el("span", { class: "took" }, state === "headless" ? "" : formatDuration(spans.duration[at]));
	if (left > 100) track.append(placed(took, { right: "0" }));
	else if (left + width < 84) track.append(placed(took, { left: Math.max(0, left + width).toFixed(3) + "%" }));
	else if (left > 16) track.append(placed(took, { right: (100 - Math.min(100, left)).toFixed(3) + "%" }));
	else {
		took.classList.add("in");
		track.append(placed(took, { left: Math.max(0, left).toFixed(3) + "%" }));
	}
	row.setAttribute("aria-label", type.name + (key ? " " + key.value : "") + ", " + formatDuration(spans.duration[at]) + ", " + state + ", at " + formatTime(spans.start[at], 6));
	row.append(what, track);
}

function axisStrip() {
	const axis = svg("svg", { class: "axis", height: 22, "aria-hidden": "true" });
	const draw = () => {
		const width = axis.clientWidth || 600, { from, to } = axisView();
		axis.replaceChildren(...ticks(from, to, width, falls.align !== "clock").flatMap((mark) => [
			svg("text", { x: mark.x + 3, y: 15 }, mark.text), svg("line", { class: "rule", x1: mark.x, x2: mark.x, y1: 4, y2: 22, stroke: "currentColor", opacity: .3 })]));
	};
	return { axis, draw };
}

/* --- the side: one span ------------------------------------------------------------------------- */

async function spanEvents(at, most) {
	const spans = data.spans, from = spans.start[at], to = from + spans.duration[at], found = [];
	const family = new Set([at]);
	for (let queue = [at]; queue.length && family.size < 2000;)
		for (let child = spans.child[queue.pop()]; child; child = spans.next[child]) { family.add(child); queue.push(child); }
	for (const number of blocksBetween(from, to)) {
		const block = await eventBlock(number);
		for (let i = 0; i < block.count && found.length < most; i++)
			if (family.has(block.span[i]) && block.time[i] >= from && block.time[i] <= to) found.push([number, i]);
		if (found.length >= most || falls.selected !== at) break;
	}
	return found;
}

function showSide(side, at) {
	const spans = data.spans, type = data.spanTypes[spans.type[at]], [start, end] = spanItems(spans, at);
	const process = summary.processes[spans.process[at]], parent = spans.parent[at], state = STATES[spans.state[at]];
	const known = new Set(start.map((item) => item.key + item.value)), endOnly = end.filter((item) => !known.has(item.key + item.value));
	const row = (name, ...value) => el("tr", {}, el("td", {}, name), el("td", { class: "mono" }, ...value));
	let matches = [];
	const events = virtualList({ label: "Events of the span", open: (i) => {
		const block = eventBlock(matches[i][0]);
		if (block.ready) showEventAt(block.ready.time[matches[i][1]]);
	}, render: (i, into) => {
		const [number, index] = matches[i], block = eventBlock(number);
		if (!block.ready) return void block.then(events.redraw);
		const event = data.events[block.ready.event[index]];
		into.append(el("span", { class: "t", title: formatTime(block.ready.time[index], 9, true) }, "+" + formatDuration(block.ready.time[index] - spans.start[at])),
			el("i", { class: "chip l" + event.level }), el("span", { class: "nm name", "data-event": event.id }, event.name),
			el("span", { class: "kv" }, itemNodes(parseItems(block.ready.items[index]).filter((item) => !known.has(item.key + item.value)))));
		return undefined;
	} });
	events.set(0, "loading");
	spanEvents(at, 2000).then((found) => { matches = found; events.set(found.length, "No event of it is in this page"); });
	show(side, 
		el("div", {}, el("i", { class: "chip c" + type.color }), el("span", { class: "name", "data-event": type.start }, type.name), state === "ended" ? null : el("span", { class: "faint" }, " · " + state)),
		el("div", { class: "big" }, formatDuration(spans.duration[at])),
		el("div", { class: "toolbar" }, el("button", { type: "button", onclick: () => zoomToSpan(at) }, "Zoom to it"),
			parent && spans.there[parent] ? el("button", { type: "button", onclick: () => showSpan(parent) }, "Span around it") : null),
		el("table", {}, el("tbody", {}, row("start", formatTime(spans.start[at], 9, true)), row("end", formatTime(spans.start[at] + spans.duration[at], 9, true)),
			summary.selected ? null : row("events", formatCount(spans.events[at])), row("process", process.program + " " + process.pid), row("span", spanId(spans, at)), row("trace", traceId(spans, at)))),
		start.length ? el("h3", {}, "From its start") : "", keyTable(start),
		endOnly.length ? el("h3", {}, "From its end") : "", keyTable(endOnly),
		el("h3", {}, "Its events, with those of spans within"), events.box);
}

function zoomToSpan(at) {
	const spans = data.spans, margin = Math.max(spans.duration[at] * 0.06, MIN_VIEW / 4);
	if (falls.align === "clock") setView(spans.start[at] - margin, spans.start[at] + spans.duration[at] + margin);
	else setRelative(Math.max(0, startOf(at) - margin), startOf(at) + spans.duration[at] + margin);
}

/* --- the section -------------------------------------------------------------------------------- */

function buildSpans(section) {
	const side = el("aside", { class: "card side", "aria-label": "The span selected" }, el("p", { class: "quiet" }, "Select a span to see its keys and events."));
	const count = el("span", { class: "quiet", id: "span-count" }), strip = axisStrip(), overview = levelChart(40, true, true);
	const list = virtualList({ label: "Spans", className: "falls", render: (i, row) => spanRow(falls.shown[i], row), open: (i) => zoomToSpan(falls.shown[i]),
		select: (i) => { falls.selected = falls.shown[i]; showSide(side, falls.selected); } });
	placed(list.box, { height: "max(360px, calc(100vh - 330px))" });
	const redraw = () => { strip.draw(); list.redraw(); };
	view.listeners.push(() => { if (falls.loaded && falls.align === "clock") showFound(true); });
	falls.listeners = [redraw];

	const whole = el("div", { class: "fallaxis strip" }, el("div", { class: "what" }, "All of the time"), overview);
	let found = [];
	/* On the clock, those that the time in view has something of. */
	function inView(rowsFound) {
		if (falls.align !== "clock" || wholeView()) return rowsFound;
		const { start, duration } = data.spans;
		return rowsFound.filter((at) => start[at] <= view.to && start[at] + duration[at] >= view.from);
	}
	function update(keep) {
		if (!falls.loaded) return;
		found = filtered() ? filterSpans() : data.spans.order;
		showFound(keep);
	}
	function showFound(keep) {
		falls.shown = inView(found);
		if (falls.align === "start") falls.relative = { from: 0, to: longest(falls.shown) };
		list.selected = falls.selected ? falls.shown.indexOf(falls.selected) : -1;
		if (!keep) list.box.scrollTop = 0;
		if (list.selected >= 0) list.reveal(list.selected);
		whole.hidden = falls.align !== "clock";
		list.set(falls.shown.length, !data.spans.count ? "The trace has no spans" : found.length ? "No span in this time" : "No span matches");
		const part = narrowed() || falls.shown.length < found.length;
		count.textContent = (part ? formatCount(falls.shown.length) + " of " : "") + plural(data.spans.count, "span") + (summary.all ? "" : " in this page");
		range.hidden = !falls.range;
		if (falls.range) range.textContent = formatDuration(falls.range[0]) + " to " + formatDuration(falls.range[1]) + " ×";
		redraw();
	}
	let timer = 0;
	const search = el("input", { type: "search", id: "span-search", placeholder: "Search: name, value, key=value, id", "aria-label": "Search spans", spellcheck: "false",
		oninput: () => { falls.text = search.value; clearTimeout(timer); timer = setTimeout(update, 120); } });
	search.value = falls.text;
	const types = data.spanTypes.filter((type) => type.count).sort((a, b) => b.count - a.count);
	const type = el("select", { "aria-label": "Kind of span", onchange: () => { falls.type = Number(type.value); update(); } },
		el("option", { value: -1 }, "every kind"), types.map((kind) => el("option", { value: kind.id, selected: kind.id === falls.type }, kind.name + " (" + formatShort(kind.count) + ")")));
	const state = el("select", { "aria-label": "State", onchange: () => { falls.state = state.value; update(); } },
		[["", "every state"], ["problem", "with a problem"], ["ended", "ended"], ["open", "open at the end"], ["abandoned", "abandoned"], ["headless", "without start"]]
			.map(([value, text]) => el("option", { value, selected: value === falls.state }, text)));
	const range = el("button", { type: "button", hidden: true, title: "All durations", onclick: () => { falls.range = null; update(); } });
	const align = segmented("Bars from", [["clock", "On the clock"], ["start", "From trace start"]], falls.align, (value) => { falls.align = value; update(true); });
	const sort = segmented("Order", [["time", "In order"], ["duration", "Slowest first"]], falls.sort, (value) => {
		falls.sort = value;
		falls.align = value === "duration" ? "start" : "clock";
		align.press(falls.align);
		update();
	});

	show(section, 
		el("div", { class: "toolbar" }, search, type, state, sort, align, range, el("span", { class: "grow" }), count),
		el("div", { class: "split" }, el("div", { class: "card" }, whole,
			el("div", { class: "fallaxis" }, el("div", { class: "what" }, "Span"), strip.axis), list.box), side));
	new ResizeObserver(strip.draw).observe(strip.axis);
	section.main = () => list.box;
	section.show = (at) => {
		if (!found.includes(at)) {
			Object.assign(falls, { text: "", type: -1, state: "", range: null });
			search.value = ""; type.value = "-1"; state.value = "";
			update();
		}
		if (!falls.shown.includes(at)) setView(0, data.range);
		list.select(falls.shown.indexOf(at));
		list.box.focus({ preventScroll: true });
	};
	section.filter = () => { search.value = falls.text; type.value = String(falls.type); state.value = falls.state; sort.press(falls.sort); align.press(falls.align); update(); };
	overview.draw();
	list.set(0, "unpacking the spans");
	section.ready = loadSpans().then(() => {
		falls.loaded = true;
		update(true);
		if (falls.selected) showSide(side, falls.selected);
	});
}

async function showSpan(at) {
	const section = showTab("spans");
	await section.ready;
	if (data.spans.there[at]) section.show(at);
	else statusLine("The span is not in this page");
}

function showSpansOf(type, range) {
	Object.assign(falls, { type, range: range || null, text: "", state: "", sort: "duration", align: "start" });
	const section = showTab("spans");
	section.ready.then(section.filter);
}

function showEventsOf(event) {
	showTab("timeline");
	const field = byId("event-search");
	field.value = event.name;
	field.dispatchEvent(new Event("input"));
}

function showEventAt(time) {
	setView(time - Math.max(50000, data.range / 2000), time + Math.max(50000, data.range / 2000));
	showTab("timeline");
}
