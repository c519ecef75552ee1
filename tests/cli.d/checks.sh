# shellcheck shell=bash
# checks: what tests/cli*.sh share: a folder of their own to work in, and one line a check. The first check that fails
# ends the test with what was expected and what was seen. To be sourced.
: "${HAKMEM_BUILD:?the build tree with hakfuzz}" "${HAKMEM_SOURCE:?the root of the sources}"
HAKMEM_BUILD=$(cd "$HAKMEM_BUILD" && pwd) || exit 2
hakfuzz=$HAKMEM_BUILD/hakfuzz
[ -x "$hakfuzz" ] || { echo "$hakfuzz is not built" >&2; exit 2; }
unset HAKMEM_FAULT NO_COLOR

work=$(mktemp -d) || exit 2
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
export TMPDIR=$work/tmp LC_ALL=C
mkdir "$TMPDIR"
cd "$work" || exit 2
checks=0

fail() {
    printf 'FAILED: %s\n  expected: %s\n  seen: exit %s\n' "$1" "$2" "$code"
    sed 's/^/    stdout| /' out | head -n 40
    sed 's/^/    stderr| /' err | head -n 40
    exit 1
}

# expect NAME EXIT COMMAND...: run it; standard output and error are in out and err afterwards.
expect() {
    name=$1
    local wanted=$2
    shift 2
    timeout 120 "$@" >out 2>err </dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || fail "$name: $*" "exit $wanted"
    checks=$((checks + 1))
    printf 'ok %s\n' "$name"
}

# has FILE REGEX / lacks FILE REGEX: about the last command.
has() {
    grep -aqE -- "$2" "$1" || fail "$name" "'$2' in std$1"
}
lacks() {
    ! grep -aqE -- "$2" "$1" || fail "$name" "no '$2' in std$1"
}
# same A B: two files with the same bytes.
same() {
    cmp -s "$1" "$2" || fail "$name" "$1 and $2 hold the same bytes: $(cmp "$1" "$2" 2>&1)"
}

# The last line of a test.
finish() {
    [ -z "$(ls -A "$TMPDIR")" ] || fail 'temporary files are gone' "an empty TMPDIR, not $(ls -A "$TMPDIR")"
    printf '%s: %d checks passed\n' "$(basename "$0" .sh)" "$checks"
}
