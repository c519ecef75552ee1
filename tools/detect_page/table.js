"use strict";
// What stands around the curves: the engines in numbers, the table of faults, and the fault that is looked at.

const $ = (id) => document.getElementById(id);
const without = [...new Set(data.faults.map((row) => row.without).filter(Boolean))];
const state = { sort: "fault", down: false, chosen: faults[0], filter: "" };

function medianWords(outcome) {
  return (outcome.executions_median_is_lower_bound ? ">" : "") + words(outcome.executions_median);
}

// How many times the executions of the first engine the other needs; a bound where one of them did not find it.
function ratioOf(fault) {
  const one = fault.by[engines[0]], other = fault.by[engines.at(-1)];
  return { value: other.executions_median / one.executions_median,
           sign: one.executions_median_is_lower_bound ? (other.executions_median_is_lower_bound ? "?" : "<")
             : other.executions_median_is_lower_bound ? ">" : "" };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length === 0 ? 0 : sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function engineCard(engine) {
  const outcomes = faults.map((fault) => fault.by[engine]).filter(Boolean);
  const always = outcomes.filter((one) => one.found === one.trials).length;
  const mostly = outcomes.filter((one) => !one.executions_median_is_lower_bound);
  const quick = mostly.filter((one) => one.core_seconds_median <= 600).length;
  const card = node("div", { class: "card", style: `--colour: ${colourOf(engine)}` },
    node("b", {}, engine), engine === data.against ? " (to compare with)" : "",
    node("strong", {}, `${always} of ${outcomes.length}`), "faults found in every trial; ",
    `${quick} within ten core-minutes in the median. Median over the faults it finds: ${words(median(mostly.map((one) => one.executions_median)))} executions.`);
  return card;
}

function ratioCard() {
  const both = faults.filter((fault) => ratioOf(fault).sign === "");
  const missed = faults.filter((fault) => fault.by[data.against].executions_median_is_lower_bound);
  return node("div", { class: "card", style: "--colour: var(--quiet)" }, node("b", {}, `${data.against} against ${engines[0]}`),
    node("strong", {}, `${median(both.map((fault) => ratioOf(fault).value)).toPrecision(3)} times`),
    `the executions, in the median over the ${both.length} faults that both find. Not found by ${data.against} in half of its trials: ${missed.length}.`);
}

const columns = [
  { id: "fault", title: "Fault", key: (fault) => fault.name,
    cell: (fault) => { const button = node("button", { type: "button" }, fault.name); button.onclick = () => choose(fault, true); return button; } },
  { id: "curves", title: "Curves", cell: (fault) => draw(linesOf(fault), 120, 30, true) },
  ...engines.map((engine) => ({
    id: engine, title: engine, number: true, key: (fault) => (fault.by[engine].executions_median_is_lower_bound ? 1e15 : 0) + fault.by[engine].executions_median,
    cell: (fault) => { const outcome = fault.by[engine]; return node("span", { class: outcome.executions_median_is_lower_bound ? "missed" : "", title: `${outcome.found} of ${outcome.trials} trials` }, medianWords(outcome)); } })),
  ...(data.against ? [{ id: "times", title: "Times", number: true, key: (fault) => ratioOf(fault).value,
    cell: (fault) => ratioOf(fault).sign + (ratioOf(fault).value < 10 ? ratioOf(fault).value.toFixed(1) : Math.round(ratioOf(fault).value)) }] : []),
  { id: "target", title: "Target", key: (fault) => fault.target, cell: (fault) => fault.target },
  { id: "check", title: "Expected check", key: (fault) => fault.check, cell: (fault) => node("code", {}, fault.check) },
];

function sortedFaults() {
  const column = columns.find((one) => one.id === state.sort);
  const shown = faults.filter((fault) => `${fault.name} ${fault.origin} ${fault.check} ${fault.target}`.toLowerCase().includes(state.filter));
  shown.sort((a, b) => { const left = column.key(a), right = column.key(b); return left < right ? -1 : left > right ? 1 : 0; });
  return state.down ? shown.reverse() : shown;
}

function heading(column) {
  const cell = node("th", { scope: "col", class: column.number ? "number" : "" });
  if (!column.key) {
    cell.append(column.title);
    return cell;
  }
  const button = node("button", { type: "button" }, column.title);
  button.onclick = () => {
    state.down = state.sort === column.id && !state.down;
    state.sort = column.id;
    showTable();
    $("faults").querySelector("th[aria-sort] button").focus();
  };
  if (state.sort === column.id) {
    cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  }
  cell.append(button);
  return cell;
}

function showTable() {
  const body = node("tbody", {});
  for (const fault of sortedFaults()) {
    const row = node("tr", fault === state.chosen ? { "aria-current": "true" } : {});
    row.append(...columns.map((column) => node("td", { class: column.number ? "number" : "" }, column.cell(fault))));
    body.append(row);
  }
  $("faults").replaceChildren(node("table", {}, node("thead", {}, node("tr", {}, ...columns.map(heading))), body));
}

function engineRow(fault, engine) {
  const outcome = fault.by[engine];
  const seen = outcome.checks_seen.map((one) => `${one.outcome} ${one.count}`).join(", ") || "not found";
  const cells = [key(engine), `${outcome.found}/${outcome.trials}`, medianWords(outcome), words(outcome.executions_least),
    words(outcome.executions_most), words(outcome.executions_mean_restricted), outcome.core_seconds_median.toFixed(1),
    engine === data.against ? outcome.a12.toFixed(2) : "", engine === data.against ? outcome.p.toPrecision(2) : "", seen];
  return node("tr", {}, ...cells.map((cell, i) => node("td", { class: i > 0 && i < 9 ? "number" : "" }, cell)));
}

function choose(fault, scrolls) {
  state.chosen = fault;
  $("one-title").textContent = fault.name;
  $("one-words").replaceChildren(`${fault.origin}. Needs: ${fault.needs}. Looked for in `, node("code", {}, fault.target), ", to be seen by ", node("code", {}, fault.check), ".");
  drawWide($("one-curve"), linesOf(fault));
  const titles = ["Engine", "Found", "Median", "Least", "Most", "Mean", "Core s", ...(data.against ? ["A12", "p"] : ["", ""]), "Seen by"];
  $("one-engines").replaceChildren(node("table", {}, node("thead", {}, node("tr", {}, ...titles.map((title, i) => node("th", { scope: "col", class: i > 0 && i < 9 ? "number" : "" }, title)))),
    node("tbody", {}, ...engines.filter((engine) => fault.by[engine]).map((engine) => engineRow(fault, engine)))));
  showTable();
  if (scrolls) {
    $("one").scrollIntoView({ block: "start" });
    $("one").focus({ preventScroll: true });
  }
}

function showAll() {
  drawWide($("all"), engines.map((engine) => ({ engine, curve: meanCurve(faults.map((fault) => fault.by[engine].survival)) })));
  choose(state.chosen, false);
}

$("meta").textContent = `${faults.length} faults, each put back alone and looked for from an empty corpus in ${data.trials} trials with the seeds from 1 on, at most ${data.max_runs.toLocaleString("en")} executions each.`
  + (without.length ? ` Guides that were taken away: ${without.join("; ")}.` : "");
$("legend").append(...engines.map(key));
$("engines").append(...engines.map(engineCard), ...(data.against ? [ratioCard()] : []));
$("filter").oninput = (event) => { state.filter = event.target.value.toLowerCase(); showTable(); };
let width = 0;
new ResizeObserver(() => {
  if ($("all").clientWidth !== width) {
    width = $("all").clientWidth;
    showAll();
  }
}).observe($("all"));
