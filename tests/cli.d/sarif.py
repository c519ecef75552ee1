"""sarif: whether a file is a SARIF 2.1.0 log as `hakfuzz triage` promises it. Every property that is required there, and
those that the tool writes, with their types; a property that is not listed here is wrong.

Usage: sarif.py FILE [SCHEMA]. With SCHEMA, a copy of OASIS's sarif-schema-2.1.0.json, the file is validated with
python3-jsonschema as well. Exit: 0 right, 1 wrong."""
import json
import re
import sys


def check(value, shape, where):
    """shape: a type; a list of one shape; a compiled pattern; a dict, in which '?' after a name means: may be missing."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: no object"
        names = {name.rstrip("?"): name for name in shape}
        for name in value:
            assert name in names, f"{where}: property {name} is not listed"
        for name, key in names.items():
            assert name in value or key.endswith("?"), f"{where}: {name} is missing"
            if name in value:
                check(value[name], shape[key], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: no array"
        for i, item in enumerate(value):
            check(item, shape[0], f"{where}[{i}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{where}: {value!r}"
    else:
        assert type(value) is shape, f"{where}: {value!r} is no {shape.__name__}"


TEXT = {"text": re.compile(r"(?s).+")}
URI = re.compile(r"(file:///)?([A-Za-z0-9._~/-]|%[0-9A-F]{2})+")
LOG = {
    "$schema": re.compile(r"https://.*/sarif-2\.1\.0\.json"),
    "version": re.compile(r"2\.1\.0"),
    "runs": [{
        "tool": {"driver": {
            "name": re.compile("hakfuzz"),
            "version": re.compile(r"\d+\.\d+\.\d+"),
            "rules": [{"id": re.compile("[a-z-]+"), "shortDescription": TEXT, "help": TEXT}],
        }},
        "invocations": [{"executionSuccessful": bool}],
        "results": [{
            "ruleId": re.compile("[a-z-]+"),
            "ruleIndex": int,
            "level": re.compile("error"),
            "message": TEXT,
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": URI}}}],
            "partialFingerprints": {"hakmemSignature/v1": re.compile(r"[a-z-]+/.*")},
            "occurrenceCount": int,
            "properties": {"target": str, "fault": str},
        }],
    }],
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        log = json.load(file)
    check(log, LOG, "log")
    assert len(log["runs"]) == 1
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules) > 20
    for result in log["runs"][0]["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["partialFingerprints"]["hakmemSignature/v1"].startswith(result["ruleId"] + "/")
        assert result["occurrenceCount"] > 0
    if len(sys.argv) > 2:
        import jsonschema
        with open(sys.argv[2], encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.validators.validator_for(schema)(schema).validate(log)


main()
