"use strict";
/* The lanes of the threads with arrows between them, the strip of the whole run, and when all is drawn. */
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
  c.fillText(isFault ? faultWords(c, w - 10) : clip(c, note + operationOf(s), w - 10), x + 6, y + barHeight / 2 + 1);
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
