#!/usr/bin/env bash
# ci_tables: what ci/lib.sh reads out of the tables in C is all that is there: every fault of allocator/fault.h with a
# target that exists, and the fault that canary plants.
set -u
cd "${HAKMEM_SOURCE:-$(dirname "$0")/..}" || exit 2
# shellcheck source=ci/lib.sh
. ci/lib.sh
failures=0

# equal WHAT A B: two texts, of which none may be empty.
equal() {
    if [ -z "$2" ] || [ -z "$3" ] || ! diff <(echo "$2") <(echo "$3"); then
        echo "ci_tables: $1: the table (<) and ci/lib.sh (>) differ"
        failures=1
    fi
}

ids=$(sed -n '/define HAK_FAULT_TABLE/,/^$/s/^ *X(\([A-Z0-9_]*\)).*/\1/p' allocator/fault.h)
equal 'faults' "$(tr 'A-Z_' 'a-z-' <<<"$ids")" "$(fault_targets | cut -d ' ' -f 1)"
equal 'targets of faults' "$(fault_targets | cut -d ' ' -f 2 | sort -u)" \
    "$(fault_targets | cut -d ' ' -f 2 | sort -u | grep -xF "$(target_names)")"
files=$(basename -s .c fuzz_targets/fuzz_*.c | sed 's/^fuzz_//' | sort)
equal 'targets' "$files" "$(target_names | sort)"
equal 'what canary plants' "$(sed -n 's/^ *X(CANARY, .*"\([a-z-]*\)", "a planted.*/\1/p' oracle/target.h)" \
    "$(planted_fault canary)"
[ -z "$(planted_fault threads)" ] || { echo "ci_tables: threads plants $(planted_fault threads)" && failures=1; }

[ "$failures" -eq 0 ] && echo 'ci_tables: scripts and tables agree'
exit "$failures"
