#!/usr/bin/env bash
# differential: target differential looks at libc's side too: with a malloc in libc's place that has a bug
# (tests/planted/planted.c), it is libc that diverges, by the fact that was broken; with a right one nobody does.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
unset HAKMEM_PLANTED
planted=$HAKMEM_BUILD/planted.so fuzz=$HAKMEM_BUILD/fuzz_differential
[ -f "$planted" ] || { echo 'differential: planted.so is not in this build: nothing to test' && exit 77; }

on=(env LD_PRELOAD="$planted")
run=("$fuzz" --random --seed 1 --runs 300 --artifacts found)
expect 'a right malloc in its place' 0 "${on[@]}" "${run[@]}"
while read -r bug words; do
    [ -n "$bug" ] || continue
    expect "libc with $bug" 1 "${on[@]}" HAKMEM_PLANTED="$bug" "${run[@]}"
    has out "^hakmem-finding: .\"check\":\"divergence\",.*\"message\":\"libc: $words.*; not so the model and hakmem\""
done <<'END'
zero-late zero, by calloc: byte 0 of
usable-small usable, by usable: [0-9]+ bytes of
errno-free errno-free, by free
errno-missing errno-failure, by [a-z_]+: NULL, with errno left alone
align alignment, by [a-z_]+: the address is no multiple of
END
finish
