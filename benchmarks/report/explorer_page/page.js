"use strict";
// One direction: the fragment of the address gives the state, the state gives the page. Controls change the state alone.

const DATA = JSON.parse(document.getElementById("data").textContent);
const RUNS = DATA.runs;
const VIEWS = { compare: "Compare", latency: "Latency", hazards: "Hazards" };
const QUANTITIES = { cpu: "CPU per request", throughput: "requests a second", p50: "latency, median", p99: "latency, p99" };
const SORTS = { measured: "as measured", best: "best first", worst: "worst first", wide: "widest interval", who: "contender" };
const SCALES = { "1.1": [1.05], "1.25": [1.1], "2": [1.25, 1.5], "4": [2], "16": [4] }; // ticks between 1 and the end
const SHARES = [0, 50, 90, 99, 99.9, 99.99];
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8a939c", "#a0522d", "#9467bd", "#b9b44e"];
const TEXTS = {
  writes: "What one writes", happens: "What happens", why: "Why", instead: "Instead", ours: "On this runtime", price: "Its price",
};
const MODELS = { "": "anything", documented: "the documented path", "async-loop": "async-loop", "async-native": "async-native" };

// ---------------------------------------------------------------- text

const escaped = (text) => String(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
class Markup extends String {}
/** A template whose values are escaped, but for markup and lists of markup. */
function html(parts, ...values) {
  const shown = values.map((one) => [one].flat().map((each) => (each instanceof Markup ? each : escaped(each ?? ""))).join(""));
  return new Markup(String.raw({ raw: parts }, ...shown));
}
/** The little Markdown that the catalogue of hazards has. */
function prose(text) {
  const pieces = escaped(text).split("`");
  return new Markup(pieces.map((one, place) => (place % 2 ? `<code>${one}</code>` : one
    .replace(/\[([^\]]+)\]\((https:[^)]+)\)/g, '<a href="$2" rel="noreferrer">$1</a>')
    .replace(/\*([^*]+)\*/g, "<em>$1</em>"))).join(""));
}
const three = (value) => (value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1)
  : value.toLocaleString("en-US", { maximumFractionDigits: 0 }));
const seconds = (value) => (value < 1 ? `${three(value * 1e3)} ms` : `${three(value)} s`);
/** The median over rounds, and from where to where they go. */
function amounts({ values }) {
  const sorted = [...(values[state.q] ?? [])].sort((one, other) => one - other);
  if (!sorted.length) return "-";
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
  const [scale, unit] = state.q === "throughput" ? [1, "/s"] : middle < 1e-4 ? [1e6, " µs"] : [1e3, " ms"];
  const range = sorted.length > 1 ? ` [${three(sorted[0] * scale)}, ${three(sorted.at(-1) * scale)}]` : "";
  return `${three(middle * scale)}${unit}${range}`;
}
const distinct = (values) => [...new Set(values)];
const plural = (count, word) => `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`;
const loadWords = ({ connections, percent }) =>
  (percent === null ? plural(connections, "connection") : `open loop at ${percent} %`);
const databaseWords = ({ database }) => DATA.databases[database] ?? database;
const placeWords = (place) => `${place.scenario}, ${databaseWords(place)}, ${loadWords(place)}`;
const keyOf = (place) => `${place.database} ${place.scenario} ${place.load}`;

/** A ratio with its interval, in as many decimals as it takes to show that it has a width. */
function interval(found) {
  if (found.half === null) return `${three(Math.exp(found.log))} [one round]`;
  const values = [found.log, found.log - found.half, found.log + found.half].map(Math.exp);
  let [ratio, low, high] = values.map(three);
  if (low === high) [ratio, low, high] = values.map((one) => one.toFixed(3));
  return `${ratio} [${low}, ${high}]`;
}

// ---------------------------------------------------------------- what is known

const lowerIsBetter = (quantity) => quantity !== "throughput";

/** The rule of benchmarks/analysis/verdict.py, on logarithms. */
function judge(found, quantity, margin) {
  if (found.half === null) return "undecided";
  const cost = lowerIsBetter(quantity) ? found.log : -found.log;
  const [low, high, edge] = [cost - found.half, cost + found.half, Math.log1p(margin)];
  if (-edge <= low && high <= edge) return "same";
  if (high < 0) return high < -edge ? "better" : "slightly better";
  if (low > 0) return low > edge ? "worse" : "slightly worse";
  return "undecided";
}

