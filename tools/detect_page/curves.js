"use strict";
// The measurement, and curves of it: the share that is not found yet, as steps, over executions on a scale of powers of ten.

const data = JSON.parse(document.getElementById("data").textContent);
const engines = data.engines.concat(data.against ? [data.against] : []);
const dashes = ["", "7 4", "2 3", "10 3 2 3", "4 2", "1 4"];
const colourOf = (engine) => `var(--e${engines.indexOf(engine) % 6})`;
const dashOf = (engine) => dashes[engines.indexOf(engine) % dashes.length];

// One entry a fault, with the outcome of each engine by its name.
const faults = [];
for (const row of data.faults) {
  let fault = faults.find((one) => one.name === row.fault && one.target === row.target);
  if (!fault) {
    fault = { name: row.fault, target: row.target, origin: row.origin, needs: row.needs, check: row.expected_check, by: {} };
    faults.push(fault);
  }
  fault.by[row.engine] = row;
  if (row.against && !fault.by[row.against.engine]) { // beside the first engine
    fault.by[row.against.engine] = row.against;
  }
}

function words(number) {
  return number >= 1e6 ? (number / 1e6).toPrecision(3) + " M" : number >= 1e4 ? Math.round(number / 1e3) + " k"
    : String(Math.round(number));
}

function node(name, attributes, ...children) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

// The mean of several curves; a curve is a list of {executions, share_not_found}, 1 in front of its first point.
function meanCurve(curves) {
  const falls = curves.flatMap((curve) => curve.map((point, i) => ({
    at: point.executions, by: (i > 0 ? curve[i - 1].share_not_found : 1) - point.share_not_found })));
  falls.sort((a, b) => a.at - b.at);
  let share = 1;
  return falls.map((fall) => {
    share -= fall.by / curves.length;
    return { executions: fall.at, share_not_found: Math.max(share, 0) };
  });
}

// lines: [{engine, curve}]. A small picture has neither axes nor words.
function draw(lines, width, height, small) {
  const left = small ? 2 : 46, right = small ? 2 : 12, top = small ? 3 : 8, bottom = small ? 3 : 34;
  const decades = Math.max(1, Math.log10(data.max_runs));
  const x = (executions) => left + Math.log10(Math.max(executions, 1)) / decades * (width - left - right);
  const y = (share) => top + (1 - share) * (height - top - bottom);
  const says = lines.map(({ engine, curve }) => `${engine}: ${curve.length ? Math.round(curve.at(-1).share_not_found * 100) : 100} % not found at the end`);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": says.join("; ") });
  if (small) {
    svg.classList.add("small");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.append(shape("line", { x1: left, x2: width - right, y1: y(0), y2: y(0), class: "axis" }));
  } else {
    for (let share = 0; share <= 1; share += 0.25) {
      svg.append(shape("line", { x1: left, x2: width - right, y1: y(share), y2: y(share), class: share ? "grid" : "axis" }));
      svg.append(shape("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`));
    }
    for (let power = 0; power <= decades; power++) {
      const at = 10 ** power;
      svg.append(shape("line", { x1: x(at), x2: x(at), y1: top, y2: y(0), class: "grid" }));
      svg.append(shape("text", { x: x(at), y: y(0) + 15, "text-anchor": "middle" }, words(at)));
    }
    svg.append(shape("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "executions"));
  }
  for (const { engine, curve } of lines) {
    let path = `M${x(1)} ${y(1)}`;
    for (const point of curve) {
      path += `H${x(point.executions).toFixed(1)}V${y(point.share_not_found).toFixed(1)}`;
    }
    const rest = curve.length ? curve.at(-1).share_not_found : 1;
    path += rest > 1e-9 ? `H${x(data.max_runs)}` : "";
    svg.append(shape("path", { d: path, class: "curve", stroke: colourOf(engine), "stroke-dasharray": small ? "" : dashOf(engine) }));
    if (rest > 1e-9 && !small) { // given up there
      svg.append(shape("line", { x1: x(data.max_runs), x2: x(data.max_runs), y1: y(rest) - 5, y2: y(rest) + 5, class: "cut", stroke: colourOf(engine) }));
    }
  }
  return svg;
}

function linesOf(fault) {
  return engines.filter((engine) => fault.by[engine]).map((engine) => ({ engine, curve: fault.by[engine].survival }));
}

// Wide where there is room: words in a picture keep their size.
function drawWide(place, lines) {
  const width = Math.max(300, Math.min(place.clientWidth || 900, 1100));
  place.replaceChildren(draw(lines, width, width < 500 ? 210 : 280, false));
}

function key(engine) {
  const line = shape("svg", { viewBox: "0 0 30 8", width: 30, height: 8, "aria-hidden": "true", style: "width:30px" });
  line.append(shape("line", { x1: 0, x2: 30, y1: 4, y2: 4, stroke: colourOf(engine), "stroke-width": 2.5, "stroke-dasharray": dashOf(engine) }));
  return node("span", { class: "key" }, line, engine);
}
