"use strict";
/* The page of a run. What is drawn follows from the tape and from three numbers: the step, the width of a step, and the
 * first step in view. Work per frame is bound by what is in view, whatever the length of the tape. Its scripts follow each
 * other in page.html and share their names: this one makes the tape ready and says where we are, words.js writes what
 * stands beside the pictures, pictures.js holds what map.js and lanes.js draw with, acts.js answers to people. */
const tape = JSON.parse(document.getElementById("tape").textContent);
const steps = tape.steps;
const $ = (id) => document.getElementById(id);
const threads = ["t0", "t1", "t2", "t3"];
const hex = (n) => "0x" + n.toString(16);
const plural = (n, what) => n + " " + what + (n === 1 ? "" : "s");
const finding = tape.finding_step === undefined ? -1 : tape.finding_step;
const isNotable = (s) => s.kind === "switch" || s.kind === "stale" || s.kind === "failed" || s.kind === "finding";

/* Of another malloc than hakmem nobody sees the inside: there is no state, and no place for it. */
const isForeign = tape.foreign === true;
if (isForeign) {
  document.querySelector("aside").remove();
  document.querySelector(".columns").style.gridTemplateColumns = "minmax(0, 1fr)";
}
/* A step leaves out what is as it was after the one before. */
const parts = isForeign ? [] : ["slab", "cache", "heaps", "shared"];
steps.forEach((s, i) => parts.forEach((key) => { if (!(key in s)) s[key] = steps[i - 1][key]; }));

/* Blocks with their lives: [born, died), in steps. Those of the last steps are freed by the end of the run. */
const blocks = [];
(() => {
  const live = new Map();
  steps.forEach((s, i) => (s.changes || []).forEach((c) => {
    const key = c.slot + ":" + c.offset;
    const known = live.get(key);
    if (c.kind === "allocated") {
      const block = { slot: c.slot, offset: c.offset, bytes: Number(c.bytes), place: c.place, born: i, by: s.thread, died: Infinity };
      blocks.push(block);
      live.set(key, block);
    } else if (c.kind === "freed" && known) {
      Object.assign(known, { died: i, freedBy: s.thread, remote: !!c.remote, owner: c.owner });
      live.delete(key);
    } else if (known) {
      known.bytes = Math.max(known.bytes, Number(c.bytes));
    }
  }));
})();

/* Rows of the map: the address space as blocks cut it, without what no block ever took. A row is as high as any other,
 * but for a little more where it is large. Groups are slabs, and mappings of their own. */
const rows = [];
const bands = [];
(() => {
  const edges = new Map();
  const put = (at, place) => { if (!edges.has(at)) edges.set(at, place); };
  const extent = (p, offset, bytes) => p.block_bytes > 0 ? [p.start, p.start + p.block_bytes] : [offset, offset + Math.max(bytes, 1)];
  const spans = blocks.map((b) => extent(b.place, b.offset, b.bytes));
  const at = finding < 0 ? undefined : steps[finding].offset;
  const faulty = finding < 0 ? undefined : isForeign ? steps[finding].place : steps[finding].slab;
  if (at !== undefined) spans.push(extent(faulty, at, 1));
  spans.forEach(([from, to], i) => { put(from, i < blocks.length ? blocks[i].place : faulty); put(to, null); });
  const sorted = [...edges.keys()].sort((a, b) => a - b);
  const covered = new Map();
  spans.forEach(([from, to]) => covered.set(from, Math.max(covered.get(from) || 0, to)));
  let reach = 0;
  sorted.forEach((from, i) => {
    reach = Math.max(reach, covered.get(from) || 0);
    const to = sorted[i + 1];
    if (to === undefined || reach <= from) return;
    const last = rows[rows.length - 1];
    const place = edges.get(from) || (last && last.place) || { kind: "none", slab_start: from, block_bytes: 0 };
    const height = 1 + 0.12 * Math.max(0, Math.log2((to - from) / 64));
    if (!last || last.to !== from || last.place.slab_start !== place.slab_start) bands.push({ place, first: rows.length });
    rows.push({ from, to, height, place });
  });
  bands.forEach((band, i) => { band.last = (i + 1 < bands.length ? bands[i + 1].first : rows.length) - 1; });
  const index = new Map(rows.map((row, i) => [row.from, i]));
  blocks.forEach((b, i) => {
    b.row = index.get(spans[i][0]);
    b.rowEnd = b.row;
    while (b.rowEnd + 1 < rows.length && rows[b.rowEnd + 1].from < spans[i][1]) b.rowEnd++;
  });
})();
/* Rows get their places, from 0 to what is returned; all, or those where something lives in view. */
function stack(isShown) {
  let y = 0;
  bands.forEach((band) => {
    let any = false;
    for (let i = band.first; i <= band.last; i++) {
      rows[i].isShown = isShown(i);
      if (rows[i].isShown && !any) {
        y += y === 0 ? 0.2 : 0.7;
        band.top = y;
        any = true;
      }
      rows[i].y = y;
      y += rows[i].isShown ? rows[i].height : 0;
    }
    band.isShown = any;
    band.bottom = y;
  });
  return y + 0.2;
}
const faultRow = finding < 0 || steps[finding].offset === undefined ? -1
  : rows.findIndex((r) => r.from <= steps[finding].offset && steps[finding].offset < r.to);

