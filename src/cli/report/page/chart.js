/* Charts over time, which share one view: zoom in one is zoom in all. */

const view = { from: 0, to: data.range, listeners: [] };
const MIN_VIEW = 1000; /* nanoseconds */

function setView(from, to) {
	let size = Math.min(data.range, Math.max(MIN_VIEW, to - from));
	from = Math.max(0, Math.min(from + (to - from - size) / 2, data.range - size));
	if (from === view.from && from + size === view.to) return;
	view.from = from;
	view.to = from + size;
	for (const listener of view.listeners) listener();
}
function zoomView(factor, at) {
	const center = at === undefined ? (view.from + view.to) / 2 : at;
	setView(center - (center - view.from) * factor, center + (view.to - center) * factor);
}
function panView(share) {
	const size = view.to - view.from, from = Math.max(0, Math.min(view.from + share * size, data.range - size));
	setView(from, from + size);
}
const wholeView = () => view.from <= 0 && view.to >= data.range;

/* --- series ---------------------------------------------------------------------------------- */

const line = summary.timeline, lineStart = Number(BigInt(line.start) - data.base);

function sparse(pairs) {
	const bins = new Float64Array(line.bins);
	for (let i = 0; i < pairs.length; i += 2) bins[pairs[i]] += pairs[i + 1];
	return bins;
}

/* name of a group -> its bins. group(event): a name. */
function seriesBy(group, groupOfLevel) {
	const groups = new Map();
	const addTo = (name, pairs) => {
		if (!groups.has(name)) groups.set(name, new Float64Array(line.bins));
		const bins = groups.get(name);
		for (let i = 0; i < pairs.length; i += 2) bins[pairs[i]] += pairs[i + 1];
	};
	const taken = new Set();
	for (const event of data.events) {
		if (event.series < 0 || taken.has(event.series)) continue;
		taken.add(event.series);
		addTo(group(event), line.series[event.series]);
	}
	line.others.forEach((pairs, level) => { if (pairs.length) addTo(groupOfLevel(level), pairs); });
	return groups;
}
const levelSeries = seriesBy((event) => event.level, (level) => level);
const subsystemSeries = seriesBy((event) => event.subsystem, () => "other");

/* The bins of the summary, as `count` columns of the view; what a bin has is spread over its time. */
function columnsOf(bins, from, to, count) {
	const columns = new Float64Array(count), width = (to - from) / count;
	const first = Math.max(0, Math.floor((from - lineStart) / line.width));
	const last = Math.min(line.bins - 1, Math.floor((to - lineStart) / line.width));
	for (let bin = first; bin <= last; bin++) {
		if (!bins[bin]) continue;
		const begin = Math.max(0, lineStart + bin * line.width), end = Math.min(lineStart + (bin + 1) * line.width, data.range * 1.000001 + 1);
		const low = Math.max(0, Math.floor((begin - from) / width)), high = Math.min(count - 1, Math.ceil((end - from) / width) - 1);
		for (let column = low; column <= high; column++) {
			const overlap = Math.min(end, from + (column + 1) * width) - Math.max(begin, from + column * width);
			if (overlap > 0) columns[column] += bins[bin] * overlap / (end - begin);
		}
	}
	return columns;
}

/* Exact columns, when the page has every event of the view and they are not too many. */
const EXACT_EVENTS = 200000;
async function exactColumns(from, to, count, groupOf) {
	if (!summary.all || !data.index) return null;
	const blocks = blocksBetween(from, to);
	if (blocks.reduce((sum, number) => sum + data.index.eventBlocks[number][0], 0) > EXACT_EVENTS) return null;
	const groups = new Map(), scale = count / (to - from);
	for (const number of blocks) {
		const block = await eventBlock(number);
		for (let i = 0; i < block.count; i++) {
			const time = block.time[i];
			if (time < from || time > to) continue;
			const group = groupOf(data.events[block.event[i]]);
			if (!groups.has(group)) groups.set(group, new Float64Array(count));
			groups.get(group)[Math.min(count - 1, Math.floor((time - from) * scale))]++;
		}
	}
	return groups;
}

/* --- drawing ------------------------------------------------------------------------------- */

/* Stairs between two rows of heights, as one path. */
function stairs(low, high, step, height, scale) {
	let path = "";
	const n = high.length;
	for (let i = 0; i < n;) {
		if (high[i] <= low[i]) { i++; continue; }
		let end = i;
		while (end < n && high[end] > low[end]) end++;
		path += "M" + (i * step).toFixed(1) + " " + (height - low[i] * scale).toFixed(1);
		for (let j = i; j < end; j++) {
			const y = (height - high[j] * scale).toFixed(1);
			path += "L" + (j * step).toFixed(1) + " " + y + "H" + ((j + 1) * step).toFixed(1);
		}
		for (let j = end - 1; j >= i; j--) {
			const y = (height - low[j] * scale).toFixed(1);
			path += "L" + ((j + 1) * step).toFixed(1) + " " + y + "H" + (j * step).toFixed(1);
		}
		path += "Z";
		i = end;
	}
	return path;
}

