/* Overview: what this trace is, at a glance. */

function tile(label, value, note, className) {
	return el("div", { class: "tile " + (className || "") }, el("div", { class: "label" }, label),
		el("div", { class: "value" }, value), el("div", { class: "note" }, note || " "));
}

function tiles() {
	const loud = totals.levels[3] + totals.levels[4], seconds = data.range / 1e9;
	return el("div", { class: "tiles", id: "tiles" },
		tile("Events", formatCount(summary.total), summary.selected ? "of those selected" : plural(data.events.filter((event) => event.count).length, "kind")),
		tile("Time", formatDuration(data.range), formatTime(0, 3) + " – " + formatTime(data.range, 3)),
		tile("Rate", summary.total > 1 ? formatShort(summary.total / seconds) + "/s" : "–", "events, on average"),
		tile("Spans", formatCount(summary.totalSpans), spanNote()),
		tile("Warnings, errors", formatCount(loud), formatCount(totals.levels[3]) + " warnings, " + plural(totals.levels[4], "error"), totals.levels[4] ? "bad" : ""),
		tile("Lost events", formatCount(totals.lost), totals.lost ? formatShare(totals.lost, totals.emitted) + " of those emitted" : "every one is accounted for", totals.lost ? "bad" : "good"));
}

function spanNote() {
	const sum = (name) => data.spanTypes.reduce((all, type) => all + type[name], 0);
	const parts = [["open", "open at the end"], ["abandoned", "abandoned"], ["headless", "without start"]]
		.filter(([name]) => sum(name)).map(([name, text]) => formatCount(sum(name)) + " " + text);
	return parts.join(", ") || (summary.totalSpans ? "all of them ended" : "none");
}

function notices() {
	const found = [];
	const say = (className, ...text) => found.push(el("p", { class: "notice " + className }, ...text));
	for (const file of summary.files) if (file.damage) say("bad", file.path + ": " + file.damage);
	if (summary.badRecords) say("bad", plural(summary.badRecords, "record") + " could not be decoded and " + (summary.badRecords === 1 ? "is" : "are") + " missing here.");
	if (totals.lost) say("bad", plural(totals.lost, "event") + " of " + formatCount(totals.emitted) + " emitted " + (totals.lost === 1 ? "was" : "were") + " lost. The Losses section says which and when.");
	const late = summary.processes.reduce((sum, process) => sum + process.late, 0);
	if (late) say("warn", plural(late, "event") + " came late and stand out of order.");
	const running = summary.files.filter((file) => file.running), unfinished = summary.files.filter((file) => !file.finished && !file.running && !file.damage);
	if (running.length) say("", plural(running.length, "process was", "processes were") + " still running when this page was made.");
	if (unfinished.length) say("warn", plural(unfinished.length, "dump has", "dumps have") + " no end: the process was killed, or the file was cut.");
	const hosts = new Set(summary.processes.map((process) => process.host).filter(Boolean)), error = Math.max(0, ...summary.processes.map((process) => process.clockError));
	if (hosts.size > 1) say("", "Events of " + plural(hosts.size, "host") + " are in the order of their own clocks" + (error ? ", which may be off by " + formatDuration(error * 1000) : "") + ".");
	if (summary.selected) say("", "Only a part of the dump: ", el("code", {}, summary.selected));
	return found;
}

/* Only when the blocks' index is there, the page knows what it holds. */
function detailNotice() {
	const place = el("div", { id: "detail-notice" });
	data.ready.then((index) => {
		if (summary.all) return;
		place.append(el("p", { class: "notice warn" }, "All counts, rates and latencies are those of all " + plural(summary.total, "event") +
			". Lists and waterfall show a part: " + plural(index.events, "event") + " and " + plural(index.spans, "span") + " (" +
			formatCount(index.slow) + " events of the slowest spans, " + formatCount(index.urgent) + " further warnings and errors, and " +
			formatCount(index.sample) + " as a sample of whole traces)."));
	});
	return place;
}

function topEvents() {
	const top = data.events.filter((event) => event.count).sort((a, b) => b.count - a.count).slice(0, 12);
	return el("div", { class: "card" }, el("header", {}, el("h2", {}, "Most frequent events"),
		el("span", { class: "right" }, el("button", { type: "button", class: "link quiet", onclick: () => showTab("catalog") }, "all of them"))),
	el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["Event", "Level"].map((name) => el("th", {}, name)), el("th", { class: "num" }, "Count"),
		el("th", { class: "barcell" }))),
	el("tbody", {}, top.map((event) => el("tr", {}, el("td", {}, eventName(event)), el("td", {}, levelName(event.level)),
		el("td", { class: "num" }, formatCount(event.count)), el("td", { class: "barcell" }, bar(event.count / top[0].count, "l" + event.level))))))));
}

