#!/usr/bin/env bash
# cli_show_page: the page of `hakfuzz show --html` in a browser without a screen: show_page.py. Exit code 77 where there is
# no browser.
set -u
: "${HAKMEM_BUILD:?the build tree with hakfuzz}" "${HAKMEM_SOURCE:?the root of the sources}"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
# The system's python3 has the system's selenium. What the browser and its driver leave goes away with the rest.
TMPDIR=$work HOME=$work /usr/bin/python3 "$HAKMEM_SOURCE/tests/show_page.py" "$(cd "$HAKMEM_BUILD" && pwd)/hakfuzz" \
    "$HAKMEM_SOURCE" "$work"
