// report.mjs lines|facts PAGE [EVENT-QUERY SPAN-QUERY [PICTURE]]: opens a page of `rill report` in Chromium.
// lines: every event and span that the page holds, one a line. facts: what somebody with a keyboard sees,
// "NAME: VALUE" a line; everything that should never be there (requests, errors) is named too.
import { chromium } from "playwright-core";

const [mode, file, eventQuery, spanQuery, picture] = process.argv.slice(2);
const fact = (name, value) => console.log(name + ": " + String(value).replace(/\s+/g, " ").trim());

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium" });
const trouble = { console: [], requests: [], dialogs: 0 };

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, timezoneId: "Asia/Tokyo", ...options });
  const page = await context.newPage();
  page.on("console", (message) => trouble.console.push(message.text()));
  page.on("pageerror", (error) => trouble.console.push(error.stack));
  page.on("dialog", (dialog) => { trouble.dialogs++; dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== "file://" + file) trouble.requests.push(request.url()); });
  await page.goto("file://" + file);
  return page;
}

async function lines() {
  const page = await open({});
  const text = await page.evaluate(async () => {
    await data.ready;
    const spans = await loadSpans(), out = [];
    const stamp = (ns) => formatClock(ns, 9, true).replace(" ", "T") + "Z", time = (offset) => stamp(absolute(offset));
    const plain = (value) => value.replaceAll("\\r", "\r").replaceAll("\\n", "\n");
    for (let number = 0; number < data.index.eventBlocks.length; number++) {
      const block = await eventBlock(number);
      for (let i = 0; i < block.count; i++) {
        const items = parseItems(block.items[i]).filter((item) => !"le".includes(item.type));
        const [process, tid] = summary.threads[block.thread[i]];
        out.push(["event", time(block.time[i]), data.events[block.event[i]].name, summary.processes[process].pid, tid,
          block.span[i] ? spanId(spans, block.span[i]) : "", items.map((item) => keyName(item) + "=" + (item.type === "t" ? stamp(BigInt(item.value)) : plain(item.value))).join(",")]);
      }
    }
    for (let at = 1; at < spans.size; at++)
      out.push(["span", time(spans.start[at]), String(spans.duration[at]), data.spanTypes[spans.type[at]].name, STATES[spans.state[at]],
        spanId(spans, at), spans.parent[at] ? spanId(spans, spans.parent[at]) : "", traceId(spans, at), String(spans.events[at])]);
    return out.map((row) => JSON.stringify(row)).sort().join("\n");
  });
  console.log(text);
}

const text = (page, selector) => page.locator(selector).first().innerText();

async function overview(page) {
  const paint = await page.evaluate(() => new Promise((resolve) => {
    const tell = (entries) => { const found = entries.find((entry) => entry.name === "first-contentful-paint"); if (found) resolve(found.startTime); };
    tell(performance.getEntriesByType("paint"));
    new PerformanceObserver((list) => tell(list.getEntries())).observe({ type: "paint", buffered: true });
  }));
  fact("first paint, ms", Math.round(paint));
  fact("title", await page.title());
  for (const tile of await page.locator(".tile").all())
    fact("tile " + await tile.locator(".label").innerText(), await tile.locator(".value").innerText());
  await page.evaluate(() => data.ready);
  fact("notices", (await page.locator("#section-overview .notice").allInnerTexts()).join(" | "));
  await page.locator("#section-overview [data-event]").first().hover();
  fact("tip", await text(page, "#tip"));
}

const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
const settled = (page, selector, before) => page.waitForFunction(([css, old]) => {
  const shown = document.querySelector(css).textContent;
  return shown && shown !== old && !shown.startsWith("searching");
}, [selector, before]);

