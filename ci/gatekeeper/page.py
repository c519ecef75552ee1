"""page: gate.html, one file that needs nothing else: the verdict, what was found, when each stage ran, and the ends of
the logs. Light or dark as the reader's system is; readable without colours and without scripts."""
import html
import os

LOG_LINES = 60

STYLE = """
:root { color-scheme: light dark; --back: #fff; --front: #1b1f24; --soft: #5b6470; --line: #d5dae0; --card: #f6f8fa;
  --ok: #1a7f37; --red: #c4232b; --odd: #8a5a00; --bar-ok: #4aa564; --bar-red: #d8484f; --bar-odd: #c9962f; }
@media (prefers-color-scheme: dark) { :root { --back: #12161b; --front: #e4e8ed; --soft: #9aa5b1; --line: #303842;
  --card: #1a2028; --ok: #58c478; --red: #ff7b80; --odd: #e0b25a; --bar-ok: #2f8a4c; --bar-red: #c04047;
  --bar-odd: #94701f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--back); color: var(--front);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p.facts { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.note { overflow-wrap: anywhere; } td.time { width: 24%; min-width: 8rem; }
.pass { color: var(--ok); } .fail { color: var(--red); font-weight: 600; } .unable, .skip { color: var(--odd); }
.lane { position: relative; height: .9rem; margin-top: .3rem; background: var(--card); border-radius: 2px; }
.lane i { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: 2px; background: var(--bar-odd); }
.lane i.pass { background: var(--bar-ok); } .lane i.fail { background: var(--bar-red); }
.finding { border-left: 3px solid var(--red); padding: .1rem .8rem; margin: .6rem 0; background: var(--card); }
.finding pre, details pre { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.finding .place { color: var(--soft); font-size: .9rem; }
pre { font: 13px/1.45 ui-monospace, monospace; }
details { border-bottom: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; }
.scroll { overflow-x: auto; }
"""

WORDS = {"pass": "ok", "fail": "RED", "unable": "could not run", "skip": "not judged"}


def esc(text):
    return html.escape(str(text))


def log_end(out, stage):
    if not stage["log"]:
        return ""
    try:
        with open(os.path.join(out, stage["log"]), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-LOG_LINES:])
    except OSError:
        return ""


def stage_row(stage, total):
    left, width = 100 * stage["begin"] / total, 100 * stage["seconds"] / total
    lane = f'<div class="lane"><i class="{stage["status"]}" style="left:{left:.2f}%;width:{width:.2f}%"></i></div>'
    seconds = f'{stage["seconds"]:.1f}' if stage["log"] else "-"
    return (f'<tr><td><a href="#log-{esc(stage["name"])}">{esc(stage["name"])}</a></td>'
            f'<td class="{stage["status"]}">{WORDS[stage["status"]]}</td><td class="number">{seconds}</td>'
            f'<td class="time">{lane if stage["log"] else ""}</td><td class="note">{esc(stage["note"])}</td></tr>')


def finding_box(stage, finding):
    place = finding["file"] or ""
    if place and finding["line"]:
        place += f':{finding["line"]}'
    return (f'<div class="finding"><span class="place">{esc(stage["name"])}{" · " + esc(place) if place else ""} · '
            f'{esc(finding["rule"])}</span><pre>{esc(finding["message"])}</pre></div>')


def make(gate, out):
    total = max(gate["seconds"], 0.1)
    changed = "everything counts as changed" if gate["changed"] is None else f'{len(gate["changed"])} changed files'
    facts = [f'commit {gate["commit"][:12] or "none"}', f'base {(gate["base"] or "none")[:12]}', changed,
             f'size {gate["size"]}', f'seed {gate["seed"]}', f'{gate["seconds"]:.0f} s']
    boxes = [finding_box(stage, finding) for stage in gate["stages"] for finding in stage["findings"]]
    rows = [stage_row(stage, total) for stage in gate["stages"]]
    logs = [f'<details id="log-{esc(stage["name"])}"{" open" if stage["status"] == "fail" else ""}><summary>'
            f'{esc(stage["name"])}: {esc(stage["about"])}</summary><pre>{esc(log_end(out, stage)) or "no log"}</pre>'
            "</details>" for stage in gate["stages"]]
    more = f'<p class="facts">More executions for: {esc(", ".join(gate["targets"]))}</p>' if gate["targets"] else ""
    found = f'<h2>Findings</h2>{"".join(boxes)}' if boxes else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>gate: {esc(gate["verdict"])}</title><style>{STYLE}</style></head><body>
<h1>Gate: <span class="{"pass" if gate["exit"] == 0 else "fail"}">{esc(gate["verdict"])}</span></h1>
<p class="facts">{esc(" · ".join(facts))}</p>{more}
{found}
<h2>Stages</h2><div class="scroll"><table><thead><tr><th>stage</th><th></th><th>seconds</th><th>when</th><th></th></tr>
</thead><tbody>{"".join(rows)}</tbody></table></div>
<h2>Ends of the logs</h2>{"".join(logs)}
</body></html>
"""
