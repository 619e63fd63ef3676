/* Elements, and how numbers, times and durations look. Data becomes text nodes only. */

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
		else if (value === true) node.setAttribute(name, "");
		else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
	}
	node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
	return node;
}
/* What stands in a section now, without what is not there. */
function show(node, ...children) {
	node.replaceChildren();
	return fill(node, {}, children);
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/* An HTML element with a width or place that only script knows: the policy allows no style attributes. */
function placed(node, style) {
	for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value);
	return node;
}

const LEVELS = ["trace", "debug", "info", "warn", "error"];
const STATES = ["open", "ended", "abandoned", "headless", "open"];

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const formatCount = (n) => grouped.format(n);
const plural = (n, one, many) => formatCount(n) + " " + (n === 1 ? one : many || one + "s");

function formatShort(n) {
	for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]])
		if (n >= size) return formatDigits(n / size) + " " + unit;
	return Number.isInteger(n) ? String(n) : formatDigits(n);
}

function formatDigits(value) {
	return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/* Three digits or four: "1.23 ms". */
function formatDuration(ns) {
	if (ns < 0) return "−" + formatDuration(-ns);
	if (ns < 1000) return Math.round(ns) + " ns";
	if (ns < 999.5e3) return formatDigits(ns / 1e3) + " µs";
	if (ns < 999.5e6) return formatDigits(ns / 1e6) + " ms";
	if (ns < 60e9) return formatDigits(ns / 1e9) + " s";
	const seconds = Math.round(ns / 1e9), days = Math.floor(seconds / 86400);
	const hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
	if (days) return days + " d " + hours + " h";
	return hours ? hours + " h " + minutes + " min" : minutes + " min " + (seconds % 60) + " s";
}

/* Of an axis: "10 ms". */
const formatRound = (ns) => formatDuration(ns).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ");

function formatBytes(bytes) {
	if (bytes < 1024) return bytes + " B";
	const units = ["KiB", "MiB", "GiB", "TiB"];
	let unit = -1;
	while (bytes >= 1024 && unit < 3) { bytes /= 1024; unit++; }
	return bytes.toFixed(1) + " " + units[unit];
}

function formatShare(part, whole) {
	const percent = 100 * part / whole;
	if (!whole) return "–";
	return (percent >= 99.95 || percent === 0 ? percent.toFixed(0) : percent >= 10 ? percent.toFixed(1) : percent.toPrecision(2)) + " %";
}

let localTime = false;
const pad = (n, width) => String(n).padStart(width, "0");

/* ns: BigInt since 1970. digits of the second: 0, 3, 6 or 9. */
function formatClock(ns, digits, withDate) {
	const date = new Date(Number(ns / 1000000n)), nano = Number(ns % 1000000000n);
	if (Number.isNaN(date.getTime())) return String(ns);
	const get = (name) => (localTime ? date["get" + name]() : date["getUTC" + name]());
	let text = pad(get("Hours"), 2) + ":" + pad(get("Minutes"), 2) + ":" + pad(get("Seconds"), 2);
	if (digits) text += "." + pad(nano, 9).slice(0, digits);
	if (!withDate) return text;
	return get("FullYear") + "-" + pad(get("Month") + 1, 2) + "-" + pad(get("Date"), 2) + " " + text;
}

/* A time stamp of the trace, from nanoseconds after its first event. */
const absolute = (offset) => data.base + BigInt(Math.round(offset));
const formatTime = (offset, digits, withDate) => formatClock(absolute(offset), digits === undefined ? 6 : digits, withDate);
const zoneName = () => (localTime ? "local time" : "UTC");

/* A value of an item: type letter and text. */
function formatValue(type, value) {
	if (type === "d") return formatDuration(Number(value));
	if (type === "t") return formatClock(BigInt(value), 9, true);
	if (type === "b") return value === "true" ? "yes" : "no";
	if (type === "n") return "–";
	return value;
}

/* Steps of an axis: 1, 2 or 5 of a unit of time. */
function niceStep(range, most) {
	const minute = 60e9, steps = [];
	for (let unit = 1; unit < 60e9; unit *= 10) steps.push(unit, 2 * unit, 5 * unit);
	const times = steps.filter((step) => step < 60e9);
	times.push(15e9, 30e9, minute, 2 * minute, 5 * minute, 15 * minute, 30 * minute, 60 * minute, 180 * minute,
		360 * minute, 720 * minute, 1440 * minute);
	times.sort((a, b) => a - b);
	for (let days = 2; days < 1e6; days *= 2) times.push(days * 1440 * minute);
	return times.find((step) => range / step <= most) || times[times.length - 1];
}

const statusLine = (text) => { byId("status").textContent = text; };

function bar(share, className) {
	return placed(el("i", { class: className }), { width: Math.max(0.5, 100 * share).toFixed(2) + "%" });
}

function segmented(label, choices, chosen, onchoice) {
	const box = el("div", { class: "segmented", role: "group", "aria-label": label });
	for (const [value, text] of choices)
		box.append(el("button", {
			type: "button", "aria-pressed": String(value === chosen), "data-value": value,
			onclick: () => { press(value); onchoice(value); },
		}, text));
	function press(value) {
		for (const button of box.children)
			button.setAttribute("aria-pressed", String(button.dataset.value === value));
	}
	box.press = press;
	return box;
}
