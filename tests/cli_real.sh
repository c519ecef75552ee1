#!/usr/bin/env bash
# cli_real: hakfuzz real, and the engine real of hakfuzz detect. What threads do is never the same; what these say is.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"

seed=$HAKMEM_SOURCE/corpus/threads/seed/adoption-chain.hak
printf 'hakmem 1\nt0 malloc s0 max\n' >refused.hak
printf 'hakmem 1\nt0 malloc s0 48\nt0 fork\nt1 free s0\n' >two.hak

expect 'real: a file' 0 "$hakfuzz" real "$seed"
has out '^programs 1, runs 1, operations [1-9][0-9]*, skipped [0-9]+, not carried out [0-9]+, threads [1-9][0-9]*, findings 0$'
expect 'real: virtual order' 0 "$hakfuzz" real --order virtual two.hak
has out '^programs 1, runs 1, operations 2, skipped 0, not carried out 1, threads 3, findings 0$'
expect 'real: many threads, many times' 0 "$hakfuzz" real --threads 40 --times 3 refused.hak
has out '^programs 1, runs 1, operations 30, skipped 0, not carried out 0, threads 60, findings 0$'
expect 'real: generated programs' 0 "$hakfuzz" real --generate 5 --seed 3
has out '^programs 5, runs 5, '
expect 'real: a directory, without what tries a component' 0 "$hakfuzz" real "$HAKMEM_SOURCE/corpus/map" "$seed"
has out '^programs [0-9]+, runs 1, '
has out '^left out [1-9][0-9]* programs of targets that try a component'
expect 'real: --json' 0 "$hakfuzz" real --json two.hak
has out '"not_carried_out":	1'
has out '"complete":	true'
has out '"findings":	\[\]'

# A malloc that interrupts the tool, as Ctrl-C would, from the run that asks for memory; not from the first look at the
# library, which asks for 64 bytes.
gcc -shared -fPIC -x c - -o interrupts.so <<'END' || exit 2
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
void *cut_malloc(size_t size_bytes) {
    if (size_bytes != 64) {
        kill(getppid(), SIGINT);
    }
    return malloc(size_bytes);
}
void cut_free(void *block) { free(block); }
END
expect 'real: what was cut short is not clean' 2 \
    "$hakfuzz" real --malloc ./interrupts.so --prefix cut_ --seconds 600 --json two.hak
has err '^hakfuzz real: interrupted: '
has out '"complete":	false'

expect 'real: a finding' 1 "$hakfuzz" real --fault errno-missing refused.hak
has out '^refused.hak: errno-contract: errno is .* \(record 0, signature errno-contract/malloc/real-threads\)$'
expect 'real: a finding as JSON' 1 "$hakfuzz" real --json --fault errno-missing refused.hak
has out '"check":	"errno-contract"'
has out '"fault_triggered":	1'
expect 'real: a crash is a finding, and what was said is shown' 1 "$hakfuzz" real --order virtual --fault release-under-remote "$HAKMEM_SOURCE/corpus/threads/regress/release-under-remote.hak"
has out '/release-under-remote.hak: [a-z-]+: '
expect 'real: it goes on after a finding' 1 "$hakfuzz" real --keep-going --fault errno-missing refused.hak two.hak
has out '^programs 2, runs 2, .* findings 1$'

expect 'real: the malloc of the process' 0 "$hakfuzz" real --malloc libc "$seed"
if [ -f "$HAKMEM_BUILD/libhakmem.so" ]; then
    expect 'real: a malloc by its libc names' 0 "$hakfuzz" real --malloc "$HAKMEM_BUILD/libhakmem.so" "$seed"
    expect 'real: a malloc by its prefix' 0 "$hakfuzz" real --malloc "$HAKMEM_BUILD/libhakmem.so" --prefix hak_ "$seed"
fi
expect 'real: no such malloc' 2 "$hakfuzz" real --malloc ./nowhere.so "$seed"
has err 'nowhere.so'
expect 'real: no such names' 2 "$hakfuzz" real --malloc "$HAKMEM_BUILD/hakmem_trial.so" --prefix mi_ "$seed"
has err 'has no mi_malloc; --prefix says'
expect 'real: a fault that only hakmem has' 2 "$hakfuzz" real --malloc libc --fault owner-8bit "$seed"
has err 'only hakmem as it is built to be tried has faults'
expect 'real: the copy to be tried is missing' 2 bash -c "cp '$hakfuzz' . && ./hakfuzz real '$seed'"
has err 'hakmem_trial.so is not beside this tool'
expect 'real: no such order' 2 "$hakfuzz" real --order any "$seed"
has err "no order 'any'; there are free and virtual"
expect 'real: no threads' 2 "$hakfuzz" real --threads 0 "$seed"
has err '--threads is 0, but must be from 1'
expect 'real: a component' 2 "$hakfuzz" real --target map "$seed"
has err 'target map tries a component'
expect 'real: a file and generated programs' 2 "$hakfuzz" real --generate 3 "$seed"
has err "--generate and '.*' exclude each other"
expect 'real: a seed and a file' 2 "$hakfuzz" real --seed 5 "$seed"
has err "^hakfuzz real: --seed is of generated programs, and '.*' is none; see "
expect 'real: a prefix without a malloc' 2 "$hakfuzz" real --prefix hak_ "$seed"
has err '^hakfuzz real: --prefix is of the functions of a --malloc, and there is none; see '
expect 'real: no such file' 2 "$hakfuzz" real nowhere
has err "'nowhere': No such file"

# ---- detect ----------------------------------------------------------------------------------------------------------

expect 'detect: on real threads' 0 "$hakfuzz" detect --engine real --trials 2 --fault errno-missing
has out 'errno-contract 2'
expect 'detect: two engines beside each other' 0 "$hakfuzz" detect --against real --trials 2 --fault errno-missing,born-marked
has out '^\| `errno-missing` \| .* \| 2/2 \| .* \| 2/2 \| '
has out '^\| `born-marked` \| .* \| 2/2 \| .* \| 2/2 \| '
expect 'detect: two engines as JSON' 0 "$hakfuzz" detect --against real --trials 1 --json --fault errno-missing
has out '"against":	"real"'
has out '"seconds_most"'
expect 'detect: a trial that gives up' 1 "$hakfuzz" detect --engine real --trials 1 --max-runs 3 --fault push-keeps-head
has out 'not found'
has out ', 1 trial, at most 3 executions each\)$'
expect 'detect: no such engine' 2 "$hakfuzz" detect --against nobody
has err "no engine 'nobody'; there are builtin libfuzzer afl naive naive-builtin real"
expect 'detect: an engine against itself' 2 "$hakfuzz" detect --against builtin --trials 1 --max-runs 1 --fault born-marked
has err '^hakfuzz detect: --against builtin: that is an engine already'
expect 'detect: an ablation of two engines' 2 "$hakfuzz" detect --against real --ablation --fault born-marked
has err '^hakfuzz detect: --ablation is a table of one engine, and goes without --against'
expect 'detect: without no guide' 2 "$hakfuzz" detect --without '' --trials 1 --max-runs 1 --fault born-marked
has err '^hakfuzz detect: --without names no guide; there are '
[ "$(wc -l <err)" -eq 1 ] || fail "$name" 'one line'

finish
