#!/usr/bin/env bash
# docs_examples: the programs shown in docs/input-format.md assemble to as many bytes as is said there, and disassembling
# shows the same words and assembles to the same bytes.
#
# An example is the indented or fenced block after a line `<!-- example: N bytes -->`. A block that is a program, that is
# begins with the word hakmem and a number, must have that line.
#
# And the commands shown in docs/reproduce.md after a line `<!-- run, with NAME = FILE: TEXT -->` run, in a folder with a copy
# of FILE of the sources called NAME, and their last line is TEXT.
set -u
: "${HAKMEM_BUILD:?the build tree with hakfuzz}" "${HAKMEM_SOURCE:?the root of the sources}"
hakfuzz=$(cd "$HAKMEM_BUILD" && pwd)/hakfuzz
page=docs/input-format.md
cd "$HAKMEM_SOURCE" || exit 2
[ -x "$hakfuzz" ] || { echo "docs_examples: $hakfuzz is not built" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0 count=0

# Writes $work/LINE.BYTES.hak for every marked block, and prints the line of each program that has no mark.
awk -v "work=$work" '
    function begin() {
        name = work "/" NR "." bytes ".hak"
        if (marked) { inside = 1 } else { inside = 0 }
        first = 1
    }
    function take(line) {
        if (first && !inside && line ~ /^hakmem [0-9]/) { print NR }
        first = 0
        if (inside) { print line > name }
    }
    /^<!-- example: [0-9]+ bytes -->$/ { marked = 1; bytes = $3; next }
    /^```/ { if (fenced) { fenced = marked = 0 } else { fenced = 1; begin() } next }
    fenced { take($0); next }
    /^    / { if (!indented) { indented = 1; begin() } take(substr($0, 5)); next }
    indented { indented = marked = 0 }
    /[^ ]/ { marked = 0 }' "$page" >"$work/unmarked" || exit 2
while read -r line; do
    echo "docs_examples: $page:$line: a program without the line <!-- example: N bytes --> in front"
    failures=1
done <"$work/unmarked"

# The words of a text, without comments and blank lines.
words() {
    sed 's/#.*//' "$1" | awk 'NF { $1 = $1; print }'
}

check() {
    local text=$1 size=$2
    "$hakfuzz" asm "$text" -o "$work/1.bin" || return 1
    [ "$(stat -c %s "$work/1.bin")" -eq "$size" ] || { echo "$(stat -c %s "$work/1.bin") bytes, not $size" && return 1; }
    "$hakfuzz" disasm "$work/1.bin" -o "$work/shown" && "$hakfuzz" asm "$work/shown" -o "$work/2.bin" || return 1
    cmp "$work/1.bin" "$work/2.bin" || return 1
    # The disassembler also shows the header lines that an example leaves out.
    words "$text" >"$work/before" && words "$work/shown" >"$work/after"
    ! diff "$work/before" "$work/after" | grep '^<'
}

for text in "$work"/*.hak; do
    [ -f "$text" ] || break
    count=$((count + 1))
    IFS=. read -r line size _ <<<"${text##*/}"
    check "$text" "$size" 2>&1 || { echo "docs_examples: $page:$line: this example is wrong" && failures=1; }
done
# ---- commands --------------------------------------------------------------------------------------------------------

# Writes $work/N.run for every marked block: its three parts, one a line, then the commands.
awk -v "work=$work" '
    /^<!-- run, with [^ ]+ = [^ ]+: .* -->$/ {
        name = work "/" ++count ".run"
        split($0, part, /^<!-- run, with | = |: | -->$/)
        text = $0
        sub(/^[^:]*: /, "", text)
        sub(/ -->$/, "", text)
        print part[2] > name
        print part[3] > name
        print text > name
        marked = 1
        next
    }
    marked && /^    / { inside = 1; print substr($0, 5) > name; next }
    inside { inside = marked = 0 }' docs/reproduce.md || exit 2
export GIT_AUTHOR_NAME=nobody GIT_AUTHOR_EMAIL=nobody@localhost GIT_COMMITTER_NAME=nobody
export GIT_COMMITTER_EMAIL=nobody@localhost GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

run_block() {
    local block=$1 name file wanted
    { read -r name && read -r file && read -r wanted; } <"$block"
    mkdir "$block.d" && cp "$file" "$block.d/$name" || return 1
    tail -n +4 "$block" >"$block.sh"
    (cd "$block.d" && PATH=$(dirname "$hakfuzz"):$PATH HOME=$work timeout 120 sh -e "$block.sh") >"$block.out" 2>"$block.err" ||
        { cat "$block.out" "$block.err" && return 1; }
    [ "$(tail -n 1 "$block.out")" = "$wanted" ] || { cat "$block.out" "$block.err" && return 1; }
}

runs=0
for block in "$work"/*.run; do
    [ -f "$block" ] || break
    runs=$((runs + 1))
    run_block "$block" || { echo "docs_examples: docs/reproduce.md: commands no. $runs do not end as is said" && failures=1; }
done
[ "$runs" -gt 0 ] || { echo 'docs_examples: docs/reproduce.md has no commands to run' && failures=1; }

[ "$count" -gt 0 ] || { echo "docs_examples: $page has no examples" && failures=1; }
[ "$failures" -eq 0 ] && echo "docs_examples: $count examples are right, $runs blocks of commands end as is said"
exit "$failures"
