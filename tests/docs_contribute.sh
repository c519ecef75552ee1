#!/usr/bin/env bash
# docs_contribute: the commands of docs/contribute.md do what the page says. A block after `<!-- run ... -->` is run; one
# without that line is a mistake. All run in one copy of the sources, from top to bottom, and end with 0, or with what the
# mark says.
#
# From nothing that takes many minutes, so with HAKMEM_LONG=1 only. Without it the copy is made all the same, and of each
# block is looked at what can be seen at once: it is marked, the shell can read it, the scripts and options it calls are
# there, and what edits the sources changes them. Environment: HAKMEM_SOURCE; HAKMEM_LONG; HAKMEM_SKIP, a mark that is left out.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
page=docs/contribute.md
long=${HAKMEM_LONG:-}
cd "$HAKMEM_SOURCE" || exit 2
unset HAKMEM_BUILD HAKMEM_LONG
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0

# Writes $work/NN.sh and NN.mark for each block, and the lines of those without a mark.
awk -v "work=$work" '
    /^<!-- run.* -->$/ { mark = $0; next }
    /^    / {
        if (!inside) {
            inside = 1
            if (mark == "") print NR
            name = sprintf("%s/%02d", work, ++count)
            print mark > (name ".mark")
            print NR > (name ".line")
        }
        print substr($0, 5) > (name ".sh")
        next
    }
    /^$/ { if (inside) { blank = 1 }; next }
    { inside = 0; mark = "" }
' "$page" >"$work/unmarked"
while read -r line; do
    echo "docs_contribute: $page:$line: commands without a line <!-- run --> in front"
    failures=1
done <"$work/unmarked"

# The sources as they are now, with history, since the gate compares.
copy=$work/hakmem
git clone -q --no-hardlinks . "$copy" 2>/dev/null || { echo 'docs_contribute: the sources are no repository: skipped' && exit 77; }
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ -f "$file" ] && printf '%s\0' "$file"
done | xargs -0 cp --parents -pt "$copy"
cd "$copy" || exit 2
export GIT_AUTHOR_NAME=nobody GIT_AUTHOR_EMAIL=nobody@localhost GIT_COMMITTER_NAME=nobody
export GIT_COMMITTER_EMAIL=nobody@localhost GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git add -A && git commit -qm 'as it is' --allow-empty && git update-ref refs/heads/main HEAD && unset HAKMEM_SOURCE

# In the short form the commands that build, run or fuzz are left out; what edits files stays.
short_form() {
    grep -vE '^ *((HAKMEM_[A-Z_]+=[^ ]* )*build/|cmake |ci/|tests/|export )' "$1"
}

check_calls() {
    local block=$1 command
    while read -r command; do
        [ -x "$command" ] || { echo "  there is no $command" && return 1; }
    done < <(grep -oE '^(ci|tests)/[a-z-]+' "$block")
    while read -r command; do
        grep -qE "^ *(Stage\(\"$command\"|Usage)|\"$command\"" ci/gatekeeper/stages.py || { echo "  no stage $command" && return 1; }
    done < <(sed -n 's/^ci\/gate .*--only \([a-z-]*\).*/\1/p' "$block")
}

blocks=0
for block in "$work"/*.sh; do
    [ -f "$block" ] || break
    blocks=$((blocks + 1))
    mark=$(cat "${block%.sh}.mark") line=$(cat "${block%.sh}.line") wanted=0 code=0
    [[ $mark =~ ends\ with\ ([0-9]+) ]] && wanted=${BASH_REMATCH[1]}
    if ! bash -n "$block" || ! check_calls "$block"; then
        echo "docs_contribute: $page:$line: wrong"
        failures=1
    fi
    if [ -n "$long" ]; then
        [ -z "${HAKMEM_SKIP:-}" ] || [[ $mark != *"$HAKMEM_SKIP"* ]] || continue
        echo "docs_contribute: $page:$line"
        bash -e "$block" >"$block.out" 2>&1 </dev/null || code=$?
    else
        edits=$(grep -cE '^sed -i|^sed .*\\$|^printf .*>corpus|^cat >(corpus|fuzz_targets)' "$block")
        before=$(git status --porcelain -uall | sort) contents=$(git diff | cksum)
        short_form "$block" >"$block.short"
        bash -e "$block.short" >"$block.out" 2>&1 </dev/null || code=$?
        wanted=0
        if [ "$edits" -gt 0 ] && [ "$before" = "$(git status --porcelain -uall | sort)" ] && [ "$contents" = "$(git diff | cksum)" ]; then
            echo "docs_contribute: $page:$line: these edits change nothing" && failures=1
        fi
        while read -r file; do
            git diff --quiet -- "$file" && echo "docs_contribute: $page:$line: $file is not changed" && failures=1
        done < <(sed -n 's/^sed -i .* \([a-z_]*\/[a-z_.]*\)$/\1/p' "$block")
    fi
    if [ "$code" -ne "$wanted" ]; then
        echo "docs_contribute: $page:$line: ended with $code, not with $wanted:"
        tail -n 30 "$block.out" | sed 's/^/    /'
        failures=1
    fi
done
[ "$blocks" -gt 5 ] || { echo "docs_contribute: $page has $blocks blocks of commands" && failures=1; }
[ "$failures" -eq 0 ] && echo "docs_contribute: $blocks blocks ${long:+run}${long:-can be run}"
exit "$failures"
