"use strict";
/* The heap over time: address by step, blocks as bars, the fault in red. */
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
  drawBands(c, width, scale, left);
  c.save();
  c.beginPath();
  c.rect(left, 0, width - left, height);
  c.clip();
  if (faultRow >= 0) drawFaultLine(c, width, scale);
  blocks.forEach((b) => { if (b.born < last && b.died >= firstInView && b.row !== undefined) drawBlock(c, b, last, scale, width); });
  if (finding >= 0) drawFault(c, width, height, scale);
  c.restore();
  if (!rows.some((row) => row.isShown)) {
    c.fillStyle = colours.quiet;
    c.fillText(clip(c, rows.length ? "No block lives in these steps." : "No block was allocated.", width - left - pitch - 8), left + pitch + 8, (height - 18) / 2);
  }
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
    if (tall > 26 && left > 80 && !isForeign) {
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

/* The check, or as much of it as says something. */
function faultWords(c, width) {
  const words = clip(c, tape.check, width);
  return words.length > 4 || words === tape.check ? words : width > 4 ? "!" : "";
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
  const words = faultWords(c, pitch - 16);
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