async function timelineByKeys(page) {
  await page.keyboard.press("2");
  await settled(page, "#event-count", "");
  const all = await text(page, "#event-count");
  fact("events", all);
  for (let i = 0; i < 3; i++) await page.keyboard.press("w");
  await settled(page, "#event-count", all);
  fact("events zoomed", await text(page, "#event-count"));
  fact("zoomed to", await page.evaluate(() => ((view.to - view.from) / data.range).toFixed(3)));
  fact("events zoomed, counted", await page.evaluate(async () => {
    let count = 0;
    for (const number of blocksBetween(view.from, view.to)) count += (await eventBlock(number)).time.filter((time) => time >= view.from && time <= view.to).length;
    return formatCount(count);
  }));
  const middle = await page.evaluate(() => view.from);
  await page.keyboard.press("d");
  fact("moved later", await page.evaluate((from) => view.from > from, middle));
  await page.keyboard.press("0");
  await settled(page, "#event-count", await text(page, "#event-count"));
  await page.keyboard.press("/");
  await page.keyboard.type(eventQuery);
  await settled(page, "#event-count", all);
  fact("events found", await text(page, "#event-count"));
  fact("first found", await text(page, "#section-timeline .row"));
  await page.keyboard.press("Enter");
  await drawn(page);
  fact("event selected", await page.locator("#section-timeline .row[aria-selected=true]").count());
  await page.keyboard.press("/");
  await page.keyboard.press("Escape");
  await page.waitForFunction((old) => document.querySelector("#event-count").textContent === old, all);
}

async function spansByKeys(page) {
  await page.keyboard.press("3");
  await page.waitForFunction(() => falls.loaded);
  await settled(page, "#span-count", "");
  const all = await text(page, "#span-count");
  fact("spans", all);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await drawn(page);
  fact("span selected", await page.locator("#section-spans .row[aria-selected=true]").getAttribute("aria-label"));
  fact("side", await text(page, ".side"));
  await page.keyboard.press("Enter");
  fact("span is all of the view", await page.evaluate(() => {
    const at = falls.selected, share = data.spans.duration[at] / (view.to - view.from);
    return (view.to - view.from <= MIN_VIEW) || share > 0.8 && share < 1;
  }));
  if (picture) await page.screenshot({ path: picture });
  await page.keyboard.press("0");
  await page.keyboard.press("/");
  await page.keyboard.type(spanQuery);
  await settled(page, "#span-count", all);
  fact("spans found", await text(page, "#span-count"));
  await page.keyboard.press("Escape");
  await page.selectOption("select[aria-label=State]", "problem");
  fact("spans with a problem", await text(page, "#span-count"));
  await page.selectOption("select[aria-label=State]", "");
  await page.click("text=Slowest first");
  await page.keyboard.press("ArrowDown");
  await drawn(page);
  fact("slowest", await page.locator("#section-spans .row[aria-selected=true]").getAttribute("aria-label"));
  fact("slowest has events", await page.waitForFunction(() => document.querySelectorAll(".side .row").length).then((count) => count.jsonValue()));
}

async function restByKeys(page) {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.keyboard.press("t");
  fact("dark by key", await page.evaluate(() => document.documentElement.dataset.theme) + " " + (await background() !== light));
  await page.keyboard.press("u");
  fact("zone by key", await text(page, "#zone"));
  fact("local time", await text(page, "#when"));
  await page.keyboard.press("u");
  fact("universal time", await text(page, "#when"));
  await page.keyboard.press("?");
  fact("help", await page.evaluate(() => document.getElementById("help").open));
  await page.keyboard.press("Escape");
  await page.keyboard.press("4");
  fact("histograms", await page.locator("#section-latency .hist").count());
  await page.keyboard.press("ArrowRight");
  fact("after latency", await page.evaluate(() => document.activeElement.id));
  fact("account", await text(page, "#account"));
  await page.keyboard.press("6");
  fact("catalog", await text(page, "#section-catalog table"));
  fact("elements made by data", await page.evaluate(() => document.querySelectorAll("main img, main script, main iframe, main object").length + (window.hostile ? 1 : 0)));
}

async function facts() {
  const page = await open({ colorScheme: "light" });
  await overview(page);
  await timelineByKeys(page);
  await spansByKeys(page);
  await restByKeys(page);
  const dark = await open({ colorScheme: "dark" });
  fact("dark by preference", await dark.evaluate(() => document.documentElement.dataset.theme));
  const small = await open({ viewport: { width: 390, height: 844 } });
  for (const key of ["1", "2", "3", "4", "5", "6"]) {
    await small.keyboard.press(key);
    const wide = await small.evaluate(() => document.documentElement.scrollWidth);
    if (wide > 390) fact("wider than a telephone", key + " " + wide);
  }
  fact("requests", trouble.requests.join(" ") || "none");
  fact("dialogs", trouble.dialogs);
  fact("errors", trouble.console.join(" ") || "none");
}

try {
  await (mode === "lines" ? lines() : facts());
} finally {
  await browser.close();
}
