# shellcheck shell=bash
# lib: what the scripts of ci/ share. Sourced; sets `root` and changes to it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 2
cd "$root" || exit 2

# Exit code of every script: 0 clean, 1 finding, 2 could not run.
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 2
}

# run_logged LOG COMMAND...: quiet when it works; the end of its output when not.
run_logged() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if "$@" >>"$log" 2>&1 </dev/null; then
        return 0
    fi
    printf '%s: this failed: %s\n' "${0##*/}" "$*" >&2
    tail -n 40 "$log" | sed 's/^/    /' >&2
    printf '%s: the whole log is %s\n' "${0##*/}" "$log" >&2
    return 1
}

# Names of the fuzz targets, one a line, from the one table.
target_names() {
    sed -n 's/^ *X([A-Z_]*, "\([a-z_]*\)".*/\1/p' oracle/target.h
}

# The fault a target plants when none is asked for; nothing for most.
planted_fault() {
    sed -n "s/^ *X([A-Z_]*, \"$1\", [^,]*, [^,]*, \"\([a-z0-9-]*\)\".*/\1/p" oracle/target.h
}

# Faults of the catalogue, one a line: its name and the target that reaches it soonest.
fault_targets() {
    local name id
    sed -n '/^#define CATALOGUE/,/^$/p' oracle/fault.c | tr -d "\\\\" | paste -sd ' ' | sed 's/ROW(with, /\n&/g' |
        sed -n 's/^ROW(with, [A-Z0-9_]*, *"\([a-z0-9-]*\)".*, *\([A-Z]*\)) *$/\1 \2/p' |
        while read -r name id; do
            echo "$name $(sed -n "s/^ *X($id, \"\([a-z_]*\)\".*/\1/p" oracle/target.h)"
        done
}

# Build trees are configured for the place they are in; one that was copied or moved starts afresh.
drop_foreign_tree() {
    local cache=build/$1/CMakeCache.txt
    if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
        rm -rf "$cache" "build/$1/CMakeFiles"
    fi
}
