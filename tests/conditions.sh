#!/usr/bin/env bash
# conditions: the short form of tests/conditions; and that it sees a malloc that does not say when there is no memory,
# one that crashes then, one that keeps what is freed, one that writes to the program's files, and none at all.
# Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree with libhakmem.so}" "${HAKMEM_SOURCE:?the root of the sources}"
conditions=$HAKMEM_SOURCE/tests/conditions
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0

# finds DEFINITION CONDITION SAID: with a library that is bad so, tests/conditions ends with 1 and says so. The object
# it links is ours, so it is the library that is found.
finds() {
    local status
    gcc -std=c17 -O1 -shared -fPIC -fno-builtin "$1" "$HAKMEM_SOURCE/tests/conditions.d/bad_malloc.c" \
        -o "$work/bad.so" || exit 2
    "$conditions" --quick --library "$work/bad.so" --object "$HAKMEM_BUILD/hakmem.o" --only "$2" >"$work/said" 2>&1
    status=$?
    if [ "$status" -ne 1 ] || ! grep -q "^FAILED: $2: preload .*" "$work/said" || ! grep -q "$3" "$work/said"; then
        echo "conditions: $1: with --only $2 it ended with $status, which should be 1, and should say '$3':"
        sed 's/^/    /' "$work/said"
        failures=1
    fi
}

finds -DBAD_ERRNO=1 plain 'required: errno == '
finds -DBAD_NULL=1 address_space 'exit status 139'
finds -DBAD_WORDS=1 descriptors 'preload files data'
finds -DBAD_SILENT=1 plain 'served by another malloc'
if grep -q 'cgroup: ok' <("$conditions" --quick --library "$HAKMEM_BUILD/libhakmem.so" --only cgroup); then
    finds -DBAD_KEEP=1 cgroup 'exit status 137'
fi
"$conditions" --quick --library "$HAKMEM_BUILD/libhakmem.so" || failures=1
exit "$failures"
