#!/usr/bin/env bash
# cli_threads: the verbs of hakfuzz that are for programs with threads: sites, orders, explore.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"

# ---- sites and orders ------------------------------------------------------------------------------------------------

expect 'sites: where the scheduler may switch' 0 "$hakfuzz" sites
has out '^remote\.c:[0-9]+ weak cas +release, failing relaxed'
has out '^pool\.c:[0-9]+ lock +acquire'
expect 'sites: --json' 0 "$hakfuzz" sites --json
has out '"kind":	"plain store"'
expect 'sites: no arguments' 2 "$hakfuzz" sites remote.c
has err 'it takes no arguments'

# What must be found, whatever else changes: the two ends of the remote queue, a lock, and what is published once.
orders_corpus=$HAKMEM_SOURCE/corpus/threads
for site in 'remote.c' 'process.c' 'heaps.c' 'tidy.c' 'shards.c:1'; do
    expect "orders: $site" 0 "$hakfuzz" orders --max-runs 20000 --site "$site" "$orders_corpus"
    has out '^([0-9]+) of \1 orders found'
done
expect 'orders: --json' 0 "$hakfuzz" orders --max-runs 0 --json -o . --site remote.c "$orders_corpus"
has out '"check":	"race"'
has out '"weakened":	"relaxed"'
[ -n "$(find . -name 'remote.c-*-weak-cas-relaxed.bin' -size +0)" ] || fail "$name" 'a program in the directory of --output'
expect 'orders: not found' 1 "$hakfuzz" orders --max-runs 10 --site stats.c:
has out 'not found'
has out '^0 of [0-9]+ orders found'
expect 'orders: no such site' 2 "$hakfuzz" orders --site nowhere.c
has err 'nowhere.c'
expect 'orders: no such file' 2 "$hakfuzz" orders --site remote.c nowhere
has err "'nowhere': No such file"
expect 'orders: --max-runs below 0' 2 "$hakfuzz" orders --max-runs -1
has err '--max-runs is -1, but must be from 0'

# ---- explore ---------------------------------------------------------------------------------------------------------

pushes=$HAKMEM_SOURCE/corpus/remote/seed/two-pushes.hak
expect 'explore: the target of the path; complete' 0 "$hakfuzz" explore --preemptions 99 "$pushes"
has out '^[0-9]+ schedules run, [1-9][0-9]* pruned, [1-9][0-9]* states, 4 at the end'
has out '^clean with at most [0-9]+ preemptions; complete: '
expect 'explore: a bound that leaves something out' 0 "$hakfuzz" explore --preemptions 1 "$pushes"
has out '^clean with at most 1 preemption; more preemptions may lead to more states'
expect 'explore: a finding' 1 "$hakfuzz" explore --fault push-keeps-head -o found.hak "$pushes"
has out '^hakmem-finding: .*"signature":"livelock/'
has out '^found with 1 preemption$'
has out '^hakfuzz repro --target remote --fault push-keeps-head found.hak$'
expect 'explore: its input replays to the same signature' 1 "$hakfuzz" repro --times 3 --target remote --fault push-keeps-head found.hak
has out '^signature livelock/.*: 3 of 3 equal'
expect 'explore: its input on standard output' 1 "$hakfuzz" explore --fault push-keeps-head "$pushes"
has out '^gene at=[01] yield=[1-9] go=[12]'
expect 'explore: --json' 0 "$hakfuzz" explore --json --preemptions 99 "$pushes"
has out '"complete":	true'
expect 'explore: --json of a finding' 1 "$hakfuzz" explore --json --fault push-keeps-head "$pushes"
has out '"deterministic":	true'
has out '"preemptions":	1,'
expect 'explore: a target with one thread has one schedule' 2 "$hakfuzz" explore --target sequence "$pushes"
has err "target 'sequence' has one thread"
expect 'explore: a bound out of range' 2 "$hakfuzz" explore --preemptions -1 "$pushes"
has err '--preemptions is -1, but must be from 0'
expect 'explore: where the input cannot be written' 2 "$hakfuzz" explore --fault push-keeps-head -o /nosuch/found.hak "$pushes"
has err "'/nosuch/found.hak' cannot be written"

finish
