/* Latency, Losses, Catalog. */

/* Buckets between two durations, on a logarithmic axis. */
function bucketsOf(latency) {
	const pairs = [];
	for (let i = 0; i < latency.buckets.length; i += 2) {
		const from = latency.buckets[i], count = latency.buckets[i + 1];
		/* An eighth of a power of two, as the summary has them; below 128 ns sixteen each. */
		const to = from < 128 ? from + 16 : from + 2 ** Math.floor(Math.log2(from)) / 8;
		pairs.push({ from, to, count });
	}
	return pairs;
}

/* Logarithms of the ends of an axis: a factor of 16 at least, so that a single bar is one. */
function axisOf(buckets) {
	let low = Math.log(Math.max(1, buckets[0].from)), high = Math.log(Math.max(2, buckets[buckets.length - 1].to));
	const missing = Math.max(0, Math.log(16) - (high - low));
	return [low - missing / 2, high + missing / 2];
}

function sparkline(latency, className) {
	const buckets = bucketsOf(latency), [low, high] = axisOf(buckets);
	const most = buckets.reduce((sum, bucket) => Math.max(sum, bucket.count), 1), x = (ns) => 110 * Math.min(1, Math.max(0, (Math.log(Math.max(1, ns)) - low) / (high - low)));
	return svg("svg", { class: "spark", viewBox: "0 0 110 20", "aria-hidden": "true" }, buckets.map((bucket) => {
		const height = Math.max(1, 19 * bucket.count / most);
		return svg("rect", { class: className, x: x(bucket.from).toFixed(1), width: Math.max(1.5, x(bucket.to) - x(bucket.from) - .3).toFixed(1), y: (20 - height).toFixed(1), height: height.toFixed(1) });
	}));
}

const QUANTILES = ["p50", "p90", "p99", "p99.9"];

function histogram(latency, className, onbucket) {
	const chart = svg("svg", { class: "hist", role: "group", "aria-label": "Histogram of durations" });
	const buckets = bucketsOf(latency), [low, high] = axisOf(buckets);
	const most = buckets.reduce((sum, bucket) => Math.max(sum, bucket.count), 1), base = 112;
	function draw() {
		const width = chart.clientWidth || 420, x = (ns) => (Math.log(Math.max(1, ns)) - low) / (high - low) * width, nodes = [];
		for (let decade = 1; decade <= latency.max * 10; decade *= 10) {
			if (x(decade) < 0 || x(decade) > width) continue;
			nodes.push(svg("line", { class: "rule", x1: x(decade), x2: x(decade), y1: base, y2: base + 4 }));
			if (x(decade) < width - 36) nodes.push(svg("text", { x: x(decade) + 3, y: base + 14 }, formatRound(decade)));
		}
		for (const bucket of buckets) {
			const left = x(bucket.from), height = Math.max(1.5, (base - 22) * bucket.count / most);
			const say = formatDuration(bucket.from) + " to " + formatDuration(bucket.to) + ": " + formatCount(bucket.count);
			const node = svg("rect", { class: className, x: left.toFixed(1), width: Math.max(2, x(bucket.to) - left - 1).toFixed(1), y: (base - height).toFixed(1), height: height.toFixed(1),
				tabindex: onbucket ? 0 : undefined, role: onbucket ? "button" : undefined, "aria-label": say,
				onpointermove: (event) => showTip(event.clientX, event.clientY, [el("b", {}, say), el("p", {}, formatShare(bucket.count, latency.count) + (onbucket ? " · click for these spans" : ""))]),
				onpointerleave: hideTip });
			if (onbucket) {
				node.addEventListener("click", () => onbucket(bucket));
				node.addEventListener("keydown", (event) => { if (event.key === "Enter") onbucket(bucket); });
			}
			nodes.push(node);
		}
		let last = -40;
		latency.p.forEach((ns, i) => {
			const at = Math.min(width - 1, Math.max(0, x(ns)));
			nodes.push(svg("line", { class: "q", x1: at, x2: at, y1: 14, y2: base }));
			if (at - last > 34) nodes.push(svg("text", { x: Math.min(width - 30, at + 3), y: 12 }, QUANTILES[i]));
			last = at - last > 34 ? at : last;
		});
		nodes.push(svg("line", { class: "rule", x1: 0, x2: width, y1: base + .5, y2: base + .5 }));
		chart.setAttribute("viewBox", "0 0 " + width + " 132");
		chart.replaceChildren(...nodes);
	}
	new ResizeObserver(draw).observe(chart);
	draw();
	return chart;
}

