"use strict";
/* What both pictures are drawn with: colours, a sheet, which steps are in view and where a step lies. */
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