/* Where an operation that is stopped waits: [from, to] of steps, per thread. */
const pauses = [];
(() => {
  const open = {};
  steps.forEach((s, i) => {
    if (open[s.thread] !== undefined && i > open[s.thread] + 1) pauses.push({ thread: s.thread, from: open[s.thread] + 1, to: i - 1 });
    open[s.thread] = s.ends ? undefined : i;
  });
  Object.keys(open).forEach((t) => {
    if (open[t] !== undefined && open[t] < steps.length - 1) pauses.push({ thread: +t, from: open[t] + 1, to: steps.length - 1 });
  });
})();

/* Arrows between lanes. A remote free ends where its owner goes on next, if it does. */
const arrows = [];
(() => {
  const waiting = threads.map(() => []);
  steps.forEach((s, i) => {
    waiting[s.thread].forEach((from) => arrows.push({ kind: "remote", from, to: i, a: steps[from].thread, b: s.thread }));
    waiting[s.thread] = [];
    (s.changes || []).forEach((c) => {
      if (!c.remote || c.owner === undefined || c.owner === s.thread) return;
      const list = waiting[c.owner];
      if (list[list.length - 1] !== i) list.push(i);
    });
    if (s.kind === "switch" && i + 1 < steps.length) arrows.push({ kind: "switch", from: i, to: i + 1, a: s.thread, b: steps[i + 1].thread });
    if (s.kind === "failed" && s.other !== undefined) arrows.push({ kind: "failed", from: s.other_step, to: i, a: s.other, b: s.thread });
  });
  waiting.forEach((list, owner) => list.forEach((from) => arrows.push({ kind: "remote", from, to: -1, a: steps[from].thread, b: owner })));
})();

const lanes = threads.map((_, t) => t).filter((t) => steps.some((s) => s.thread === t) || arrows.some((a) => a.b === t));
const operationOf = (s) => s.record < tape.records.length ? tape.records[s.record].operation
  : s.thread !== 0 ? "ends" : s.changes ? "all is freed" : "final checks";

/* --- where we are --- */

let step = 0, pitch = 0, firstInView = 0, colours = null;
const drawn = { blocks: 0, bars: 0, arrows: 0 };
const pitchMin = 3, pitchMax = 170;

function go(to, quiet) {
  step = Math.max(0, Math.min(steps.length - 1, to));
  if (!quiet) history.replaceState(null, "", "#step=" + step);
  render();
}
function search(from, by) {
  for (let i = from + by; i >= 0 && i < steps.length; i += by) if (isNotable(steps[i])) return i;
  return step;
}