function latencyCard(name, latency, className, onbucket) {
	return el("div", { class: "card" }, el("header", {}, el("h2", {}, name), el("span", { class: "quiet num" }, formatCount(latency.count))),
		el("div", { class: "quantiles" }, QUANTILES.map((quantile, i) => el("div", {}, el("small", {}, i ? quantile : "median"), formatDuration(latency.p[i]))),
			el("div", {}, el("small", {}, "slowest"), formatDuration(latency.max)), el("div", {}, el("small", {}, "mean"), formatDuration(latency.mean))),
		histogram(latency, className, onbucket));
}

function buildLatency(section) {
	const types = data.spanTypes.filter((type) => type.latency).sort((a, b) => b.latency.p[2] - a.latency.p[2]);
	const events = data.events.filter((event) => event.latency).sort((a, b) => b.latency.p[2] - a.latency.p[2]);
	show(section, 
		el("div", { class: "toolbar" }, el("h2", {}, "Spans"), el("span", { class: "quiet" }, "those that ended; the axis is logarithmic; percentiles within 0.1 %")),
		types.length ? el("div", { class: "cards" }, types.map((type) => latencyCard(el("span", { class: "name", "data-event": type.start }, type.name), type.latency, "c" + type.color,
			(bucket) => showSpansOf(type.id, [bucket.from, bucket.to])))) : el("p", { class: "none" }, "No span ended in this trace."),
		el("div", { class: "toolbar" }), el("div", { class: "toolbar" }, el("h2", {}, "Events with elapsed"), el("span", { class: "quiet" }, "the durations that the program told itself")),
		events.length ? el("div", { class: "cards" }, events.map((event) => latencyCard(eventName(event), event.latency, "l2"))) : el("p", { class: "none" }, "No event of this trace carries elapsed."));
}

/* --- losses --------------------------------------------------------------------------------------- */

function numberTable(heads, lines) {
	return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map(([name, num]) => el("th", { class: num ? "num" : "" }, name)))), el("tbody", {}, lines)));
}
const num = (value) => el("td", { class: "num" + (value ? "" : " faint") }, typeof value === "number" ? formatCount(value) : value);