for (const run of RUNS) {
  for (const place of run.places) {
    place.pairs = new Map(place.ratios.map((one) => [`${one.contender}|${one.against}|${one.quantity}`, one]));
    place.by = new Map(place.measured.map((one) => [one.contender, one]));
  }
}

/** The ratio of a pair, turned round where it is known the other way. */
function pair(place, contender, against, quantity) {
  const found = place.pairs.get(`${contender}|${against}|${quantity}`);
  const other = place.pairs.get(`${against}|${contender}|${quantity}`);
  if (found || !other) return found;
  return { ...other, log: -other.log, dots: other.dots.map((each) => each.map((one) => -one)) };
}

/** What a run has of a contender in a cell, by the chosen baseline and quantity; nothing where it has not. */
function finding(run, place, contender) {
  const [mine, theirs] = [place?.by.get(contender), place?.by.get(state.base)];
  if (!mine || !theirs || !place.quantities.includes(state.q)) return undefined;
  const problem = mine.problem ?? (theirs.problem && `the baseline, ${state.base}, fails: ${theirs.problem}`);
  const ratio = problem ? undefined : pair(place, contender, state.base, state.q);
  if (!problem && !ratio) return undefined;
  const verdict = mine.problem ? "fails" : theirs.problem ? "" : judge(ratio, state.q, Number(state.margin) / 100);
  const control = pair(place, run.control, run.baseline, state.q);
  const full = state.q === "throughput" && mine.busy >= DATA.full && theirs.busy >= DATA.full;
  return { problem, ratio, verdict, control, full, crowded: state.q === "throughput" && place.crowded, mine, theirs };
}

/** The rows to show, in their order, and how many more there would be. */
function compared() {
  const rows = new Map();
  const wanted = { database: state.db, scenario: state.scenario, load: state.load };
  RUNS.forEach((run, number) => run.places.forEach((place) => {
    if (Object.entries(wanted).some(([name, value]) => value && value !== place[name])) return;
    for (const { contender } of place.measured) {
      const found = finding(run, place, contender);
      if (!found || contender === state.base || (state.who && state.who !== contender)) continue;
      const key = `${keyOf(place)} ${contender}`;
      if (!rows.has(key)) rows.set(key, { place, contender, found: RUNS.map(() => undefined) });
      rows.get(key).found[number] = found;
    }
  }));
  const all = [...rows.values()];
  const decided = ({ found }) => state.undecided === "1" || found.some((one) => one && one.verdict !== "undecided");
  const shown = all.filter((row) => decided(row) && (state.both === "0" || row.found.every(Boolean)));
  const first = (row) => row.found.find(Boolean);
  const cost = (row) => (first(row).ratio ? (lowerIsBetter(state.q) ? 1 : -1) * first(row).ratio.log : 99);
  const width = (row) => (first(row).ratio ? first(row).ratio.half ?? 98 : -1);
  const orders = {
    best: (one, other) => cost(one) - cost(other),
    worst: (one, other) => cost(other) - cost(one),
    wide: (one, other) => width(other) - width(one),
    who: (one, other) => one.contender.localeCompare(other.contender),
  };
  return { shown: orders[state.sort] ? shown.sort(orders[state.sort]) : shown, hidden: all.length - shown.length };
}

// ---------------------------------------------------------------- views

const WIDE = 400;
const x = (log) => WIDE / 2 + (WIDE / 2 - 8) * Math.max(-1, Math.min(1, log / Math.log(Number(state.scale))));

function lane(found, name, top, height) {
  const marks = found.dots.flat();
  const [low, high] = found.half === null ? [0, 0] : [found.log - found.half, found.log + found.half];
  const [edge, middle] = [Math.log(Number(state.scale)), top + height / 2];
  const path = marks.map((one, place) => {
    const across = marks.length > 12 ? ((place * 0.618034) % 1 - 0.5) * (height - 5) : 0; // many are spread, to be told apart
    return `M${x(one / 1000).toFixed(1)} ${(middle + across).toFixed(1)}h.01`;
  });
  const arrow = (log, way) => (log * way > edge ? `M${x(log) - 4 * way} ${middle - 5}l${7 * way} 5l${-7 * way} 5z` : "");
  const bar = found.half === null ? "" : `M${x(low)} ${middle - 3}H${x(high)}v6H${x(low)}z${arrow(low, -1)}${arrow(high, 1)}`;
  const half = height / 3;
  return html`<g class="v-${name.replace(" ", "-")}"><path class="dots" d="${path.join("")}"/><path class="bar" d="${bar}"/>
    <path class="mark" d="M${x(found.log)} ${middle - half}V${middle + half}"/></g>`;
}

