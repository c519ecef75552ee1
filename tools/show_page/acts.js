"use strict";
/* What people do (keys, pointer, address), and what is filled in once; this script starts the page. */
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
const atRest = $("under").textContent;
$("map").addEventListener("pointerleave", () => { $("under").textContent = atRest; });
$("map").addEventListener("pointermove", (event) => {
  const at = stepAt(event, $("map")), y = (event.clientY - $("map").getBoundingClientRect().top) / yScaled.scale;
  const row = rows.findIndex((r) => r.isShown && r.y <= y && y < r.y + r.height);
  const b = row < 0 ? undefined : blocks.find((x) => x.row <= row && row <= x.rowEnd && x.born <= at && at <= x.died);
  $("under").textContent = b ? "s" + b.slot + ": " + plural(b.bytes, "byte") + " at " + hex(b.offset) + (isForeign ? "" : " (" + b.place.kind + " " + b.place.block_bytes + " B)") + ", allocated in step " + b.born + " by " +
    threads[b.by] + (b.died < Infinity ? ", freed in step " + b.died + " by " + threads[b.freedBy] + (b.remote ? ", a remote free" : "") : ", never freed") : row < 0 ? atRest : hex(rows[row].from) + ": nobody's in step " + at;
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
