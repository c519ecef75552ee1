#!/usr/bin/env bash
# docs_invariants: the numbers and texts of docs/invariants.md are those of the allocator's proofs, without a gap, and the
# order of locks in docs/architecture.md is the one that fork takes them in.
set -u
cd "${HAKMEM_SOURCE:-$(dirname "$0")/..}" || exit 2
failures=0

# equal WHAT A B: two texts, of which none may be empty.
equal() {
    if [ -z "$2" ] || [ -z "$3" ]; then
        echo "docs_invariants: $1: one side is empty"
        failures=1
    elif ! diff <(echo "$2") <(echo "$3"); then
        echo "docs_invariants: $1: the code (<) and the document (>) differ"
        failures=1
    fi
}

in_code=$(grep -ohE '"I[0-9]+: [^"]*"' allocator/*.c | tr -d '"' | sort -u -t : -k 1.2n,1 -k 2)
in_text=$(sed -nE 's/^\| (I[0-9]+) \| ([^|]*) \|.*/\1: \2/p' docs/invariants.md)
equal 'invariants' "$in_code" "$in_text"
numbers=$(cut -d : -f 1 <<<"$in_text")
equal 'numbers from I1 on, each once' "$(seq -f 'I%g' "$(wc -l <<<"$numbers")")" "$numbers"

in_code=$(sed -n '/^void hak_fork_prepare/,/^}/p' allocator/process.c |
    sed -nE 's/.*hak_lock_acquire\(&(hak_root\.)?([a-z]+)(\.|->)lock\).*/\2/p; s/.*hak_run_lock_all.*/runs\nshard/p; s/.*hak_big_lock.*/big/p' |
    paste -sd ' ' | sed 's/ / -> /g')
in_text=$(sed -nE 's/^ +(heaps -> .* -> meta)$/\1/p' docs/architecture.md)
equal 'order of locks' "$in_code" "$in_text"

[ "$failures" -eq 0 ] && echo 'docs_invariants: code and documents agree'
exit "$failures"
