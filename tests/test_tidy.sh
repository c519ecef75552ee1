#!/usr/bin/env bash
# test_tidy: what the house agreed on and a machine can check. Layers, sizes and style of the sources, scripts, and what
# the built libraries export and keep writable. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
#
# Every check first makes sure that it has something to look at: an empty list of files is a failure.
set -u
shopt -s lastpipe # complain counts, so it must not run in a process of its own
cd "${HAKMEM_SOURCE:-$(dirname "$0")/..}" || exit 2
build=${HAKMEM_BUILD:-build/release}
failures=0

complain() { # complain CHECK: the lines on standard input are what is wrong; none is fine
    local lines
    lines=$(cat)
    if [ -n "$lines" ]; then
        printf 'tidy: %s:\n' "$1"
        printf '    %s\n' "${lines//$'\n'/$'\n'    }"
        failures=$((failures + 1))
    fi
}

need() { # need WHAT COUNT: an empty list is wrong
    [ "$2" -gt 0 ] || echo "there is nothing to check" | complain "$1"
}

mapfile -t files < <(
    find . \( -path ./build -o -path ./.git -o -name __pycache__ \) -prune -o -type f ! -name '*.bin' -print |
        sed 's|^\./||' | sort
)
mapfile -t texts < <(printf '%s\n' "${files[@]}" | grep -E '\.(c|cpp|h|S|sh|py|js|css|html|md|txt|json|hak|cmake|yml|yaml|edit|clang-format|clang-tidy)$|Dockerfile$|^ci/|^\.ci/|CMakeLists|^tests/(programs|conditions|gate)$|^bench/(run|layouts)$')
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(allocator|oracle|fuzz_targets|tools|bench|tests)/.*\.[ch]$')
mapfile -t sources_cxx < <(printf '%s\n' "${files[@]}" | grep -E '\.cpp$')
mapfile -t scripts < <(for file in "${texts[@]}"; do head -n 1 "$file" | grep -qE '^#!.*sh\b|shellcheck shell=' && echo "$file"; done)
mapfile -t pages < <(printf '%s\n' "${files[@]}" | grep -E '\.(js|css|html|py)$')
need texts ${#texts[@]}
need sources ${#sources[@]}
need 'C++ sources' ${#sources_cxx[@]}
need scripts ${#scripts[@]}
need 'scripts and styles of pages, and Python' ${#pages[@]}

# ---- layers ----------------------------------------------------------------------------------------------------------

# layer DIRECTORY ALLOWED: quoted includes start with one of the layers that this one may see.
layer() {
    local count
    count=$(printf '%s\n' "${sources[@]}" | grep -c "^$1/")
    need "include direction of $1/" "$count"
    grep -nE '^ *# *include *"' "$1"/*.[ch] 2>/dev/null | grep -vE "include *\"($2)/" |
        complain "$1/ may include only from: $2"
}
layer allocator 'allocator'
layer oracle 'allocator|oracle'
layer fuzz_targets 'allocator|oracle|fuzz_targets'
layer tools 'allocator|oracle|tools'
layer tools/recorder 'tools/recorder'
layer bench 'bench'
grep -nE '^ *# *include *<(popt|cJSON|cjson|cmocka|stdio\.h)' allocator/*.[ch] |
    complain 'allocator/ needs nothing but libc headers, and no stdio'
grep -nE '^ *# *include *<(popt|cmocka)' oracle/*.[ch] | complain 'oracle/ needs no libraries of the tools'

# ---- the text of the sources -----------------------------------------------------------------------------------------

wc -l "${sources[@]}" "${sources_cxx[@]}" "${scripts[@]}" "${pages[@]}" | awk '$2 != "total" && $1 >= 500' | sort -u |
    complain 'files of 500 lines or more'
awk 'length > 120 { print FILENAME ":" FNR ": " length " columns" }' "${sources[@]}" "${sources_cxx[@]}" | complain 'lines over 120 columns'
grep -nE '\( *(struct hak_block|void) *\* *\*+ *\)' allocator/*.[ch] | grep -v '^allocator/links\.h:' |
    complain 'casts to a link outside allocator/links.h'
grep -nE '[[:blank:]]+$' "${texts[@]}" | complain 'white space at the end of a line'
for file in "${texts[@]}"; do
    [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ] && echo "$file"
done | complain 'files that do not end with a newline'
# Spelled in parts, so that this file does not find itself.
grep -nwE 'TO''DO|FIX''ME|X''XX|HA''CK|T''BD|WI''P' "${texts[@]}" | complain 'unfinished work'
grep -nE '(^|[^[:alnum:]_.}>)*$-])/(wo''rk|ho''me|ro''ot|Us''ers)/' "${texts[@]}" | complain 'paths of one machine'

if ! command -v clang-format >/dev/null; then
    echo 'it is not installed (ci/setup --test)' | complain clang-format
elif clang-format --version | grep -q 'version 14\.'; then
    clang-format --dry-run "${sources[@]}" "${sources_cxx[@]}" 2>&1 | sed -n 's/:.*code should be clang-formatted.*//p' | sort -u |
        complain 'not as clang-format would have it (clang-format -i)'
else
    echo "tidy: note: formatting is checked with clang-format 14, but here is: $(clang-format --version)"
fi

if command -v shellcheck >/dev/null; then
    # SC2016: a program for another shell in single quotes is meant so.
    shellcheck -x -P SCRIPTDIR -e SC2016 "${scripts[@]}" 2>&1 | complain shellcheck
else
    echo 'it is not installed (ci/setup --test)' | complain shellcheck
fi
for script in "${scripts[@]}"; do
    [ -x "$script" ] || [[ $script == *.sh ]] || echo "$script"
done | complain 'scripts that cannot be executed'

# ---- the libraries ---------------------------------------------------------------------------------------------------

# One state root: nothing else in the allocator is writable once it is loaded. Constants that only the loader writes
# (.data.rel.ro) are fine.
# The allocator as it is in the library, and as it is in the world, where more of it is compiled.
for objects in libhakmem.a CMakeFiles/hak_world_allocator.dir/allocator; do
    if [ -d "$build/$objects" ]; then set -- "$build/$objects"/*.o; else set -- "$build/$objects"; fi
    if [ ! -f "$1" ]; then
        echo "$build/$objects is not there" | complain 'writable data'
        continue
    fi
    symbols=$(objdump -t "$@" | awk 'NF >= 4 && $1 ~ /^[0-9a-f]+$/')
    need "writable data of $objects" "$(grep -cw hak_root <<<"$symbols")"
    awk '{ place = 0
           for (i = 2; i < NF; i++) if ($i ~ /^(\.(data|bss|tdata|tbss)([.$].*)?|\*COM\*)$/ && $i !~ /^\.data\.rel\.ro/) place = $i
           if (place && $NF !~ /^\./) print $NF " in " place }' <<<"$symbols" |
        grep -vE '^(hak_root|hak_thread) in |^__(asan|odr_asan|sancov|ubsan|tsan)|^_*odr_asan' | sort -u |
        complain "writable data beside hak_root and hak_thread in $objects"
done

if [ -f "$build/libhakmem.so" ]; then
    exported=$(nm -D --defined-only "$build/libhakmem.so" | awk '{ print $NF }' | sort -u)
    need 'exports of libhakmem.so' "$(wc -w <<<"$exported")"
    if [ -s tests/exports.txt ]; then
        diff <(sed 's/#.*//' tests/exports.txt | xargs -n 1 | sort -u) <(echo "$exported") | grep '^[<>]' |
            sed 's/^</missing:/; s/^>/extra:  /' | complain 'exports of libhakmem.so differ from tests/exports.txt'
    else
        echo 'tests/exports.txt is missing or empty' | complain 'exports of libhakmem.so'
    fi
    objdump -p "$build/libhakmem.so" | awk '$1 == "NEEDED" && $2 !~ /^(libc\.so|ld-linux)/ { print $2 }' |
        complain 'libhakmem.so needs more than libc'
else
    echo "$build/libhakmem.so is not there" | complain 'exports'
fi

# What it stands in front of, and nothing else.
if [ -f "$build/libhakmem_recorder.so" ]; then
    exported=$(nm -D --defined-only "$build/libhakmem_recorder.so" | awk '{ print $NF }' | sort -u)
    need 'exports of libhakmem_recorder.so' "$(wc -w <<<"$exported")"
    grep -E '^((__libc_)?(realloc|free|memalign|valloc|pvalloc|malloc|calloc)|reallocarray|free_.*|aligned_alloc|posix_memalign)$' tests/exports.txt |
        sort -u | diff - <(echo "$exported") | grep '^[<>]' | sed 's/^</missing:/; s/^>/extra:  /' |
        complain 'exports of libhakmem_recorder.so'
else
    echo "$build/libhakmem_recorder.so is not there" | complain 'exports of the recorder'
fi

if [ "$failures" -gt 0 ]; then
    echo "tidy: $failures checks failed"
    exit 1
fi
echo "tidy: $((${#sources[@]} + ${#sources_cxx[@]})) sources, ${#scripts[@]} scripts, clean"