function marksBelow(columns, step, base) {
	let path = "";
	for (let i = 0; i < columns.length; i++)
		if (columns[i] > 1e-9) path += "M" + (i * step).toFixed(1) + " " + (base + 1) + "h" + Math.max(2, step).toFixed(1) + "v4h-" + Math.max(2, step).toFixed(1) + "z";
	return path;
}

/* Ticks of an axis of clock times or of durations. */
function ticks(from, to, width, relative) {
	const step = niceStep(to - from, Math.max(2, width / 130)), marks = [];
	const offset = relative ? 0 : Number(data.base % BigInt(Math.round(step)));
	const digits = step >= 1e9 ? 0 : step >= 1e6 ? 3 : step >= 1e3 ? 6 : 9;
	for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step)
		marks.push({ x: (at - from) / (to - from) * width,
			text: relative ? formatRound(at) : formatTime(at, digits, step >= 86400e9) });
	/* What has no room for its text at the end is left out. */
	return marks.filter((mark) => mark.x + 6.2 * mark.text.length < width);
}

const timeIsKnown = ([, , begin, end]) => BigInt(end) >= data.base && BigInt(begin) > 0n;

function lossBands(from, to, width, height) {
	return summary.losses.filter(timeIsKnown).map(([, , begin, end]) => {
		const low = Number(BigInt(begin) - data.base), high = Number(BigInt(end) - data.base);
		if (high < from || low > to) return null;
		const x = Math.max(0, (low - from) / (to - from) * width), x2 = Math.min(width, (high - from) / (to - from) * width);
		return svg("rect", { class: "lossband", x: x.toFixed(1), y: 0, width: Math.max(1.5, x2 - x).toFixed(1), height });
	}).filter(Boolean).slice(0, 400);
}

/*
 * A chart of stacked counts. options: height, groups(): [[name, className, bins]], groupOf(event), whole: it
 * shows all of the time, with a frame around the view.
 */
