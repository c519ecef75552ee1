#!/usr/bin/env bash
# mutants: tools/mutants makes of a small file what it should, and nothing where it should not; names of mutants do not
# change when something else does; docs/mutants.md lists no mutant that is not there, and a stale one would be seen.
# Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree with hakfuzz}"
cd "${HAKMEM_SOURCE:-$(dirname "$0")/..}" || exit 2
mutants=tools/mutants/mutants
if ! /usr/bin/python3 -c 'from clang import cindex; cindex.Index.create()' 2>/dev/null; then
    echo "mutants: python3-clang is not installed (ci/setup --test)"
    exit 77
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0

complain() { # complain WHAT: the lines on standard input are what is wrong; none is fine
    local lines
    lines=$(cat)
    if [ -n "$lines" ]; then
        printf 'mutants: %s:\n    %s\n' "$1" "${lines//$'\n'/$'\n'    }"
        failures=1
    fi
}
shopt -s lastpipe # complain counts, so it must not run in a process of its own

small=tests/mutants.d/small.c
$mutants --file $small --list >"$work/list" 2>&1
diff <(sed 's/^[^:]*:\([0-9]*\): [0-9a-f]* /\1 /' "$work/list") tests/mutants.d/small.expected |
    complain "of $small (<) should come what small.expected says (>)"
cut -d ' ' -f 2 "$work/list" | sort | uniq -d | complain 'two mutants of one name'

# By the name that users know it by, and from where it is not.
"$HAKMEM_BUILD/hakfuzz" detect --file $small --mutants --list 2>&1 | diff - "$work/list" |
    complain 'hakfuzz detect --mutants (<) is not tools/mutants (>)'
(cd "$work" && "$HAKMEM_BUILD/hakfuzz" detect --mutants) >"$work/said" 2>&1
if [ $? -ne 2 ] || ! grep -q 'it works in the root of the sources' "$work/said"; then
    complain 'hakfuzz detect --mutants elsewhere should say where to go, and end with 2' <"$work/said"
fi

# The same file with another line on top, at the same place of another tree.
mkdir -p "$work/tree/tests/mutants.d" "$work/tree/docs"
cp -R allocator "$work/tree"
sed '1i /* one line more */' $small >"$work/tree/$small"
: >"$work/tree/docs/mutants.md"
(cd "$work/tree" && "$OLDPWD/$mutants" --file $small --list) >"$work/moved" 2>&1
diff <(cut -d ' ' -f 2- "$work/list") <(cut -d ' ' -f 2- "$work/moved") | complain 'names change with the lines above'
(cd "$work/tree" && "$OLDPWD/$mutants" --file $small --sample 5 --list) | cut -d ' ' -f 2- |
    diff <($mutants --file $small --sample 5 --list | cut -d ' ' -f 2-) - |
    complain 'a sample changes with the lines above'

{ $mutants --check || true; } | grep -v ' equivalents, 0 ' | complain 'docs/mutants.md is not what the code is'
# Of a list with an entry of each kind that is wrong, each is said.
good=$($mutants --file allocator/lazy.c --list | sed -n '1s/^[^ ]* //p')
cat >"$work/tree/docs/mutants.md" <<EOF
## allocator/lazy.c

    $good

A reason.

    0123456789 nobody: delete: it -> nothing
    ${good%% *} somebody else: delete: it -> nothing
EOF
(cd "$work/tree" && "$OLDPWD/$mutants" --check) >"$work/said"
[ $? -eq 1 ] || echo 'a list that is wrong passes' | complain 'check'
for what in ':7: allocator/lazy.c has no mutant 0123456789 any more' ":8: ${good%% *} is '"; do
    grep -qF "docs/mutants.md$what" "$work/said" || sed "s|^|not said: $what; but |" "$work/said" | complain 'check'
done
printf '## allocator/lazy.c\n\n    %s\n' "$good" >"$work/tree/docs/mutants.md"
(cd "$work/tree" && "$OLDPWD/$mutants" --check) | grep 'has no reason above it' >/dev/null ||
    echo 'an equivalent without a reason passes' | complain 'check'

[ "$failures" -eq 0 ] && echo 'mutants: all is well'
exit "$failures"