function backdrop(height) {
  const edge = Math.log1p(Number(state.margin) / 100);
  const ends = [...SCALES[state.scale], Number(state.scale)].flatMap((one) => [one, 1 / one]);
  return html`<rect class="band" x="${x(-edge)}" width="${x(edge) - x(-edge)}" height="${height}"/>
    ${ends.map((one) => html`<path class="grid" d="M${x(Math.log(one))} 0V${height}"/>`)}
    <path class="one" d="M${WIDE / 2} 0V${height}"/>`;
}

function axis() {
  const ends = [...SCALES[state.scale], Number(state.scale)].flatMap((one) => [one, 1 / one]);
  return html`<svg viewBox="0 0 ${WIDE} 16" aria-hidden="true">${[1, ...ends].map((one) =>
    html`<text x="${x(Math.log(one))}" y="12" text-anchor="middle">${String(Number(three(one)))}</text>`)}</svg>`;
}

function plot(row) {
  let top = 2;
  const lanes = row.found.flatMap((one, number) => {
    if (!one?.ratio) return [];
    const made = [lane(one.ratio, one.verdict, top, 24), one.control ? lane(one.control, "control", top + 24, 12) : "",
      RUNS.length > 1 ? html`<text x="-4" y="${top + 16}" text-anchor="end">${number + 1}</text>` : ""];
    top += 42;
    return made;
  });
  if (!lanes.length) return "";
  const words = row.found.map((one, number) => (one?.ratio ? `${runName(number)}${interval(one.ratio)}, ${counted(one.ratio)};`
    + ` A/A control ${one.control ? interval(one.control) : "not measured"}` : "")).join(" ");
  return html`<svg viewBox="0 0 ${WIDE} ${top - 4}" role="img" aria-label="${words}">${backdrop(top - 4)}${lanes}</svg>`;
}

const runName = (number) => (RUNS.length > 1 ? `run ${number + 1}: ` : "");
const runMark = (number) => (RUNS.length > 1 ? html`<span class="run" title="${RUNS[number].label}">${number + 1}</span>` : "");
const unit = () => (["cpu", "throughput"].includes(state.q) ? "slice" : "round");
const counted = (ratio) => `${plural(ratio.dots.flat().length, unit())} in ${plural(ratio.dots.length, "round")}`;

function notes(row) {
  const words = new Set();
  for (const one of row.found.filter(Boolean)) {
    if (one.problem) words.add(one.problem);
    if (one.full) words.add("both cores are full: this is CPU time, said the other way round");
    else if (one.crowded) words.add("the core of database and generator was full: it, too, limits requests a second");
  }
  return [...words].map((one) => html`<span class="note">${one}</span>`);
}

function ratioRow(row) {
  const each = (shown) => row.found.map((one, number) =>
    html`<span class="line">${runMark(number)}${one ? shown(one) : "-"}</span>`);
  const verdict = (one) => html`<span class="verdict ${one.verdict.replace(" ", "-")}">${one.verdict || "-"}</span>`;
  const values = (one) => (one.problem ? "" : html`${amounts(one.mine)} <span class="theirs">(${amounts(one.theirs)})</span>`);
  const plotted = plot(row);
  return html`<tr role="row">
    <th scope="row" role="rowheader" class="where"><b>${row.contender}</b> <span>${placeWords(row.place)}</span></th>
    <td role="cell" class="decision">${each(verdict)}</td>
    <td role="cell" class="ratio">${each((one) => (one.ratio ? html`<b>${interval(one.ratio)}</b>` : ""))}</td>
    <td role="cell" class="values">${each(values)}</td>
    <td role="cell" class="plot">${plotted}${notes(row)}</td></tr>`;
}

