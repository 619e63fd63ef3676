/* A list of any length: only the rows in sight exist. A listbox for those who hear it. */

const ROW = 26, HEIGHT_MAX = 16e6; /* browsers end at 17 to 33 million pixels */

/* options: label, render(index, row), open(index), select(index). */
function virtualList(options) {
	const filler = el("div", { class: "filler" });
	const box = el("div", { class: "list " + (options.className || ""), role: "listbox", tabindex: 0, "aria-label": options.label }, filler);
	const list = { box, count: 0, selected: -1 };
	const used = "row-" + Math.random().toString(36).slice(2);
	let pending = false;

	const total = () => list.count * ROW;
	/* Beyond HEIGHT_MAX a pixel of the scroll bar is more than one of the list. */
	const ratio = () => {
		const shown = Math.min(total(), HEIGHT_MAX) - box.clientHeight;
		return shown > 0 && total() > HEIGHT_MAX ? (total() - box.clientHeight) / shown : 1;
	};

	function draw() {
		pending = false;
		const top = box.scrollTop * ratio(), height = box.clientHeight || 400;
		const first = Math.max(0, Math.floor(top / ROW) - 4), last = Math.min(list.count, Math.ceil((top + height) / ROW) + 4);
		const nodes = [];
		for (let i = first; i < last; i++) {
			const row = el("div", { class: "row", role: "option", id: used + i, "aria-posinset": i + 1, "aria-setsize": list.count,
				"aria-selected": String(i === list.selected) });
			row.style.top = (i * ROW - top + box.scrollTop) + "px";
			row.index = i;
			options.render(i, row);
			nodes.push(row);
		}
		if (!list.count) nodes.push(el("div", { class: "empty" }, list.empty || "Nothing here"));
		filler.style.height = Math.min(total(), HEIGHT_MAX) + "px";
		filler.replaceChildren(...nodes);
		list.range = [first, last];
		if (list.selected >= first && list.selected < last) box.setAttribute("aria-activedescendant", used + list.selected);
		else box.removeAttribute("aria-activedescendant");
	}

	list.redraw = () => {
		if (pending) return;
		pending = true;
		requestAnimationFrame(draw);
	};
	list.set = (count, empty) => {
		list.count = count;
		list.empty = empty;
		list.selected = Math.min(list.selected, count - 1);
		list.redraw();
	};
	list.reset = () => { list.selected = -1; box.scrollTop = 0; };
	list.reveal = (index) => {
		const scale = ratio(), top = box.scrollTop * scale;
		if (index * ROW < top) box.scrollTop = index * ROW / scale;
		else if ((index + 1) * ROW > top + box.clientHeight) box.scrollTop = ((index + 1) * ROW - box.clientHeight) / scale;
	};
	list.select = (index) => {
		if (!list.count) return;
		list.selected = Math.max(0, Math.min(index, list.count - 1));
		list.reveal(list.selected);
		list.redraw();
		if (options.select) options.select(list.selected);
	};

	box.addEventListener("scroll", list.redraw, { passive: true });
	box.addEventListener("click", (event) => {
		const row = event.target.closest(".row");
		if (row) list.select(row.index);
	});
	box.addEventListener("dblclick", (event) => {
		const row = event.target.closest(".row");
		if (row && options.open) options.open(row.index);
	});
	box.addEventListener("keydown", (event) => {
		const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 1);
		const to = { ArrowDown: list.selected + 1, ArrowUp: list.selected - 1, PageDown: list.selected + page,
			PageUp: list.selected - page, Home: 0, End: list.count - 1 }[event.key];
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		if (to !== undefined) list.select(to);
		else if (event.key === "Enter" && list.selected >= 0 && options.open) options.open(list.selected);
		else return;
		event.preventDefault();
		event.stopPropagation();
	});
	new ResizeObserver(list.redraw).observe(box);
	return list;
}

/* --- what a name means, on hover and on focus -------------------------------------------------- */

function showTip(x, y, nodes) {
	const tip = byId("tip");
	tip.replaceChildren(...nodes);
	tip.hidden = false;
	const box = tip.getBoundingClientRect();
	tip.style.left = Math.max(6, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
	tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(6, y - box.height - 10) : y + 18) + "px";
}
const hideTip = () => { byId("tip").hidden = true; };

function describe(target) {
	if (target.dataset.event !== undefined) {
		const event = data.events[target.dataset.event];
		return [el("b", { class: "name" }, event.name), el("p", {}, event.brief),
			event.text && event.text !== event.brief ? el("p", {}, event.text) : "",
			el("p", { class: "faint" }, LEVELS[event.level] + " · " + subsystemName(event.subsystem) + " · " + plural(event.count, "event"))];
	}
	const key = data.keys[target.dataset.key];
	return [el("b", { class: "name" }, key.name), el("p", {}, key.text), el("p", { class: "faint" }, key.types.split("|").join(" or "))];
}

function tipFor(event, at) {
	const target = event.target.closest && event.target.closest("[data-event], [data-key]");
	if (target) showTip(...at(target), describe(target));
	else if (!(event.target.closest && event.target.closest(".chart, .hist, .lanes"))) hideTip();
}
document.addEventListener("pointerover", (event) => tipFor(event, () => [event.clientX, event.clientY]));
document.addEventListener("focusin", (event) => tipFor(event, (target) => {
	const box = target.getBoundingClientRect();
	return [box.left, box.bottom - 10];
}));

const eventName = (event) => el("span", { class: "name", "data-event": event.id }, event.name);
const levelName = (level) => el("span", { class: "level " + LEVELS[level] }, LEVELS[level]);
const chip = (className) => el("i", { class: "chip " + className });
const keyTable = (items) => el("table", {}, el("tbody", {}, items.map((item) => el("tr", {},
	el("td", { "data-key": item.key }, keyName(item)),
	el("td", { class: "mono" }, formatValue(item.type, item.value), item.cut ? el("span", { class: "faint" }, " (cut, " + formatBytes(Number(item.cut)) + ")") : null)))));
