#!/usr/bin/env bash
# manual: manual pages and completions of hakfuzz name what --help names, groff has nothing to say about the pages, an option
# is called the same in all verbs, and bash completes verbs, options, their values and files; fish and zsh, where they are
# installed.
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
has err "'pages' is no option"

# ---- options ---------------------------------------------------------------------------------------------------------

# A letter stands for one name, a name has one letter and one word for its value; only what is written can be a directory.
for verb in "${verbs[@]}"; do
    "$hakfuzz" "$verb" --help | sed -nE "s/^  (-(.), |    )--([a-z-]+)([ =]([A-Z]+))?( .*|\$)/$verb \\3 \\2 \\5/p"
done | sed 's/  / - /; s/ $/ -/' >options
code=0 name='options: one name, one letter, one word'
[ "$(wc -l <options)" -gt 80 ] || fail "$name" 'options of all verbs'
awk '{ value = $2 == "output" && $4 == "DIR" ? "OUT" : $4 }
    $3 != "-" && names[$3] != "" && names[$3] != $2 { print "-" $3 " is --" names[$3] " and --" $2 " (" $1 ")" }
    letters[$2] != "" && letters[$2] != $3 { print "--" $2 " is -" letters[$2] " and -" $3 " (" $1 ")" }
    values[$2] != "" && values[$2] != value { print "--" $2 " takes " values[$2] " and " value " (" $1 ")" }
    { names[$3] = $2; letters[$2] = $3; values[$2] = value }' options >out 2>err
[ ! -s out ] || fail "$name" 'nothing that differs'
checks=$((checks + 1))
printf 'ok %s\n' "$name"

# ---- completion ------------------------------------------------------------------------------------------------------

expect 'completion: fish' 0 "$hakfuzz" completion fish
for verb in "${verbs[@]}"; do
    has out "^complete -c hakfuzz -n __fish_use_subcommand -f -a $verb -d "
done
cp out completion.fish
expect 'completion: another shell' 2 "$hakfuzz" completion csh
has err 'one shell wanted, bash, fish or zsh; see '
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
offers hakfuzz completion '' -- --help --output bash fish zsh
offers hakfuzz detect --engine '' -- builtin libfuzzer afl naive naive-builtin real
offers hakfuzz detect --against = l -- libfuzzer
offers hakfuzz detect --without st -- states structure
offers hakfuzz real --order '' -- free virtual
offers hakfuzz replay --malloc ha -- hakmem
offers hakfuzz real -m fold -- folder
offers hakfuzz record --slice fold -- folder
# Whatever has a value that is not free has something to offer.
while read -r verb option _ value; do
    [[ $value =~ ^(-|N|S|URL|PREFIX|TEXT)$ ]] && continue
    COMP_WORDS=(hakfuzz "$verb" "--$option" '') COMP_CWORD=3 COMPREPLY=()
    _hakfuzz
    name="completion: hakfuzz $verb --$option $value"
    [[ ${#COMPREPLY[@]} -gt 0 && " ${COMPREPLY[*]}" != *' --'* ]] || fail "$name" "values, not '${COMPREPLY[*]}'"
    checks=$((checks + 1))
done <options

expect 'completion: bash reads it' 0 bash -n completion.bash
if command -v fish >/dev/null; then
    export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
    expect 'completion: fish reads it' 0 fish -n completion.fish
    fish_offers() { # fish_offers WORDS EXPECTED...
        expect "completion: fish: hakfuzz $1" 0 fish -c 'source completion.fish; complete -C "hakfuzz $argv[1]"' "$1"
        shift
        [ "$(cut -f 1 out | sort)" = "$(printf '%s\n' "$@" | sort)" ] || fail "$name" "$*"
    }
    fish_offers 'tri' triage
    fish_offers 'real --order ' free virtual
    fish_offers 'detect --engine ' builtin libfuzzer afl naive naive-builtin real
    fish_offers 'min -t se' sequence
    fish_offers 'replay --malloc ha' hakmem
    fish_offers 'completion ' bash fish zsh
else
    echo 'manual: note: no fish here, so what it makes of its completions is left out'
fi
expect 'completion: zsh' 0 "$hakfuzz" completion zsh
cp out _hakfuzz
has out '^#compdef hakfuzz$'
if command -v zsh >/dev/null; then
    expect 'completion: zsh reads it' 0 zsh -n _hakfuzz
    # What it hands to zsh's own functions, and the words that it would add.
    zsh_hands() { # zsh_hands VERB PATTERN...
        expect "completion: zsh: hakfuzz $1" 0 zsh -f -c '
            compdef() { }
            _describe() { print -rl -- ${(P)2} }
            compadd() { [[ $1 = -a ]] && print -r -- adds ${(P)2} || print -r -- adds $@ }
            _files() { print files }
            _arguments() {
                local spec
                for spec; do
                    print -r -- $spec
                    if [[ $spec = *:\{*\} ]]; then eval "${${spec##*:\{}%\}}"; fi
                done
            }
            . ./_hakfuzz
            words=(hakfuzz $1 "") CURRENT=$(($# + 2))
            _hakfuzz' - ${1:+"$1"}
        [ ! -s err ] || fail "$name" 'no complaints'
        shift
        for pattern in "$@"; do has out "$pattern"; done
    }
    zsh_hands '' '^triage:many ' '^adds -- --help --version help$'
    zsh_hands help '^triage:many '
    zsh_hands real '^--order=\[.*:ORDER:' '^adds virtual free$' '^\(-m --malloc\)--malloc=\[' '^adds hakmem libc$' '^files$'
    zsh_hands replay '^\*--malloc=\[' '^--print\['
    zsh_hands detect '^adds builtin libfuzzer afl naive naive-builtin real$' '^adds .*carve-by-used'
    zsh_hands completion '^adds bash fish zsh$'
    for verb in "${verbs[@]}"; do
        zsh_hands "$verb" '--help\['
    done
else
    echo 'manual: note: no zsh here, so what it makes of its completions is left out'
fi

finish