function showCompare() {
  const { shown, hidden } = compared();
  const base = RUNS.map((run) => run.contenders[state.base]).find(Boolean);
  const who = RUNS.map((run) => run.contenders[state.who]).find(Boolean);
  about(html`<b>${state.who || "Everybody"}</b>${who ? ` (${who})` : ""} over <b>${state.base}</b> (${base}).
    ${lowerIsBetter(state.q) ? "Less is better." : "More is better."}`);
  const tally = ["fails", "worse", "slightly worse", "same", "slightly better", "better", "undecided"].map((word) =>
    [shown.filter((row) => row.found.find(Boolean).verdict === word).length, word]).filter(([count]) => count);
  const words = tally.map(([count, word]) => `${count} ${count > 1 && word === "fails" ? "fail" : word}`).join(", ");
  say(`${plural(shown.length, "row")}${words && ": "}${words}${hidden ? `; ${hidden} hidden` : ""}`);
  if (!shown.length) {
    return html`<p class="none">Nothing to show: requests a second are judged in closed loops alone, latency in open ones,
      and not every contender takes part everywhere${hidden ? `; ${plural(hidden, "row")} hidden` : ""}.</p>`;
  }
  return html`<table class="ratios" role="table" aria-label="Ratios"><thead role="rowgroup"><tr role="row">
    <th role="columnheader" scope="col">Contender, where</th><th role="columnheader" scope="col">Verdict</th>
    <th role="columnheader" scope="col">Ratio [95 %]</th>
    <th role="columnheader" scope="col">Median of rounds [range]<br>(baseline's)</th>
    <th role="columnheader" scope="col" class="plot" aria-label="${unit()}s and interval">${axis()}</th></tr></thead>
    <tbody role="rowgroup">${shown.map(ratioRow)}</tbody></table>`;
}

const stroke = (line, path) =>
  html`<path class="curve" stroke="${line.color}" stroke-dasharray="${line.dash}" d="${path}"/>`;

function showLatency() {
  const places = RUNS.map((run) => run.places.find((one) => keyOf(one) === state.cell));
  const measured = places.flatMap((place) => place?.measured ?? []).filter((one) => one.curve.length);
  const names = distinct(measured.map((one) => one.contender));
  const off = hiddenLines();
  const lines = names.flatMap((name, number) => places.map((place, run) => ({
    name,
    run,
    color: PALETTE[number % PALETTE.length],
    dash: run ? "8 4" : number < PALETTE.length ? "" : "2 3",
    curve: place?.by.get(name)?.curve ?? [],
  }))).filter((line) => line.curve.length);
  about(`${places.some((place) => place?.percent != null) ? "Timed from when each request was due"
    : "A closed loop: who answers late is asked later, so compare tails in open loops"}; all rounds together.`);
  say(`${plural(names.filter((name) => !off.has(name)).length, "contender")} drawn`);
  if (!names.length) return html`<p class="none">Too few requests were answered for a curve.</p>`;
  const length = Math.max(...lines.map((line) => line.curve.length));
  const columns = [50, 90, 99, 99.9].map((one) => [one, DATA.percents.indexOf(one)]).filter(([, place]) => place < length);
  const row = (line) => html`<tr>
    <td><label>
      <input type="checkbox" data-line="${line.name}" id="line-${line.run}-${line.name}" ${off.has(line.name) ? "" : "checked"}>
      <svg width="26" height="6" aria-hidden="true">${stroke(line, "M0 3H26")}</svg>
      <span>${line.name}${RUNS.length > 1 ? `, run ${line.run + 1}` : ""}</span></label></td>
    ${columns.map(([, place]) => html`<td>${place in line.curve ? seconds(line.curve[place]) : "-"}</td>`)}</tr>`;
  return html`<div class="chart">${chart(lines.filter((line) => !off.has(line.name)), length)}</div>
    <table class="numbers"><thead><tr><th scope="col">Contender</th>
    ${columns.map(([percent]) => html`<th scope="col">p${percent}</th>`)}</tr></thead><tbody>${lines.map(row)}</tbody></table>`;
}

