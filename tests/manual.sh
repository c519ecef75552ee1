#!/usr/bin/env bash
# manual: manual pages and completions of hakfuzz name what --help names, groff has nothing to say about the pages, and
# bash completes verbs, options, targets, faults and files.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
command -v groff >/dev/null || { echo 'manual: groff is not installed (ci/setup --test)' >&2; exit 2; }

# Names of one part of the tool's help.
named() {
    "$hakfuzz" --help | awk -v part="$1" '$0 ~ "^" part { inside = 1; next } !NF { inside = 0 } inside { print $1 }'
}
mapfile -t verbs < <(named Verbs)
mapfile -t targets < <(named Targets)
if [ ${#verbs[@]} -lt 12 ] || [ ${#targets[@]} -lt 8 ]; then
    echo 'manual: --help names too little' >&2
    exit 1
fi

# ---- pages -----------------------------------------------------------------------------------------------------------

expect 'manual: pages' 0 "$hakfuzz" manual -o pages
for verb in "${verbs[@]}"; do
    expect "manual: page of $verb" 0 groff -man -Tascii -ww "pages/hakfuzz-$verb.1"
    [ ! -s err ] || fail "$name" 'no warnings of groff'
    sed -i 's/.\x08//g' out # struck twice is bold
    has out '^EXAMPLES'
    mapfile -t options < <("$hakfuzz" "$verb" --help | grep -oE -- '^  (-., )? *--[a-z-]+' | grep -oE -- '--[a-z-]+')
    for option in "${options[@]}"; do
        grep -qE -- "$option(=|$| )" out || fail "$name" "$option on the page"
    done
done
# Lines of lists stay lines of their own.
expect 'manual: lists' 0 groff -man -Tascii -rLL=200n pages/hakfuzz-detect.1
sed -i 's/.\x08//g' out
mapfile -t lines < <("$hakfuzz" detect --help | sed -n '/^Options:/q; s/^  \([a-z-]*: .*\)/\1/p')
[ ${#lines[@]} -ge 3 ] || fail "$name" 'guides in the help'
for line in "${lines[@]}"; do
    sed 's/^ *//' out | grep -qxF -- "$line" || fail "$name" "the line '$line'"
done
expect 'manual: page of the tool' 0 groff -man -Tascii -ww pages/hakfuzz.1
[ ! -s err ] || fail "$name" 'no warnings of groff'
sed -i 's/.\x08//g' out
for word in "${verbs[@]}" "${targets[@]}" HAKMEM_FAULT; do
    grep -q "$word" out || fail "$name" "$word on the page"
done
[ "$(find pages -name '*.1' | wc -l)" -eq $((${#verbs[@]} + 1)) ] || fail "$name" 'a page for each verb, and one more'
expect 'manual: where nothing can be written' 2 "$hakfuzz" manual -o /nosuch/man1
has err "'/nosuch/man1' cannot be made"
expect 'manual: no arguments' 2 "$hakfuzz" manual pages

# ---- completion ------------------------------------------------------------------------------------------------------

expect 'completion: fish' 0 "$hakfuzz" completion fish
for verb in "${verbs[@]}"; do
    has out "^complete -c hakfuzz -n __fish_use_subcommand -f -a $verb -d "
done
expect 'completion: another shell' 2 "$hakfuzz" completion csh
expect 'completion: where it cannot be written' 2 "$hakfuzz" completion -o /nosuch/x bash
has err "'/nosuch/x' cannot be written"
expect 'completion: bash' 0 "$hakfuzz" completion bash
cp out completion.bash
if command -v shellcheck >/dev/null; then
    expect 'completion: bash, as shellcheck sees it' 0 shellcheck -s bash -e SC2034 completion.bash
fi
mkdir folder && touch folder/file.hak
# shellcheck disable=SC1091
. ./completion.bash

# offers WORDS... -- EXPECTED...: what is offered for the last of the words, all of it.
offers() {
    COMP_WORDS=() COMPREPLY=()
    while [ "$1" != -- ]; do
        COMP_WORDS+=("$1")
        shift
    done
    shift
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    name="completion: ${COMP_WORDS[*]}"
    _hakfuzz
    printf '%s\n' "${COMPREPLY[@]}" | sort >out
    : >err
    code=0
    [ "$(cat out)" = "$(printf '%s\n' "$@" | sort)" ] || fail "$name" "$*"
    checks=$((checks + 1))
    printf 'ok %s\n' "$name"
}
offers hakfuzz '' -- --help --version help "${verbs[@]}"
offers hakfuzz tr -- triage
offers hakfuzz help mi -- min
offers hakfuzz run --target '' -- "${targets[@]}"
offers hakfuzz min -t se -- sequence
offers hakfuzz repro --fault carve -- carve-by-used
offers hakfuzz repro --fault = carve -- carve-by-used
offers hakfuzz repro --g -- --gdb
offers hakfuzz triage -o fold -- folder
offers hakfuzz min folder/ -- folder/file.hak
offers hakfuzz run --keep-going folder/f -- folder/file.hak
offers hakfuzz min --times '' -- ''
offers hakfuzz completion '' -- --help --output bash fish

finish
