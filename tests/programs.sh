#!/usr/bin/env bash
# programs: the short form of tests/programs; and that it sees a library that is not in use, one that leaks, and one
# that changes what programs do. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree with libhakmem.so}" "${HAKMEM_SOURCE:?the root of the sources}"
programs=$HAKMEM_SOURCE/tests/programs
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0

# finds WHAT DEFINITION ARGUMENT...: with a library that is bad so, tests/programs ends with 1 and says so.
finds() {
    local what=$1 definition=$2 status
    shift 2
    gcc -std=c17 -O1 -shared -fPIC -fno-builtin "$definition" "$HAKMEM_SOURCE/tests/programs.d/bad_malloc.c" \
        -o "$work/bad.so" || exit 2
    "$programs" --library "$work/bad.so" "$@" >"$work/said" 2>&1
    status=$?
    if [ "$status" -ne 1 ] || ! grep -q "FAILED in .*$what" "$work/said"; then
        echo "programs: $definition: it ended with $status, which should be 1, and should say '$what':"
        sed 's/^/    /' "$work/said"
        failures=1
    fi
}

finds 'its malloc is not ours' -DBAD_NOTHING --quick --only calls
finds 'it grows' -DBAD_LEAK=1 --only threads200
finds 'it differs with the library' -DBAD_SPOIL=1 --quick --only perl
"$programs" --quick --library "$HAKMEM_BUILD/libhakmem.so" || failures=1
exit "$failures"