function timeChart(options) {
	const chart = svg("svg", { class: "chart", height: options.height, tabindex: 0, role: "img" });
	const base = options.height - (options.bare ? 2 : 20);
	const range = () => (options.whole ? [0, data.range] : [view.from, view.to]);
	let drawing = 0, brush = null;

	function paint(groups, columnsFor, exact) {
		const [from, to] = range(), width = chart.clientWidth || 800, step = options.whole ? 2 : 3;
		const count = Math.max(10, Math.floor(width / step)), low = new Float64Array(count), high = new Float64Array(count);
		const layers = groups.map(([name, className]) => [className, columnsFor(name, from, to, count)]);
		const top = new Float64Array(count);
		for (const [, columns] of layers) for (let i = 0; i < count; i++) top[i] += columns ? columns[i] : 0;
		const most = top.reduce((a, b) => Math.max(a, b), 0) || 1, scale = (base - 14) / most, wide = width / count;
		const nodes = [];
		if (!options.whole)
			nodes.push(...lossBands(from, to, width, base),
				svg("line", { class: "rule", x1: 0, x2: width, y1: base - most * scale, y2: base - most * scale }),
				svg("line", { class: "rule", x1: 0, x2: width, y1: base - most * scale / 2, y2: base - most * scale / 2 }));
		for (const [className, columns] of layers) {
			if (!columns) continue;
			for (let i = 0; i < count; i++) high[i] = low[i] + columns[i];
			nodes.push(svg("path", { class: className, d: stairs(low, high, wide, base, scale) }));
			low.set(high);
		}
		nodes.push(svg("line", { class: "base", x1: 0, x2: width, y1: base + .5, y2: base + .5 }));
		/* Few errors among many events would not be seen: below the line they are. */
		for (const [level, className] of [[3, "l3"], [4, "l4"]]) {
			const columns = options.loud && columnsFor(level, from, to, count);
			if (columns) nodes.push(svg("path", { class: className, d: marksBelow(columns, wide, base) }));
		}
		for (const mark of options.bare ? [] : ticks(from, to, width, false))
			nodes.push(svg("line", { class: "base", x1: mark.x, x2: mark.x, y1: base, y2: base + 4 }),
				svg("text", { x: mark.x + 3, y: base + 15 }, mark.text));
		if (!options.whole) {
			const seconds = (to - from) / count / 1e9;
			nodes.push(svg("text", { x: 4, y: base - most * scale - 3 }, formatShort(most / seconds) + " events/s" + (exact ? "" : " (about)")));
		} else if (!wholeView()) {
			const x = view.from / data.range * width, x2 = view.to / data.range * width;
			nodes.push(svg("rect", { class: "outside", x: 0, y: 0, width: x, height: base }),
				svg("rect", { class: "outside", x: x2, y: 0, width: Math.max(0, width - x2), height: base }),
				svg("rect", { class: "window", x: x, y: 1, width: Math.max(3, x2 - x), height: base - 1, rx: 2 }));
		}
		if (brush) nodes.push(svg("rect", { class: "brush", x: Math.min(brush[0], brush[1]), y: 0, width: Math.abs(brush[1] - brush[0]), height: base }));
		chart.setAttribute("viewBox", "0 0 " + width + " " + options.height);
		chart.setAttribute("aria-label", "Events over time, " + formatTime(from, 3, true) + " to " + formatTime(to, 3, true) + " " + zoneName());
		chart.replaceChildren(...nodes);
		chart.columns = { from, to, layers, top };
	}

	async function draw() {
		if (!chart.isConnected || !chart.clientWidth) return;
		const turn = ++drawing, groups = options.groups();
		const bins = new Map(groups.map(([name, , series]) => [name, series]));
		paint(groups, (name, from, to, count) => (bins.has(name) ? columnsOf(bins.get(name), from, to, count) : null), wholeView());
		if (options.whole || wholeView() || brush) return;
		const count = Math.max(10, Math.floor(chart.clientWidth / 3));
		const exact = await exactColumns(view.from, view.to, count, options.groupOf);
		if (exact && turn === drawing) paint(groups, (name) => exact.get(name), true);
	}

	const timeAt = (event) => {
		const box = chart.getBoundingClientRect(), [from, to] = range();
		return from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (to - from);
	};
	const xAt = (event) => event.clientX - chart.getBoundingClientRect().left;
	chart.addEventListener("pointerdown", (event) => {
		if (event.button) return;
		chart.setPointerCapture(event.pointerId);
		brush = [xAt(event), xAt(event), timeAt(event)];
	});
	chart.addEventListener("pointermove", (event) => {
		if (!brush) return showColumn(event);
		brush[1] = xAt(event);
		draw();
	});
	chart.addEventListener("pointerup", (event) => {
		if (!brush) return;
		const [x, , time] = brush, other = timeAt(event);
		brush = null;
		if (Math.abs(xAt(event) - x) > 4) setView(Math.min(time, other), Math.max(time, other));
		draw();
	});
	chart.addEventListener("pointerleave", () => { if (!brush) hideTip(); });
	chart.addEventListener("dblclick", () => setView(0, data.range));
	chart.addEventListener("wheel", (event) => {
		if (!event.ctrlKey && !event.metaKey) return;
		event.preventDefault();
		zoomView(Math.exp(event.deltaY / 300), timeAt(event));
	}, { passive: false });

	function showColumn(event) {
		const { from, to, layers, top } = chart.columns || {};
		if (!top) return;
		const i = Math.min(top.length - 1, Math.floor((timeAt(event) - from) / (to - from) * top.length));
		const names = options.groups().map(([name]) => options.nameOf(name));
		showTip(event.clientX, event.clientY, [
			el("b", {}, formatTime(from + i * (to - from) / top.length, 6, true)),
			el("p", {}, formatDuration((to - from) / top.length) + ": about " + plural(Math.round(top[i]), "event")),
			...layers.map(([className, columns], n) => columns && columns[i] >= .5
				? el("p", {}, el("i", { class: "chip " + className }), names[n] + " " + formatCount(columns[i])) : null).filter(Boolean),
		]);
	}

	view.listeners.push(draw);
	new ResizeObserver(() => draw()).observe(chart);
	chart.draw = draw;
	return chart;
}

const levelGroups = () => LEVELS.map((name, level) => [level, "l" + level, levelSeries.get(level)]).filter((group) => group[2]);
const levelChart = (height, whole, bare) => timeChart({ height, whole, bare, loud: !bare, groups: levelGroups, groupOf: (event) => event.level, nameOf: (level) => LEVELS[level] });
const levelLegend = () => el("div", { class: "legend" }, LEVELS.map((name, level) =>
	(totals.levels[level] ? el("span", {}, el("i", { class: "chip l" + level }), name + " ", el("span", { class: "faint" }, " " + formatShort(totals.levels[level]))) : null)));