function topSpans() {
	const types = data.spanTypes.filter((type) => type.count).sort((a, b) => (b.latency ? b.latency.p[2] : 0) - (a.latency ? a.latency.p[2] : 0));
	const duration = (type, value) => el("td", { class: "num" }, type.latency ? formatDuration(value(type.latency)) : "–");
	return el("div", { class: "card" }, el("header", {}, el("h2", {}, "Spans, slowest kind first"),
		el("span", { class: "right" }, el("button", { type: "button", class: "link quiet", onclick: () => showTab("latency") }, "distributions"))),
	types.length ? el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "Span"),
		["Count", "Median", "p99", "Slowest"].map((name) => el("th", { class: "num" }, name)), el("th", { class: "hide-small" }, ""))),
	el("tbody", {}, types.slice(0, 12).map((type) => el("tr", {},
		el("td", {}, chip("c" + type.color), el("button", { type: "button", class: "link name", "data-event": type.start, onclick: () => showSpansOf(type.id) }, type.name)),
		el("td", { class: "num" }, formatCount(type.count)), duration(type, (l) => l.p[0]), duration(type, (l) => l.p[2]), duration(type, (l) => l.max),
		el("td", { class: "hide-small" }, type.latency ? sparkline(type.latency, "c" + type.color) : null)))))) : el("p", { class: "quiet" }, "The trace has no spans."));
}

/* What asks for attention, when there is something. */
function topProblems() {
	const loud = data.events.filter((event) => event.level >= 3 && event.count).sort((a, b) => b.level - a.level || b.count - a.count);
	return loud.length ? el("div", { class: "card" }, el("header", {}, el("h2", {}, "Warnings and errors")),
		el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, loud.slice(0, 8).map((event) => el("tr", {}, el("td", {}, levelName(event.level)),
			el("td", {}, el("button", { type: "button", class: "link name", "data-event": event.id, onclick: () => showEventsOf(event) }, event.name)),
			el("td", { class: "quiet" }, event.brief), el("td", { class: "num" }, formatCount(event.count)))))))) : null;
}

function processes() {
	const threads = summary.processes.map(() => 0), hosts = summary.processes.some((process) => process.host);
	for (const [process] of summary.threads) threads[process]++;
	return el("div", { class: "card" }, el("header", {}, el("h2", {}, plural(summary.processes.length, "Process", "Processes").replace(/^1 /, ""))),
		el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "Program"), hosts ? el("th", {}, "Host") : null, el("th", { class: "num" }, "Pid"), el("th", {}, "Started (" + zoneName() + ")"),
			el("th", {}, "First to last event"), ["Events", "Threads"].map((name) => el("th", { class: "num" }, name)), el("th", {}, "Files"), el("th", {}, "Clock"), el("th", {}, "Filter"))),
		el("tbody", {}, summary.processes.map((process, i) => {
			const files = summary.files.filter((file) => file.process === i);
			const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
			return el("tr", {}, el("td", {}, process.program), hosts ? el("td", {}, process.host) : null, el("td", { class: "num" }, String(process.pid)), el("td", {}, formatClock(BigInt(process.start), 3, true)),
				el("td", {}, process.count ? formatClock(BigInt(process.first), 3, false) + " – " + formatClock(BigInt(process.last), 3, false) : "–"),
				el("td", { class: "num" }, formatCount(process.count)), el("td", { class: "num" }, formatCount(threads[i])),
				el("td", {}, el("span", { title: files.map((file) => file.path).join("\n") }, plural(files.length, "file") + ", " + formatBytes(bytes))), el("td", {}, process.clock || "–", process.clockError ? el("span", { class: "faint" }, ", within " + formatDuration(process.clockError * 1000)) : null),
				el("td", { class: "mono" }, process.filters[0] || "–", process.nfilters > 2 ? el("span", { class: "faint" }, " and " + plural(process.nfilters - 1, "change")) : null));
		})))));
}

function buildOverview(section) {
	const chart = levelChart(150, true);
	show(section, ...notices(), detailNotice(), tiles(),
		el("div", { class: "card" }, el("header", {}, el("h2", {}, "Events over time"), levelLegend(),
			el("span", { class: "right" }, el("button", { type: "button", class: "link quiet", onclick: () => showTab("timeline") }, "open the timeline"))), chart),
		el("div", { class: "two" }, topEvents(), el("div", {}, topProblems(), topSpans())), processes(),
		el("p", { class: "faint" }, "rill " + summary.rill + " · times in " + zoneName() + " · this file loads nothing from anywhere"));
	chart.draw();
}
