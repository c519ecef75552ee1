#!/usr/bin/env bash
# preload_programs: real programs do the same work with and without libhakmem.so in front of libc; what they print, their
# exit status and every file they leave must be the same, byte for byte.
#
# A library that does not load would pass such a comparison, so it is first proven for each program that its malloc is
# ours: the loader says where it binds the name. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree with libhakmem.so}" "${HAKMEM_SOURCE:?the root of the sources}"
library=$(cd "$HAKMEM_BUILD" && pwd)/libhakmem.so || exit 2
HAKMEM_SOURCE=$(cd "$HAKMEM_SOURCE" && pwd) || exit 2
helpers=$HAKMEM_SOURCE/tests/preload_helpers
[ -f "$library" ] || { echo "preload_programs: $library is not built" >&2; exit 2; }

# A wrapper that forwards to an interpreter somewhere else would be what is measured; prefer the system's own.
PATH=/usr/bin:/bin:$PATH
export PATH LC_ALL=C TZ=UTC PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PERL_HASH_SEED=0
unset LD_PRELOAD LD_DEBUG
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
export SOURCE=$work/source # a copy, so that nobody changes it between two runs
mkdir "$SOURCE" && cp -r "$HAKMEM_SOURCE/allocator" "$HAKMEM_SOURCE/oracle" "$SOURCE" || exit 2
failures=0 done_count=0

fail() {
    printf 'FAILED: %s: %s\n' "$name" "$1"
    failures=$((failures + 1))
}

# binds_to_us COMMAND...: whether the loader binds some malloc of this program to the library.
binds_to_us() {
    rm -f "$work"/bindings*
    LD_DEBUG=bindings LD_BIND_NOW=1 LD_DEBUG_OUTPUT=$work/bindings "$@" >/dev/null 2>&1 </dev/null
    cat "$work"/bindings* 2>/dev/null | grep -q "to $library .*symbol .malloc'"
}

# in_use PROGRAM: a short run with the library, and one without it so that the question itself is proven.
in_use() {
    LD_PRELOAD=$library binds_to_us "$1" --version || { fail "malloc of $1 is not ours in spite of LD_PRELOAD"; return 1; }
    ! binds_to_us "$1" --version || { fail "malloc of $1 is ours without LD_PRELOAD: the check is worth nothing"; return 1; }
}

# run_in WHERE FUNCTION PRELOAD: always in the same directory, since programs print where they are; then out of the way.
run_in() {
    mkdir "$work/here" && cd "$work/here" || exit 2
    (
        export HOME=$work/here
        if [ -n "$3" ]; then export LD_PRELOAD=$3; fi
        timeout 120 bash -c "$2" >stdout 2>stderr </dev/null
        echo $? >status
    )
    cd "$work" && mv here "$1" || exit 2
}

# same NAME PROGRAM STATUS SCRIPT: run the script both ways. It must end with the status, so that a program that cannot do
# its work either way is no success.
same() {
    name=$1
    in_use "$2" || return
    run_in "$work/plain.$1" "$4" ''
    run_in "$work/preload.$1" "$4" "$library"
    if [ "$(cat "$work/plain.$1/status")" -ne "$3" ]; then
        fail "without the library it ended with $(cat "$work/plain.$1/status"), not $3: $(tail -n 3 "$work/plain.$1/stderr")"
    elif ! diff -r "$work/plain.$1" "$work/preload.$1" >"$work/difference" 2>&1; then
        fail "it differs with the library:"
        head -c 2000 "$work/difference"
    else
        done_count=$((done_count + 1))
        printf 'ok %s\n' "$name"
    fi
}

# ---- programs --------------------------------------------------------------------------------------------------------

cc=$(command -v cc || command -v gcc || command -v clang) || { echo "preload_programs: no C compiler" >&2; exit 2; }
"$cc" -std=c17 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -fno-builtin -pthread "$helpers/threads.c" -o "$work/threads" || exit 2
same threads "$work/threads" 7 "'$work/threads'"

name='/proc/self/maps'
LD_PRELOAD=$library grep -qF "$library" /proc/self/maps || fail 'a child does not have the library mapped'

same python3 "$(command -v python3)" 3 "python3 '$helpers/work.py'"
same perl "$(command -v perl)" 5 "perl '$helpers/work.pl'"
same sqlite3 "$(command -v sqlite3)" 0 "sqlite3 items.db <'$helpers/work.sql'"

# The index holds times and inode numbers of the files, so it is left out at the end.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example.org GIT_COMMITTER_DATE='1700000000 +0000'
same git "$(command -v git)" 0 '
    set -e
    git -c init.defaultBranch=main init .
    git config pack.threads 1
    git config gc.auto 0
    cp -r "$SOURCE/allocator" .
    git add allocator
    git commit -m first
    for i in 1 2 3 4 5 6 7 8; do
        for file in allocator/*.c; do sed -i "${i}s/\$/ line $i/" "$file"; done
        sed -n "$i,\$p" allocator/malloc.c >"copy$i.c"
        git add -A allocator "copy$i.c"
        git commit -m "commit $i"
    done
    git mv copy1.c moved.c
    git commit -m moved
    git log --stat -p -M
    git diff HEAD~5 --patience --word-diff
    git blame allocator/malloc.c
    git grep -n -E "hak_[a-z]+\(" HEAD~3
    git repack -a -d -f --depth=20 --window=20
    git gc --quiet
    git fsck --full --strict
    git clone --quiet --no-local . copy
    git -C copy log --oneline
    git ls-files -s
    rm -rf copy/.git/index .git/index'

same gcc "$($cc -print-prog-name=cc1)" 0 '
    cd "$SOURCE" &&
    gcc -std=c17 -D_GNU_SOURCE -I. -O2 -fPIC -c allocator/malloc.c -o "$HOME/malloc.o" &&
    gcc -std=c17 -D_GNU_SOURCE -I. -O2 -S oracle/text_assemble.c -o "$HOME/text.s"'
if command -v clang >/dev/null; then
    same clang "$(command -v clang)" 0 '
        cd "$SOURCE" &&
        clang -std=c17 -D_GNU_SOURCE -I. -O2 -fPIC -c allocator/malloc.c -o "$HOME/malloc.o"'
else
    echo 'preload_programs: note: there is no clang here, so it is left out'
fi

if [ "$failures" -gt 0 ]; then
    echo "preload_programs: $failures failed"
    exit 1
fi
echo "preload_programs: $done_count programs do the same with the library"
