/* Sections, keyboard, theme, zone. */

const SECTIONS = [["overview", "Overview", buildOverview], ["timeline", "Timeline", buildTimeline], ["spans", "Spans", buildSpans],
	["latency", "Latency", buildLatency], ["losses", "Losses", buildLosses], ["catalog", "Catalog", buildCatalog]];
let current = "";
const built = new Set();

function showTab(name) {
	const section = byId("section-" + name);
	current = name;
	for (const [other] of SECTIONS) {
		byId("section-" + other).hidden = other !== name;
		const tab = byId("tab-" + other);
		tab.setAttribute("aria-selected", String(other === name));
		tab.tabIndex = other === name ? 0 : -1;
	}
	hideTip();
	if (!built.has(name)) {
		built.add(name);
		SECTIONS.find(([other]) => other === name)[2](section);
	}
	if (location.hash.slice(1) !== name) history.replaceState(null, "", "#" + name);
	return section;
}

/* Times stand in every section: they are made again when the zone changes. */
function rebuild() {
	view.listeners = [];
	built.clear();
	byId("when").textContent = formatTime(0, 0, true) + " " + (localTime ? "" : "UTC ") + "· " + formatDuration(data.range);
	byId("zone").textContent = localTime ? "Local" : "UTC";
	byId("zone").setAttribute("aria-pressed", String(localTime));
	showTab(current);
}

function toggleZone() {
	localTime = !localTime;
	rebuild();
	statusLine("Times in " + zoneName());
}
function toggleTheme() {
	const dark = document.documentElement.dataset.theme === "dark";
	document.documentElement.dataset.theme = dark ? "light" : "dark";
	statusLine(dark ? "Light" : "Dark");
}

function buildTabs() {
	const tabs = byId("tabs");
	SECTIONS.forEach(([name, title], i) => tabs.append(el("button", { type: "button", role: "tab", id: "tab-" + name, "aria-controls": "section-" + name, "aria-keyshortcuts": String(i + 1), onclick: () => showTab(name) },
		title, name === "losses" && totals.lost ? el("span", { class: "badge" }, formatShort(totals.lost)) : null)));
	tabs.addEventListener("keydown", (event) => {
		const at = SECTIONS.findIndex(([name]) => name === current), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (!step) return;
		const [name] = SECTIONS[(at + step + SECTIONS.length) % SECTIONS.length];
		showTab(name);
		byId("tab-" + name).focus();
		event.preventDefault();
	});
}

const zoom = (factor) => (current === "spans" ? zoomSpans(factor) : zoomView(factor));
const pan = (share) => (current === "spans" ? panSpans(share) : panView(share));
function wholeTime() {
	if (current === "spans" && falls.align === "start") setRelative(0, longest(falls.shown || []));
	else setView(0, data.range);
}
function outOfSpan() {
	if (falls.selected && data.spans.parent[falls.selected]) showSpan(data.spans.parent[falls.selected]);
}
function search() {
	const field = byId("section-" + current).querySelector("input[type=search]");
	if (!field) showTab("timeline");
	(field || byId("event-search")).focus();
}

const KEYS = {
	w: () => zoom(0.6), "+": () => zoom(0.6), "=": () => zoom(0.6), s: () => zoom(1 / 0.6), "-": () => zoom(1 / 0.6),
	a: () => pan(-0.25), d: () => pan(0.25), 0: wholeTime, t: toggleTheme, u: toggleZone, "/": search,
	"?": () => byId("help").showModal(), p: outOfSpan,
	ArrowDown: () => enterList("Home"), ArrowUp: () => enterList("End"),
};
SECTIONS.forEach(([name], i) => { KEYS[i + 1] = () => { showTab(name); byId("tab-" + name).focus({ preventScroll: true }); }; });

/* An arrow goes into the section's list, wherever the focus is but in another one. */
function enterList(key) {
	const main = byId("section-" + current).main;
	if (!main) return false;
	main().focus();
	main().dispatchEvent(new KeyboardEvent("keydown", { key }));
	return true;
}

document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
	const typing = event.target.matches("input[type=search], select, textarea");
	if (event.key === "Escape") {
		hideTip();
		if (!typing) return;
		event.target.value = "";
		event.target.dispatchEvent(new Event("input"));
		event.target.blur();
		return;
	}
	if (typing && (event.key === "Enter" || event.key === "ArrowDown") && event.target.type === "search") {
		if (enterList("Home")) event.preventDefault();
		return;
	}
	if (typing || !KEYS[event.key]) return;
	if (KEYS[event.key]() !== false) event.preventDefault();
});

function start() {
	const names = [...new Set(summary.processes.map((process) => process.program))];
	const name = names.slice(0, 3).join(", ") + (names.length > 3 ? " and more" : "");
	document.title = name + " – rill report";
	byId("brand-of").textContent = name;
	document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { document.documentElement.dataset.theme = event.matches ? "dark" : "light"; });
	byId("zone").addEventListener("click", toggleZone);
	byId("theme").addEventListener("click", toggleTheme);
	byId("help-open").addEventListener("click", () => byId("help").showModal());
	buildTabs();
	const wanted = location.hash.slice(1);
	current = SECTIONS.some(([section]) => section === wanted) ? wanted : "overview";
	rebuild();
	addEventListener("hashchange", () => { if (SECTIONS.some(([section]) => section === location.hash.slice(1))) showTab(location.hash.slice(1)); });
}
start();
