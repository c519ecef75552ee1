"""report: what came out, for people and for machines: a table, gate.json, JUnit's gate.xml, gate.sarif, and the page."""
import json
import os
import platform
import time
import xml.etree.ElementTree as xml

from . import page
from .run import FAIL, PASS, SKIP, UNABLE

WORDS = {PASS: "ok", FAIL: "RED", UNABLE: "could not run", SKIP: "not judged"}


def verdict(outcome):
    if outcome.code == 0:
        return "may merge"
    red = [result.stage.name for result in outcome.results if result.status == FAIL]
    unable = [result.stage.name for result in outcome.results if result.status == UNABLE]
    return "; ".join((["must not merge: " + ", ".join(red)] if red else [])
                     + (["could not run: " + ", ".join(unable)] if unable else []))


def table(outcome):
    rows = [("stage", "", "seconds", "")]
    rows += [(result.stage.name, WORDS[result.status], f"{result.seconds:.1f}" if result.log else "-", result.note)
             for result in outcome.results]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c.rjust(widths[2])}  {d[:120]}".rstrip()
             for a, b, c, d in rows]
    return "\n".join(lines + ["", f"gate: {verdict(outcome)} ({outcome.seconds:.0f} s, size {outcome.context.size})"])


def as_object(outcome):
    change = outcome.context.change
    return {
        "verdict": verdict(outcome), "exit": outcome.code, "size": outcome.context.size, "seed": outcome.context.seed,
        "seconds": round(outcome.seconds, 1), "commit": change.head, "base": change.base,
        "changed": change.files, "targets": sorted(change.targets),
        "stages": [{
            "name": result.stage.name, "about": result.stage.about, "status": result.status, "note": result.note,
            "begin": round(result.begin_s, 1), "seconds": round(result.seconds, 1),
            "log": os.path.basename(result.log) if result.log else None,
            "findings": [finding._asdict() for finding in result.findings],
        } for result in outcome.results],
    }


def json_text(outcome):
    return json.dumps(as_object(outcome), indent=2)


def clean(text):
    """What XML may hold."""
    return "".join(c if c in "\n\t" or 0x20 <= ord(c) < 0xD800 or 0xE000 <= ord(c) < 0xFFFE else "?" for c in text)


def junit(outcome):
    count = {status: sum(result.status == status for result in outcome.results) for status in WORDS}
    suite = xml.Element("testsuite", name="gate", tests=str(len(outcome.results)), failures=str(count[FAIL]),
                        errors=str(count[UNABLE]), skipped=str(count[SKIP]), time=f"{outcome.seconds:.1f}",
                        hostname=platform.node(), timestamp=time.strftime("%Y-%m-%dT%H:%M:%S"))
    for result in outcome.results:
        case = xml.SubElement(suite, "testcase", classname="gate", name=result.stage.name, time=f"{result.seconds:.1f}")
        tag = {FAIL: "failure", UNABLE: "error", SKIP: "skipped"}.get(result.status)
        if tag:
            child = xml.SubElement(case, tag, message=clean(result.note))
            child.text = clean("\n".join((f"{f.file}:{f.line or 1}: " if f.file else "") + f.message
                                         for f in result.findings))
        else:
            xml.SubElement(case, "system-out").text = clean(result.note)
    root = xml.Element("testsuites")
    root.append(suite)
    return xml.ElementTree(root)


def sarif(outcome):
    rules, results = {}, []
    for result in outcome.results:
        for finding in result.findings:
            rule = f"{result.stage.name}/{finding.rule}".replace(" ", "-")
            rules[rule] = {"id": rule, "shortDescription": {"text": result.stage.about}}
            item = {"ruleId": rule, "level": "error", "message": {"text": finding.message}}
            if finding.file:
                where = {"artifactLocation": {"uri": finding.file, "uriBaseId": "SRCROOT"}}
                where["region"] = {"startLine": finding.line or 1}
                item["locations"] = [{"physicalLocation": where}]
            results.append(item)
    driver = {"name": "hakmem gate", "rules": list(rules.values())}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints",
                      "invocations": [{"executionSuccessful": outcome.code != 2}]}]}


def write_all(outcome, out):
    def put(name, text):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(text)

    put("gate.json", json_text(outcome) + "\n")
    put("gate.sarif", json.dumps(sarif(outcome), indent=2) + "\n")
    put("gate.html", page.make(as_object(outcome), out))
    junit(outcome).write(os.path.join(out, "gate.xml"), encoding="utf-8", xml_declaration=True)