function chart(lines, length) {
  const [width, height, left, right, bottom] = [document.querySelector("main").clientWidth - 32, 340, 56, 12, 34];
  const depth = (percent) => -Math.log10(1 - percent / 100);
  const deepest = Math.max(depth(DATA.percents[length - 1]), 0.5);
  const across = (percent) => left + (width - left - right) * (depth(percent) / deepest);
  const values = lines.flatMap((line) => line.curve).filter((one) => one > 0);
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0.001, 0.01];
  const logarithmic = state.axis === "log";
  const [from, to] = logarithmic ? [Math.log10(least) - 0.05, Math.log10(most) + 0.05] : [0, most * 1.05];
  const down = (value) => 8 + (height - bottom - 8) * (1 - ((logarithmic ? Math.log10(value) : value) - from) / (to - from));
  const step = 10 ** Math.floor(Math.log10(to));
  const even = [1, 2, 5, 10, 20].map((one) => (one * step) / 10).find((one) => to / one <= 7);
  const decades = [-6, -5, -4, -3, -2, -1, 0, 1].flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power));
  const ticks = logarithmic ? decades.filter((one) => Math.log10(one) >= from && Math.log10(one) <= to)
    : Array.from({ length: 8 }, (_, place) => place * even).filter((one) => one <= to);
  const shown = (value) => (value ? seconds(value).replace(/\.0+ /, " ").replace(/(\.\d)0 /, "$1 ") : "0");
  const point = (value, place) => `${across(DATA.percents[place]).toFixed(1)} ${down(value).toFixed(1)}`;
  const words = "Latency by percentile; the numbers are in the table below";
  return html`<svg width="${width}" height="${height}" role="img" aria-label="${words}">
    ${ticks.map((one) => html`<path class="grid" d="M${left} ${down(one)}H${width - right}"/>
      <text x="${left - 6}" y="${down(one) + 4}" text-anchor="end">${shown(one)}</text>`)}
    ${SHARES.filter((one) => depth(one) <= deepest).map((one) => html`
      <path class="grid" d="M${across(one)} 8V${height - bottom}"/>
      <text x="${across(one)}" y="${height - bottom + 16}" text-anchor="middle">${one}</text>`)}
    <text x="${(left + width - right) / 2}" y="${height - 3}" text-anchor="middle">percentile of requests</text>
    ${lines.map((line) => stroke(line, `M${line.curve.map(point).join("L")}`))}</svg>`;
}

function showHazards() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const found = DATA.hazards.filter((one) => {
    const sides = Object.values(one.sides).flatMap((side) => [side.outcome, ...side.errors]);
    const text = [one.name, ...Object.values(one.texts), ...sides].join("\n").toLowerCase();
    return words.every((word) => (/^h\d+$/.test(word) ? one.name.toLowerCase() === word : text.includes(word)))
      && (!state.broken || one.sides[state.broken]?.broken);
  });
  about("What goes wrong with async routes as they are documented, each seen in a process of its own, and what to do instead.");
  say(`${found.length} of ${plural(DATA.hazards.length, "hazard")}`);
  return html`${found.map((one) => hazard(one, found.length < 4))}`;
}

function hazard({ name, by_hand: byHand, texts, sides }, opened) {
  const seen = Object.entries(sides).map(([model, side]) => {
    const verdict = side.broken ? "broken" : byHand && model !== "documented" ? "works by other code" : "works";
    const errors = side.broken ? side.errors.slice(0, 2).map((error) => html`<br><code>${error}</code>`) : "";
    return {
      mark: html`<span class="${side.broken ? "bad" : ""}">${model}: ${verdict}</span>`,
      outcome: html`<dt>${model}</dt><dd>${verdict}: ${side.outcome}${errors}</dd>`,
    };
  });
  const said = Object.entries(TEXTS).filter(([key]) => texts[key]);
  return html`<details class="hazard" ${opened ? "open" : ""}>
    <summary><b>${name}</b> <span>${prose(texts.title)}</span><span class="marks">${seen.map((one) => one.mark)}</span></summary>
    <dl>${said.map(([key, label]) => html`<dt>${label}</dt><dd>${prose(texts[key])}</dd>`)}${seen.map((one) => one.outcome)}
    <dt>Since</dt><dd>${texts.upstream}</dd></dl></details>`;
}

// ---------------------------------------------------------------- state

const named = (names) => Object.fromEntries(names.map((name) => [name, name]));
const PLACES = new Map(RUNS.flatMap((run) => run.places).map((place) => [keyOf(place), place]));
const everywhere = [...PLACES.values()];
const CONTENDERS = distinct(RUNS.flatMap((run) => Object.keys(run.contenders).filter((name) => name !== run.control)));
const judged = new Set(everywhere.flatMap((place) => place.quantities));
const loadOrder = (one, other) => (one.percent ?? 0) - (other.percent ?? 0) || one.connections - other.connections;
const options = (places, value, words) => Object.fromEntries(places.map((place) => [value(place), words(place)]));
const OPTIONS = {
  view: VIEWS,
  who: { "": "everybody", ...named(CONTENDERS) },
  base: named(CONTENDERS),
  q: Object.fromEntries(Object.entries(QUANTITIES).filter(([name]) => judged.has(name))),
  db: { "": "all", ...options(everywhere, (place) => place.database, databaseWords) },
  scenario: { "": "all", ...options(everywhere, (place) => place.scenario, (place) => `${place.scenario}: ${place.title}`) },
  load: { "": "all", ...options([...everywhere].sort(loadOrder), (place) => place.load, loadWords) },
  sort: SORTS,
  scale: Object.fromEntries(Object.keys(SCALES).sort((one, other) => one - other).map((end) => [end, `1/${end} to ${end}`])),
  cell: options(everywhere, keyOf, placeWords),
  axis: { log: "logarithmic", linear: "from 0" },
  broken: MODELS,
};
const DEFAULTS = {
  view: "compare", who: "", base: RUNS[0].baseline, q: "cpu", db: "", scenario: "", load: "", sort: "measured", scale: "2",
  margin: String(100 * DATA.margin), undecided: "1", both: "0",
  cell: keyOf(everywhere.findLast((place) => place.percent !== null) ?? everywhere[0] ?? {}), axis: "log", off: "",
  find: "", broken: "",
};
let state = { ...DEFAULTS };