function buildLosses(section) {
	const counted = summary.files.some((file) => file.counted), lost = data.events.filter((event) => event.lost).sort((a, b) => b.lost - a.lost);
	const parts = [["written", summary.total], ["filtered", totals.filtered], ["discarded", totals.discarded], ["overwritten", totals.overwritten], ["failed", totals.failed]];
	show(section, 
		el("div", { class: "card" }, el("header", {}, el("h2", {}, "The account")), el("div", { class: "sum", id: "account" }, el("b", {}, formatCount(totals.emitted)), " emitted = ",
			parts.flatMap(([name, value], i) => [i ? " + " : "", el("b", { "data-part": name }, formatCount(value)), " " + name])),
		el("p", { class: "quiet" }, "Written are the events in the dump", summary.selected ? " that were selected" : "", "; the others are what the traced processes counted. Filtered events were not wanted. Discarded: the ring was full. Overwritten: the flight recorder went on. Failed: no room for a ring, or the disk was full."),
		counted ? null : el("p", { class: "notice warn" }, "The dump holds no counts of what was filtered or lost."),
		summary.valuesCut ? el("p", { class: "quiet" }, plural(summary.valuesCut, "value was", "values were") + " too long and cut.") : null),
		lost.length ? el("div", { class: "card" }, el("header", {}, el("h2", {}, "Lost, by event")),
			numberTable([["Event"], ["Level"], ["Written", 1], ["Discarded", 1], ["Overwritten", 1], ["Failed", 1], ["Lost", 1]], lost.map((event) => el("tr", {}, el("td", {}, eventName(event), event.never ? el("span", { class: "level error" }, " never to be lost") : null),
				el("td", {}, levelName(event.level)), num(event.count), num(event.discarded), num(event.overwritten), num(event.failed), num(formatShare(event.lost, event.lost + event.count))))))
			: el("div", { class: "card none" }, el("b", {}, counted ? "Nothing was lost" : "No loss is known"), counted ? "Every event that was emitted is written or was filtered on purpose." : ""),
		summary.losses.length ? el("div", { class: "card" }, el("header", {}, el("h2", {}, "When"), el("span", { class: "quiet" }, plural(summary.nlosses, "interval") + (summary.nlosses > summary.losses.length ? ", the first " + formatCount(summary.losses.length) : ""))),
			numberTable([["From"], ["For"], ["Event"], ["Process"], ["Discarded", 1], ["Overwritten", 1], ["Failed", 1]], summary.losses.slice(0, 500).map(([process, event, from, to, ...counts]) => el("tr", {},
				el("td", {}, !timeIsKnown([process, event, from, to]) ? "not known" : el("button", { type: "button", class: "link", onclick: () => { setView(Number(BigInt(from) - data.base) - 1e6, Number(BigInt(to) - data.base) + 1e6); showTab("timeline"); } }, formatClock(BigInt(from), 6, true))),
				el("td", {}, timeIsKnown([process, event, from, to]) ? formatDuration(Number(BigInt(to) - BigInt(from))) : "–"), el("td", {}, eventName(data.events[event])), el("td", {}, summary.processes[process].program + " " + summary.processes[process].pid), counts.map(num))))) : null);
}

/* --- catalog -------------------------------------------------------------------------------------- */

const catalogView = { text: "", all: false, kind: "events" };

function buildCatalog(section) {
	const body = el("div", { class: "scroll" }), count = el("span", { class: "quiet" });
	function draw() {
		const words = catalogView.text.toLowerCase().split(/\s+/).filter(Boolean), has = (...texts) => words.every((word) => texts.some((text) => text.toLowerCase().includes(word)));
		if (catalogView.kind === "keys") {
			const keys = data.keys.filter((key) => has(key.name, key.text)).slice(0, 2000);
			count.textContent = plural(keys.length, "key");
			return body.replaceChildren(numberTable([["Key"], ["Type"], ["Meaning"]], keys.map((key) => el("tr", {}, el("td", { class: "name" }, key.name), el("td", { class: "mono faint" }, key.types), el("td", {}, key.text)))));
		}
		const events = data.events.filter((event) => (catalogView.all || event.count || event.lost) && has(event.name, event.brief, event.text, subsystemName(event.subsystem)))
			.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, 2000);
		count.textContent = plural(events.length, "event");
		return body.replaceChildren(numberTable([["Event"], ["Level"], ["Count", 1], ["Lost", 1], ["Subsystem"], ["Meaning"]], events.map((event) => el("tr", {}, el("td", {}, eventName(event)), el("td", {}, levelName(event.level)),
			num(event.count), num(event.lost), el("td", { class: "quiet" }, subsystemName(event.subsystem)), el("td", {}, event.brief, event.text && event.text !== event.brief ? el("span", { class: "faint" }, " – " + event.text) : null)))));
	}
	const search = el("input", { type: "search", id: "catalog-search", placeholder: "Search the catalog", "aria-label": "Search the catalog", spellcheck: "false", oninput: () => { catalogView.text = search.value; draw(); } });
	search.value = catalogView.text;
	const all = el("input", { type: "checkbox", checked: catalogView.all, onchange: () => { catalogView.all = all.checked; draw(); } });
	show(section, el("div", { class: "toolbar" }, search, segmented("Kind", [["events", "Events"], ["keys", "Keys"]], catalogView.kind, (kind) => { catalogView.kind = kind; draw(); }),
		el("label", {}, all, " also events that never came"), el("span", { class: "grow" }), count, el("span", { class: "quiet" }, summary.catalogs.map((catalog) => catalog.name).join(", "))),
	el("div", { class: "card" }, body));
	draw();
}
