"use strict";
/* What the page says in words about the current step: the slab, the cache, the heaps, the blocks, the steps, the source. */
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
  if (isForeign) return;
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
  ["slot", "address", "bytes", "allocated in", "by", isForeign ? "note" : "lies in"].forEach((name) => { const th = text("th", name); th.scope = "col"; head.append(th); });
  table.append(head);
  here.forEach((b) => {
    const tr = text("tr"), by = text("td"), at = text("td"), link = text("a", "step " + b.born);
    const isFault = step === finding && steps[finding].offset !== undefined && b.offset <= steps[finding].offset && steps[finding].offset < b.offset + Math.max(b.bytes, 1);
    link.href = "#step=" + b.born;
    at.append(link);
    by.append(threadMark(b.by));
    tr.append(text("td", "s" + b.slot), text("td", hex(b.offset), "mono"), text("td", String(b.bytes)), at, by,
      text("td", isForeign ? (isFault ? "the fault is about this one" : "")
        : b.place.kind + " " + b.place.block_bytes + " B, heap " + (b.place.heap || "-") + (isFault ? "; the fault is about this one" : "")));
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
  $("source-place").replaceChildren(place, document.createTextNode(", a " + site.kind + ", access " + steps[step].yield + " of the record"));
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
