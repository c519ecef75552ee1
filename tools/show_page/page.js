"use strict";
/* The page of a run. What is drawn follows from the tape and from three numbers: the step, the width of a step, and the
 * first step in view. Work per frame is bound by what is in view, whatever the length of the tape. */
(() => {
const tape = JSON.parse(document.getElementById("tape").textContent);
const steps = tape.steps;
const $ = (id) => document.getElementById(id);
const threads = ["t0", "t1", "t2", "t3"];
const hex = (n) => "0x" + n.toString(16);
const plural = (n, what) => n + " " + what + (n === 1 ? "" : "s");
const finding = tape.finding_step === undefined ? -1 : tape.finding_step;
const isNotable = (s) => s.kind === "switch" || s.kind === "stale" || s.kind === "failed" || s.kind === "finding";

/* --- the tape, made ready --- */

/* A step leaves out what is as it was after the one before. */
const parts = ["slab", "cache", "heaps", "shared"];
steps.forEach((s, i) => parts.forEach((key) => { if (!(key in s)) s[key] = steps[i - 1][key]; }));

/* Blocks with their lives: [born, died), in steps. Those of the last steps are freed by the end of the run. */
const blocks = [];
(() => {
  const live = new Map();
  steps.forEach((s, i) => (s.changes || []).forEach((c) => {
    const key = c.slot + ":" + c.offset;
    const known = live.get(key);
    if (c.what === "allocated") {
      const block = { slot: c.slot, offset: c.offset, bytes: Number(c.bytes), place: c.place, born: i, by: s.thread, died: Infinity };
      blocks.push(block);
      live.set(key, block);
    } else if (c.what === "freed" && known) {
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
  if (at !== undefined) spans.push(extent(steps[finding].slab, at, 1));
  spans.forEach(([from, to], i) => { put(from, i < blocks.length ? blocks[i].place : steps[finding].slab); put(to, null); });
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

/* --- text beside the pictures --- */

const text = (tag, content, className) => {
  const e = document.createElement(tag);
  if (content !== undefined) e.textContent = content;
  if (className) e.className = className;
  return e;
};
const threadMark = (t) => text("span", threads[t], "thread t" + t);
const ownerOf = (id) => {
  const heap = (steps[step].heaps || []).find((h) => h.id === id);
  return heap && heap.thread !== undefined ? "heap " + id + " (" + threads[heap.thread] + ")" : "heap " + id;
};

/* A list of names and values; what is not as after the step before is marked. */
function list(into, pairs) {
  const dl = text("dl");
  pairs.forEach(([name, now, before]) => {
    const row = text("div");
    const dd = text("dd");
    const changed = before !== undefined && String(before) !== String(now);
    dd.append(changed ? text("span", now + " (was " + before + ")", "changed") : document.createTextNode(now));
    row.append(text("dt", name), dd);
    dl.append(row);
  });
  into.replaceChildren(dl);
}

const liveAt = (i) => blocks.filter((b) => b.born <= i && b.died > i);

function renderSlab(now, before) {
  const slab = now.slab, box = $("slab");
  if (!slab.capacity) {
    box.replaceChildren(text("p", slab.kind === "none" ? "This step is about no slab." :
      "No slab: " + slab.kind + " of " + slab.block_bytes + " B at " + hex(slab.start) + ".", "quiet"));
    return;
  }
  const old = before && before.slab.slab_start === slab.slab_start && before.slab.block_bytes === slab.block_bytes ? before.slab : {};
  const head = text("p", slab.kind + ", " + slab.block_bytes + " B a block, at " + hex(slab.slab_start) + ", " + ownerOf(slab.heap));
  list(box, [["used: live, cached or on the way", slab.used, old.used], ["carved so far", slab.carved, old.carved],
    ["in its free list", slab.free, old.free], ["capacity", slab.capacity, old.capacity]]);
  box.prepend(head);
  if (slab.capacity > 64) return;
  const cells = text("ul", undefined, "cells");
  const here = liveAt(step);
  const fault = step === finding ? now.offset : undefined;
  for (let i = 0; i < slab.capacity; i++) {
    const start = slab.slab_start + i * slab.block_bytes, end = start + slab.block_bytes;
    const block = here.find((b) => b.offset >= start && b.offset < end);
    const isFault = fault !== undefined && fault >= start && fault < end;
    const cell = text("li", block ? "s" + block.slot : i < slab.carved ? "not live" : "", block ? "live t" + block.by : i < slab.carved ? "free" : "never");
    if (isFault) cell.classList.add("fault");
    cell.title = hex(start) + (block ? ": slot s" + block.slot + ", " + plural(block.bytes, "byte") + ", allocated by " + threads[block.by] + " in step " + block.born
      : i < slab.carved ? ": carved, not live: free, cached or on its way back" : ": never carved") + (isFault ? "; the fault is here" : "");
    if (!block && i >= slab.carved) cell.setAttribute("aria-label", "never carved");
    cells.append(cell);
  }
  cells.setAttribute("aria-label", "Blocks of the slab by address");
  box.append(cells);
}

function renderState() {
  const now = steps[step], before = step > 0 ? steps[step - 1] : undefined;
  renderSlab(now, before);
  const cache = now.cache, box = $("cache");
  if (cache) {
    const old = before && before.cache && before.cache.heap === cache.heap && before.cache.block_bytes === cache.block_bytes ? before.cache : {};
    list(box, [["blocks of " + cache.block_bytes + " B in " + ownerOf(cache.heap), cache.count, old.count], ["may hold", cache.capacity, old.capacity]]);
    const bar = text("div", undefined, "bar"), fill = text("i");
    fill.style.width = cache.capacity ? Math.min(100, 100 * cache.count / cache.capacity) + "%" : "0";
    bar.setAttribute("aria-hidden", "true");
    bar.append(fill);
    box.append(bar);
  } else {
    box.replaceChildren(text("p", "The thread has no heap, or the step no class.", "quiet"));
  }
  renderHeaps(now, before);
  const s = now.shared, o = before ? before.shared : {};
  list($("shared"), [["SuperSlabs", s.superslabs, o.superslabs], ["of these in the lazy cache", s.lazy, o.lazy],
    ["mappings in the BigCache", s.big_cached, o.big_cached], ["reserved", Math.round(s.reserved_bytes / 1024) + " KiB", before && Math.round(o.reserved_bytes / 1024) + " KiB"],
    ["clock", s.clock_ms + " ms", before && o.clock_ms + " ms"]]);
}

function renderHeaps(now, before) {
  const box = $("heaps");
  if (!now.heaps.length) {
    box.replaceChildren(text("p", "No thread has a heap yet.", "quiet"));
    return;
  }
  const table = text("table"), head = text("tr");
  ["heap", "of", "queue", "waiting", "gathered"].forEach((name) => { const th = text("th", name); th.scope = "col"; head.append(th); });
  table.append(head);
  now.heaps.slice().sort((a, b) => a.id - b.id).forEach((h) => {
    const old = before && before.heaps.find((x) => x.id === h.id);
    const tr = text("tr");
    const cell = (value, was) => {
      const td = text("td");
      td.append(old && String(was) !== String(value) ? text("span", value, "changed") : document.createTextNode(value));
      tr.append(td);
    };
    const waiting = (x) => x.parcels ? plural(x.blocks, "block") + (x.parcels !== x.blocks ? " in " + plural(x.parcels, "parcel") : "") : "-";
    const who = (x) => x.thread === undefined ? x.state : threads[x.thread];
    cell(h.id, old && old.id);
    cell(who(h), old && who(old));
    cell(h.queue, old && old.queue);
    cell(waiting(h), old && waiting(old));
    cell(h.gathered || "-", old && (old.gathered || "-"));
    table.append(tr);
  });
  box.replaceChildren(table);
}

function renderBlocks() {
  const here = liveAt(step).sort((a, b) => a.offset - b.offset);
  if (!here.length) {
    $("blocks").replaceChildren(text("p", "None.", "quiet"));
    return;
  }
  const table = text("table"), head = text("tr");
  ["slot", "address", "bytes", "allocated in", "by", "lies in"].forEach((name) => { const th = text("th", name); th.scope = "col"; head.append(th); });
  table.append(head);
  here.forEach((b) => {
    const tr = text("tr"), by = text("td"), at = text("td"), link = text("a", "step " + b.born);
    const isFault = step === finding && steps[finding].offset !== undefined && b.offset <= steps[finding].offset && steps[finding].offset < b.offset + Math.max(b.bytes, 1);
    link.href = "#step=" + b.born;
    at.append(link);
    by.append(threadMark(b.by));
    tr.append(text("td", "s" + b.slot), text("td", hex(b.offset), "mono"), text("td", String(b.bytes)), at, by,
      text("td", b.place.kind + " " + b.place.block_bytes + " B, heap " + (b.place.heap || "-") + (isFault ? "; the fault is about this one" : "")));
    table.append(tr);
  });
  $("blocks").replaceChildren(table);
}

/* The table of steps holds those around the current one, so that its length does not follow the tape's. */
const tableAround = 60;
let tableFrom = -1, tableTo = -1;
function renderTable() {
  const box = $("steps");
  if (step < tableFrom + Math.min(10, step) || step >= tableTo - Math.min(10, steps.length - 1 - step) || tableTo < 0) {
    tableFrom = Math.max(0, step - tableAround);
    tableTo = Math.min(steps.length, step + tableAround + 1);
    const table = text("table"), head = text("tr");
    ["step", "thread", "record", "what happened"].forEach((name) => { const th = text("th", name); th.scope = "col"; head.append(th); });
    table.append(head);
    for (let i = tableFrom; i < tableTo; i++) {
      const s = steps[i], tr = text("tr"), at = text("td"), link = text("a", String(i)), by = text("td");
      tr.className = s.kind === "finding" ? "finding" : isNotable(s) ? "notable" : "";
      tr.dataset.step = i;
      link.href = "#step=" + i;
      at.append(link);
      by.append(threadMark(s.thread));
      tr.append(at, by, text("td", s.record < tape.records.length ? String(s.record) : "end"), text("td", s.words, "what"));
      table.append(tr);
    }
    box.replaceChildren(table);
    $("steps-range").textContent = tableTo - tableFrom === steps.length ? "All " + plural(steps.length, "step") + "."
      : "Steps " + tableFrom + " to " + (tableTo - 1) + " of 0 to " + (steps.length - 1) + ", those around the current one.";
  }
  box.querySelectorAll("tr[aria-current]").forEach((tr) => tr.removeAttribute("aria-current"));
  const tr = box.querySelector('tr[data-step="' + step + '"]');
  if (tr) {
    tr.setAttribute("aria-current", "step");
    if (tr.offsetTop < box.scrollTop || tr.offsetTop + tr.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = tr.offsetTop - box.clientHeight / 2;
  }
}

function renderSource() {
  const site = steps[step].site === undefined ? undefined : tape.sites[steps[step].site];
  $("source-box").hidden = !site;
  if (!site) return;
  const name = site.file + ":" + site.line;
  const place = site.url && /^https?:/.test(site.url) ? text("a", name) : text("code", name);
  if (place.tagName === "A") place.href = site.url;
  $("source-place").replaceChildren(place, document.createTextNode(", a " + site.what + ", access " + steps[step].yield + " of the record"));
  $("source").hidden = !site.lines;
  if (site.lines) {
    const lines = site.lines.replace(/\n$/, "").split("\n");
    $("source").replaceChildren(...lines.map((line, i) => {
      const number = site.first_line + i;
      return text("span", String(number).padStart(5) + "  " + line, number === site.line ? "here" : "");
    }));
  }
}

function renderWords() {
  const s = steps[step];
  $("step-number").textContent = "Step " + step + " of " + (steps.length - 1) + ".";
  $("step-words").textContent = s.words + ".";
  $("now").classList.toggle("is-finding", s.kind === "finding");
  $("slider").value = step;
  $("slider").setAttribute("aria-valuetext", "step " + step + ": " + s.words);
  $("first").disabled = $("back").disabled = step === 0;
  $("last").disabled = $("forward").disabled = step === steps.length - 1;
  document.querySelectorAll("#story a").forEach((a) => {
    if (+a.dataset.step === step) a.setAttribute("aria-current", "step"); else a.removeAttribute("aria-current");
  });
  $("map").setAttribute("aria-label", "Heap over time: " + plural(blocks.length, "block") + " by address and step. After step " + step + " " +
    plural(liveAt(step).length, "block") + " live; the table 'Blocks that live after this step' has them." + (finding >= 0 ? " The fault is in step " + finding + "." : ""));
  $("lanes").setAttribute("aria-label", "Threads: " + lanes.map((t) => threads[t]).join(", ") + ", a lane each, operations by step. The table 'Steps' has the same in words.");
}

/* --- pictures --- */

function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = {};
  ["page", "card", "ink", "quiet", "line", "faint", "accent", "bad", "bad-soft", "notice", "cursor", "t0", "t1", "t2", "t3",
    "t0-soft", "t1-soft", "t2-soft", "t3-soft"].forEach((name) => { colours[name] = style.getPropertyValue("--" + name).trim(); });
}

/* A canvas of that many CSS pixels; drawing is in these. */
function sheet(canvas, height) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  c.font = "12px system-ui, sans-serif";
  c.textBaseline = "middle";
  return { c, width, height };
}

const gutter = () => $("map").clientWidth < 520 ? 58 : 112;
const plotWidth = () => Math.max(40, $("map").clientWidth - gutter() - 8);
const inView = () => Math.min(steps.length, Math.max(1, Math.floor(plotWidth() / pitch)));
const xOf = (i) => gutter() + (i - firstInView) * pitch;
const yScaled = { scale: 1 };

function keepInView() {
  const count = inView();
  if (count >= steps.length) {
    firstInView = 0;
  } else if (step < firstInView + Math.min(4, count / 4) || step >= firstInView + count - Math.min(4, count / 4)) {
    firstInView = Math.round(step - count / 2);
  }
  firstInView = Math.max(0, Math.min(steps.length - count, firstInView));
}

function clip(c, words, width) {
  if (width < 14) return "";
  if (c.measureText(words).width <= width) return words;
  let end = Math.min(words.length, Math.floor(width / 5));
  while (end > 0 && c.measureText(words.slice(0, end) + "…").width > width) end--;
  return end > 1 ? words.slice(0, end) + "…" : "";
}

function hatch(c, x, y, width, height) {
  c.save();
  c.beginPath();
  c.rect(x, y, width, height);
  c.clip();
  c.strokeStyle = colours.quiet;
  c.lineWidth = 1;
  c.beginPath();
  for (let at = x - height; at < x + width; at += 7) { c.moveTo(at, y + height); c.lineTo(at + height, y); }
  c.stroke();
  c.restore();
}

function drawCursor(c, height) {
  c.fillStyle = colours.faint;
  c.globalCompositeOperation = "destination-over";
  c.fillRect(xOf(step), 0, pitch, height);
  c.globalCompositeOperation = "source-over";
  c.strokeStyle = colours.cursor;
  c.lineWidth = 1.5;
  c.strokeRect(xOf(step) + 0.75, 0.75, Math.max(2, pitch - 1.5), height - 1.5);
}

function drawMap() {
  const last = firstInView + inView(), left = gutter();
  const most = Math.max(260, window.innerHeight * 0.55);
  let total = stack(() => true);
  if (total * 10 > most) {
    const used = new Set([faultRow]);
    blocks.forEach((b) => { if (b.born < last && b.died >= firstInView) for (let i = b.row; i <= b.rowEnd; i++) used.add(i); });
    total = stack((i) => used.has(i));
  }
  const height = Math.max(56, Math.min(Math.round(total * 24), most)) + 18;
  const { c, width } = sheet($("map"), height);
  const scale = yScaled.scale = (height - 18) / (total || 1);
  drawn.blocks = 0;
  if (!rows.length) {
    c.fillStyle = colours.quiet;
    c.fillText("No block was allocated.", left, 40);
  }
  drawBands(c, width, scale, left);
  c.save();
  c.beginPath();
  c.rect(left, 0, width - left, height);
  c.clip();
  if (faultRow >= 0) drawFaultLine(c, width, scale);
  blocks.forEach((b) => { if (b.born < last && b.died >= firstInView && b.row !== undefined) drawBlock(c, b, last, scale, width); });
  if (finding >= 0) drawFault(c, width, height, scale);
  c.restore();
  drawAxis(c, height, last);
  drawCursor(c, height - 18);
}

function drawBands(c, width, scale, left) {
  let free = 0;
  bands.forEach((band) => {
    if (!band.isShown) return;
    const y = band.top * scale, tall = band.bottom * scale - y;
    c.strokeStyle = colours.line;
    c.lineWidth = 1;
    c.strokeRect(left + 0.5, y + 0.5, width - left - 1, tall);
    c.fillStyle = colours.ink;
    const middle = Math.max(free + 6, y + Math.min(tall / 2, 10));
    if (y + 2 < free - 4 && bands.length > 3) return; /* labels would cover each other */
    c.fillText(clip(c, hex(band.place.slab_start), left - 8), 2, middle);
    if (tall > 26 && left > 80) {
      c.fillStyle = colours.quiet;
      c.fillText(clip(c, band.place.kind + " " + (band.place.block_bytes || "") + " B", left - 8), 2, middle + 14);
      free = middle + 21;
    } else {
      free = middle + 7;
    }
  });
}

function drawBlock(c, b, last, scale, width) {
  const top = rows[b.row].y * scale, bottom = (rows[b.rowEnd].y + rows[b.rowEnd].height) * scale;
  const inset = pitch * 0.12, died = Math.min(b.died, last + 1);
  const from = Math.max(xOf(b.born) + inset, gutter() - 2), to = b.died >= last ? (last < steps.length ? width + 9 : xOf(last) + 2) : xOf(died) + pitch * 0.5;
  const tall = Math.max(1, bottom - top - (bottom - top > 6 ? 2 : 0));
  drawn.blocks++;
  c.fillStyle = colours["t" + b.by + "-soft"];
  c.strokeStyle = colours["t" + b.by];
  c.lineWidth = 1.25;
  c.beginPath();
  if (tall > 8 && c.roundRect) c.roundRect(from, top + 1, Math.max(2, to - from), tall, 4); else c.rect(from, top + (tall > 4 ? 1 : 0), Math.max(2, to - from), tall);
  c.fill();
  if (tall > 3) c.stroke();
  if (tall > 11) {
    c.fillStyle = colours.ink;
    c.fillText(clip(c, "s" + b.slot + (pitch > 60 ? "  " + b.bytes + " B" : ""), Math.min(to - from - 8, plotWidth())), from + 5, top + 1 + tall / 2);
  }
  if (b.died < last && b.remote && tall > 4) {
    const r = Math.min(5, tall / 2);
    c.beginPath();
    c.arc(to, top + 1 + tall / 2, r, 0, 7);
    c.fillStyle = colours.card;
    c.fill();
    c.lineWidth = 2.5;
    c.strokeStyle = colours["t" + b.freedBy];
    c.stroke();
  }
}

/* Along the bytes that the fault is about, under what lived there. */
function drawFaultLine(c, width, scale) {
  const row = rows[faultRow], y = (row.y + row.height / 2) * scale;
  c.strokeStyle = colours.bad;
  c.lineWidth = 1.5;
  c.setLineDash([5, 4]);
  c.beginPath();
  c.moveTo(gutter(), y);
  c.lineTo(Math.min(xOf(finding), width), y);
  c.stroke();
  c.setLineDash([]);
}

function drawFault(c, width, height, scale) {
  const x = xOf(finding);
  const row = faultRow >= 0 ? rows[faultRow] : null;
  const top = row ? row.y * scale : 0, tall = row ? Math.max(6, row.height * scale) : height - 19;
  c.fillStyle = colours.bad;
  c.globalAlpha = row ? 1 : 0.25;
  c.beginPath();
  if (c.roundRect) c.roundRect(x + pitch * 0.08, top + 1, Math.max(3, pitch * 0.84), tall - 1, 4); else c.rect(x, top, Math.max(3, pitch), tall);
  c.fill();
  c.globalAlpha = 1;
  const words = clip(c, tape.check, pitch - 16) || (pitch > 22 ? "!" : "");
  if (tall > 10 && words) {
    c.fillStyle = row ? colours.card : colours.bad;
    c.fillText(words, x + pitch * 0.08 + 6, top + (row ? tall / 2 : 14));
  }
}

function drawAxis(c, height, last) {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((n) => n * pitch >= 34) || 1000;
  c.fillStyle = colours.quiet;
  c.textAlign = "center";
  for (let i = Math.ceil(firstInView / every) * every; i < last; i += every) {
    c.fillStyle = i === step ? colours.ink : colours.quiet;
    c.fillText(String(i), xOf(i) + pitch / 2, height - 8);
  }
  c.textAlign = "left";
}

const laneHeight = 46;
const laneY = (t) => lanes.indexOf(t) * laneHeight + 8;
const barHeight = laneHeight - 18;

function drawLanes() {
  const height = lanes.length * laneHeight + 4;
  const { c, width } = sheet($("lanes"), height);
  const left = gutter(), last = firstInView + inView();
  drawn.bars = drawn.arrows = 0;
  lanes.forEach((t) => {
    const y = laneY(t);
    c.strokeStyle = colours.line;
    c.beginPath();
    c.moveTo(left, y + barHeight / 2);
    c.lineTo(width, y + barHeight / 2);
    c.stroke();
    c.fillStyle = colours["t" + t];
    c.font = "600 13px system-ui, sans-serif";
    c.fillText(left > 80 ? "thread " + threads[t] : threads[t], 2, y + barHeight / 2);
    c.font = "12px system-ui, sans-serif";
  });
  c.save();
  c.beginPath();
  c.rect(left, 0, width - left, height);
  c.clip();
  pauses.forEach((p) => {
    if (p.from >= last || p.to < firstInView) return;
    const x = Math.max(xOf(p.from) - pitch * 0.1, left), end = Math.min(xOf(p.to + 1) + pitch * 0.1, width);
    c.fillStyle = colours.card;
    c.fillRect(x, laneY(p.thread) + 5, end - x, barHeight - 10);
    hatch(c, x, laneY(p.thread) + 5, end - x, barHeight - 10);
  });
  for (let i = firstInView; i < last; i++) drawBar(c, i);
  arrows.forEach((a) => { if (a.from < last && (a.to < 0 ? a.from + 1 : a.to) >= firstInView) drawArrow(c, a); });
  c.restore();
  drawCursor(c, height);
}

function drawBar(c, i) {
  const s = steps[i], x = xOf(i) + Math.min(3, pitch * 0.08), y = laneY(s.thread), w = Math.max(2, pitch - Math.min(6, pitch * 0.16));
  drawn.bars++;
  const isFault = s.kind === "finding";
  c.fillStyle = isFault ? colours.bad : s.kind === "nothing" ? colours.card : colours["t" + s.thread + "-soft"];
  c.strokeStyle = isFault ? colours.bad : colours["t" + s.thread];
  c.lineWidth = s.kind === "nothing" ? 0.75 : 1.25;
  c.beginPath();
  const round = [s.begins ? 6 : 0, s.ends ? 6 : 0, s.ends ? 6 : 0, s.begins ? 6 : 0];
  if (c.roundRect) c.roundRect(x, y, w, barHeight, round); else c.rect(x, y, w, barHeight);
  c.fill();
  c.stroke();
  c.fillStyle = isFault ? colours.card : s.kind === "nothing" ? colours.quiet : colours.ink;
  const note = { failed: "✕ " + (s.count > 1 ? s.count + "× " : ""), stale: "◷ old value: ", switch: "" }[s.kind] || "";
  c.fillText(clip(c, note + (isFault ? tape.check : operationOf(s)), w - 10), x + 6, y + barHeight / 2 + 1);
}

function drawArrow(c, a) {
  const from = { x: xOf(a.from) + pitch * (a.kind === "switch" ? 0.92 : 0.6), y: laneY(a.a) };
  const down = lanes.indexOf(a.b) > lanes.indexOf(a.a);
  const lost = a.to < 0;
  const to = { x: xOf(lost ? a.from : a.to) + pitch * (lost ? 0.85 : a.kind === "switch" ? 0.12 : 0.35), y: laneY(a.b) + (down ? -1 : barHeight + 1) };
  from.y += down ? barHeight : 0;
  drawn.arrows++;
  c.strokeStyle = c.fillStyle = a.kind === "switch" ? colours.notice : a.kind === "remote" ? colours.accent : colours.ink;
  c.lineWidth = 1.75;
  c.setLineDash(a.kind === "remote" ? [6, 4] : a.kind === "failed" ? [2, 3] : []);
  const bend = (to.y - from.y) * 0.55;
  c.beginPath();
  c.moveTo(from.x, from.y);
  c.bezierCurveTo(from.x, from.y + bend, to.x, to.y - bend, to.x, to.y - (down ? 5 : -5));
  c.stroke();
  c.setLineDash([]);
  c.beginPath();
  c.moveTo(to.x, to.y);
  c.lineTo(to.x - 4.5, to.y - (down ? 8 : -8));
  c.lineTo(to.x + 4.5, to.y - (down ? 8 : -8));
  c.fill();
}

/* The whole run in a strip, where it does not fit: a column a pixel, drawn from what was counted once. */
let strip = null;
function drawOverview() {
  const isWhole = inView() >= steps.length;
  $("overview-box").hidden = isWhole;
  if (isWhole) return;
  const { c, width, height } = sheet($("overview"), 30);
  const left = gutter(), columns = Math.max(1, Math.floor(width - left));
  if (!strip || strip.length !== columns) {
    strip = Array.from({ length: columns }, () => ({ live: 0, mark: 0 }));
    steps.forEach((s, i) => {
      const column = strip[Math.floor(i * columns / steps.length)];
      column.mark = Math.max(column.mark, s.kind === "finding" ? 3 : s.kind === "failed" || s.kind === "stale" ? 2 : s.kind === "switch" ? 1 : 0);
      column.thread = s.thread;
    });
  }
  strip.forEach((column, x) => {
    if (column.thread === undefined) return;
    c.fillStyle = colours["t" + column.thread];
    c.fillRect(left + x, 12 + column.thread * 3, 1, 3);
    if (column.mark) {
      c.fillStyle = column.mark === 3 ? colours.bad : column.mark === 2 ? colours.ink : colours.notice;
      c.fillRect(left + x, column.mark === 3 ? 0 : 4, column.mark === 3 ? 3 : 1, column.mark === 3 ? height : 6);
    }
  });
  c.fillStyle = colours.quiet;
  c.fillText(left > 80 ? "whole run" : "all", 2, height / 2);
  c.strokeStyle = colours.cursor;
  c.lineWidth = 1.5;
  c.strokeRect(left + firstInView * columns / steps.length, 1, Math.max(4, inView() * columns / steps.length), height - 2);
}

let framed = false;
function draw() {
  if (framed) return;
  framed = true;
  requestAnimationFrame(() => {
    framed = false;
    if (!colours) readColours();
    keepInView();
    drawMap();
    drawLanes();
    drawOverview();
  });
}

function render() {
  renderWords();
  renderState();
  renderBlocks();
  renderSource();
  renderTable();
  draw();
}

/* --- what people do --- */

function widen(by) {
  pitch = Math.max(pitchMin, Math.min(pitchMax, pitch * by));
  draw();
}
function theme(set) {
  const now = set || (document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  document.documentElement.dataset.theme = now;
  colours = null;
  draw();
}

const keys = {
  ArrowRight: () => go(step + 1), ArrowLeft: () => go(step - 1), Home: () => go(0), End: () => go(steps.length - 1),
  PageDown: () => go(step + 10), PageUp: () => go(step - 10), n: () => go(search(step, 1)), p: () => go(search(step, -1)),
  f: () => { if (finding >= 0) go(finding); }, t: () => theme(), "+": () => widen(1.4), "=": () => widen(1.4), "-": () => widen(1 / 1.4),
  "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open || !keys[event.key]) return;
  if (event.target.closest("pre, .scroll") && event.key.length > 1 && !event.key.startsWith("Arrow")) return; /* these scroll */
  event.preventDefault();
  keys[event.key]();
});

const stepAt = (event, canvas) => Math.floor((event.clientX - canvas.getBoundingClientRect().left - gutter()) / pitch) + firstInView;
["map", "lanes"].forEach((id) => {
  const canvas = $(id);
  let isDown = false;
  canvas.addEventListener("pointerdown", (event) => { isDown = true; go(stepAt(event, canvas)); });
  canvas.addEventListener("pointermove", (event) => { if (isDown && event.buttons) { const to = stepAt(event, canvas); if (to !== step) go(to); } });
  window.addEventListener("pointerup", () => { isDown = false; });
});
$("map").addEventListener("pointermove", (event) => {
  const at = stepAt(event, $("map")), y = (event.clientY - $("map").getBoundingClientRect().top) / yScaled.scale;
  const row = rows.findIndex((r) => r.isShown && r.y <= y && y < r.y + r.height);
  const b = row < 0 ? undefined : blocks.find((x) => x.row <= row && row <= x.rowEnd && x.born <= at && at <= x.died);
  $("under").textContent = b ? "s" + b.slot + ": " + plural(b.bytes, "byte") + " at " + hex(b.offset) + " (" + b.place.kind + " " + b.place.block_bytes + " B), allocated in step " + b.born + " by " +
    threads[b.by] + (b.died < Infinity ? ", freed in step " + b.died + " by " + threads[b.freedBy] + (b.remote ? ", a remote free" : "") : ", never freed") : row < 0 ? "" : hex(rows[row].from) + ": nobody's in step " + at;
});
$("overview").addEventListener("pointerdown", (event) => {
  const box = $("overview").getBoundingClientRect();
  go(Math.floor((event.clientX - box.left - gutter()) / (box.width - gutter()) * steps.length));
});
$("slider").addEventListener("input", () => go(+$("slider").value));
$("first").onclick = keys.Home;
$("last").onclick = keys.End;
$("back").onclick = keys.ArrowLeft;
$("forward").onclick = keys.ArrowRight;
$("next-mark").onclick = keys.n;
$("to-finding").onclick = keys.f;
$("theme").onclick = () => theme();
$("help-open").onclick = keys["?"];
const fromHash = () => { const m = /^#step=(\d+)$/.exec(location.hash); return m ? +m[1] : -1; };
window.addEventListener("hashchange", () => { if (fromHash() >= 0) go(fromHash(), true); });
window.addEventListener("resize", () => { strip = null; draw(); });

/* --- once --- */

function fill() {
  const isBad = tape.check !== "none";
  document.title = (isBad ? tape.check : "clean") + ": " + tape.file;
  document.body.classList.toggle("bad", isBad);
  $("badge").textContent = isBad ? tape.check : "clean";
  $("meta").textContent = [tape.file, "target " + tape.target, tape.fault && "fault " + tape.fault, plural(steps.length, "step")].filter(Boolean).join(" · ");
  $("headline").textContent = tape.headline;
  $("where").textContent = tape.where;
  $("where").hidden = !tape.where;
  $("story-box").hidden = !tape.story.length;
  $("look").textContent = tape.look_for ? "What to look for: " + tape.look_for + "." : "";
  tape.story.forEach((i) => {
    const li = text("li", undefined, steps[i].kind === "finding" ? "finding" : ""), a = text("a");
    a.href = "#step=" + i;
    a.dataset.step = i;
    a.append(text("span", "step " + i, "at"), threadMark(steps[i].thread), text("span", steps[i].words.replace(/^t\d /, ""), "what"));
    li.append(a);
    $("story").append(li);
  });
  $("program").textContent = tape.program;
  $("report").textContent = tape.report.trim();
  $("report-box").hidden = !tape.report.trim();
  $("to-finding").hidden = $("fault-key").hidden = finding < 0;
  $("next-mark").disabled = !steps.some(isNotable);
  $("slider").max = steps.length - 1;
  document.querySelectorAll(".legend")[1].hidden = lanes.length < 2;
}

theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => theme(event.matches ? "dark" : "light"));
if (!steps.length) {
  $("headline").textContent = tape.headline;
} else {
  fill();
  pitch = Math.max(pitchMin, Math.min(pitchMax, Math.max(plotWidth() / steps.length, plotWidth() > 500 ? 16 : 12)));
  go(fromHash() >= 0 ? fromHash() : finding >= 0 ? finding : 0, true);
}
window.hakmem = { drawn, steps: steps.length, at: () => step, finding };
})();
