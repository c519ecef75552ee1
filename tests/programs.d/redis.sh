#!/usr/bin/env bash
# redis: a server on loopback is filled, asked for a digest of all data, forked, loaded by many clients, reloaded,
# emptied; again and again in one process. LD_PRELOAD is for the server alone. Prints digests, the same in every round.
#
# Usage: redis.sh ROUNDS SIZES COUNT   The file SIZES gets what the server occupies after each round.
set -u
rounds=$1 sizes=$2 count=$3
here=$(dirname "${BASH_SOURCE[0]}")
preload=${LD_PRELOAD:-}
unset LD_PRELOAD
data=$(mktemp -d) || exit 2
server='' port='' # while it runs; where it listens
cleanup() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
    rm -rf "$data"
}
trap cleanup EXIT

die() {
    echo "redis: $1" >&2
    tail -n 5 "$data/log" >&2
    exit 1
}

cli() {
    redis-cli -h 127.0.0.1 -p "$port" "$@"
}

fact() { # fact SECTION NAME
    cli info "$1" | tr -d '\r' | sed -n "s/^$2://p"
}

# The package with the service is not needed: the checker is the same program by another name.
binary=$(command -v redis-server || command -v redis-check-rdb) || die 'there is no redis here (ci/setup --test)'

# Somebody may have the port, or take it first: the server that answers must be this one.
start() {
    local deadline
    for port in $(python3 -c 'import random; print(*random.sample(range(20000, 32000), 20))'); do
        (
            if [ -n "$preload" ]; then export LD_PRELOAD=$preload; fi
            exec -a redis-server "$binary" --bind 127.0.0.1 --port "$port" --dir "$data" --save '' --appendonly no \
                --enable-debug-command local --io-threads 2 >"$data/log" 2>&1 </dev/null
        ) &
        server=$!
        deadline=$((SECONDS + 20))
        while kill -0 "$server" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
            if [ "$(fact server process_id 2>/dev/null)" = "$server" ]; then return; fi
            sleep 0.05
        done
        kill -KILL "$server" 2>/dev/null
        wait "$server" 2>/dev/null
        server=''
        grep -qi 'in use' "$data/log" || break
    done
    die 'the server did not start'
}

round() {
    cli flushall sync >"$data/reply" || die 'it could not be emptied'
    cli --pipe <"$data/commands" >"$data/reply" || die 'it could not be filled'
    grep -q 'errors: 0,' "$data/reply" || die "it complains about the data: $(cat "$data/reply")"
    echo "filled: $(cli dbsize) keys, $(cli debug digest)"
    cli bgsave >"$data/reply" || die 'it did not fork'
    redis-benchmark -h 127.0.0.1 -p "$port" -n 20000 -c 50 -P 10 -q \
        -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset >"$data/benchmark" 2>&1 ||
        die 'redis-benchmark failed'
    while [ "$(fact persistence rdb_bgsave_in_progress)" = 1 ]; do sleep 0.05; done
    echo "loaded: $(cli dbsize) keys, $(cli debug digest), saved: $(fact persistence rdb_last_bgsave_status)"
    echo "reloaded: $(cli debug reload) $(cli debug digest)"
    cli flushall sync >"$data/reply"
}

python3 "$here/redis_data.py" "$count" >"$data/commands" || die 'there are no commands to fill it with'
start
echo "mem_allocator: $(fact memory mem_allocator)"
if [ -n "$preload" ]; then
    grep -qF "$preload" "/proc/$server/maps" || die 'the server does not have the library'
fi
: >"$sizes"
for ((i = 1; i <= rounds; i++)); do
    round >"$data/now"
    if [ "$i" -eq 1 ]; then
        cp "$data/now" "$data/first" && cat "$data/first"
    elif ! diff "$data/first" "$data/now" >&2; then
        die "round $i differs from the first"
    fi
    awk '/^VmSize:/ { size = $2 } /^VmRSS:/ { print size, $2 }' "/proc/$server/status" >>"$sizes"
done
cli shutdown nosave >"$data/reply" 2>&1
wait "$server"
status=$?
server=''
echo "server ended with $status"