/** What the fragment says; what it does not say, or what this file does not have, is as at first. */
function read() {
  const said = new URLSearchParams(location.hash.slice(1));
  state = Object.fromEntries(Object.entries(DEFAULTS).map(([key, standard]) => {
    const value = said.get(key) ?? standard;
    const margin = key !== "margin" || (Number(value) >= 0.1 && Number(value) <= 100);
    return [key, margin && (!OPTIONS[key] || Object.hasOwn(OPTIONS[key], value)) ? value : standard];
  }));
}

function fragment(other) {
  const all = { ...state, ...other };
  return `#${new URLSearchParams(Object.entries(all).filter(([key, value]) => value !== DEFAULTS[key]))}`;
}

function change(other) {
  history.replaceState(null, "", fragment(other));
  read();
  show();
}

const hiddenLines = () => new Set(state.off.split(",").filter(Boolean));
const at = (id) => document.getElementById(id);
const fill = (id, markup) => { at(id).innerHTML = markup; };
const about = (markup) => fill("about", html`${markup}`);
const say = (words) => { if (at("count").textContent !== words) at("count").textContent = words; };
const controls = () => document.querySelectorAll("form [name]");

function show() {
  const focused = document.activeElement?.id;
  const current = new Markup('aria-current="page"');
  fill("views", html`${Object.entries(VIEWS).map(([name, title]) =>
    html`<a id="to-${name}" href="${fragment({ view: name })}" ${state.view === name ? current : ""}>${title}</a>`)}`);
  for (const form of document.forms) form.hidden = form.id !== state.view;
  for (const one of controls()) {
    if (one.type === "checkbox") one.checked = state[one.name] === "1";
    else if (one.value !== state[one.name]) one.value = state[one.name];
  }
  at("reading").hidden = at("controls").hidden = state.view !== "compare";
  fill("results", { compare: showCompare, latency: showLatency, hazards: showHazards }[state.view]());
  if (focused && document.activeElement?.id !== focused) at(focused)?.focus();
}

at("in-both").hidden = RUNS.length < 2;
fill("runs", html`${RUNS.map((run, number) => html`<li>${runMark(number)}<b>${run.label}</b>: ${run.facts.join(", ")}</li>`)}`);
for (const one of controls()) {
  const choices = Object.entries(OPTIONS[one.name] ?? {});
  if (choices.length) one.innerHTML = html`${choices.map(([value, words]) => html`<option value="${value}">${words}</option>`)}`;
  one.addEventListener("input", () => {
    if (one.type === "checkbox") change({ [one.name]: one.checked ? "1" : "0" });
    else if (one.validity.valid && (one.value || one.type !== "number")) change({ [one.name]: one.value });
  });
}
document.addEventListener("submit", (event) => event.preventDefault());
document.querySelectorAll(".reset").forEach((one) => one.addEventListener("click", () => {
  history.replaceState(null, "", fragment({ ...DEFAULTS, view: state.view }));
  read();
  show();
}));
at("swap").addEventListener("click", () => change({ base: state.who || state.base, who: state.who ? state.base : "" }));
at("skip").addEventListener("click", (event) => { event.preventDefault(); at("results").focus(); });
at("results").addEventListener("change", ({ target }) => {
  if (!target.dataset.line) return;
  const off = hiddenLines();
  if (target.checked) off.delete(target.dataset.line); else off.add(target.dataset.line);
  change({ off: [...off].join(",") });
});
window.addEventListener("hashchange", () => { read(); show(); });
const narrow = window.matchMedia("(max-width: 560px)"); // where the controls fill the screen, the results come first
const fold = () => { at("controls").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
window.addEventListener("resize", () => { if (state.view === "latency") show(); });
read();
show();
