#!/usr/bin/env bash
# hosted: the folders of the services that fuzz for others agree with each other, with ci/build.sh and with the tables.
# That what is built is taken there is for ci/check-build, which builds it. Environment: HAKMEM_SOURCE.
set -u
cd "${HAKMEM_SOURCE:-$(dirname "$0")/..}" || exit 2
# shellcheck source=ci/lib.sh
. ci/lib.sh
failures=0

wrong() {
    echo "hosted: $*"
    failures=1
}

# refuses TEXT COMMAND...: exit 2 and that text.
refuses() {
    local text=$1 said code=0
    shift
    said=$("$@" 2>&1 </dev/null) || code=$?
    if [ "$code" -ne 2 ] || [[ $said != *"$text"* ]]; then wrong "$*: ended with $code: $said"; fi
}
refuses 'takes no arguments' ci/build.sh address
refuses 'this builds for' env SANITIZER=memory OUT="${TMPDIR:-/tmp}/none" ci/build.sh
refuses 'unknown argument' ci/check-build nosuch

folders='.clusterfuzzlite hosted/oss-fuzz hosted/fuzzbench'
packages() {
    tr -s ' \\\n' ' ' <"$1/Dockerfile" | grep -o -- '--no-install-recommends [a-z0-9 -]*' | head -n 1
}
for folder in $folders; do
    [ -x "$folder/build.sh" ] || wrong "$folder/build.sh cannot be executed"
    grep -qE '^(exec )?ci/build\.sh$' "$folder/build.sh" || wrong "$folder/build.sh does not call ci/build.sh"
    [ "$(packages "$folder")" = "$(packages .clusterfuzzlite)" ] || wrong "$folder/Dockerfile installs something else than the first"
    grep -q '^WORKDIR \$SRC/hakmem$' "$folder/Dockerfile" || wrong "$folder/Dockerfile does not work in the sources"
done
# Every library that CMake asks for has its package in the images.
while read -r module; do
    [[ $(packages .clusterfuzzlite) == *"${module#lib}"-dev* ]] || wrong "the images do not install $module"
done < <(sed -n 's/^pkg_check_modules([A-Z]* REQUIRED IMPORTED_TARGET \([a-z]*\))/\1/p' CMakeLists.txt)

kinds=$(sed -n 's/^\(all_kinds="\)\{0,1\}[a-z]*; \([a-z]*\); \([a-z]*\); -fsanitize.*/\2 \3/p' ci/check-build)
[ -n "$kinds" ] || wrong 'ci/check-build has no table of kinds'
while read -r word; do
    grep -qwF -- "$word" <<<"$kinds" || wrong "hosted/oss-fuzz/project.yaml: $word is nothing that ci/check-build builds"
done < <(sed -n '/^fuzzing_engines:/,/^architectures:/s/^ *- //p' hosted/oss-fuzz/project.yaml)

# One workflow for each mode; a pull request and the builds it is compared with have the same sanitizers.
for mode in code-change batch prune coverage; do
    [ "$(grep -l "mode: $mode\$" .github/workflows/fuzz-*.yml | wc -l)" -eq 1 ] || wrong "not one workflow has mode $mode"
done
grep -q 'upload-build: true' .github/workflows/fuzz-build.yml || wrong 'no workflow keeps builds'
[ "$(grep -h '^ *sanitizer: \[' .github/workflows/*.yml | sort -u | wc -l)" -eq 1 ] || wrong 'workflows differ in their sanitizers'
target_names | grep -qx "$(sed -n 's/^fuzz_target: fuzz_//p' hosted/fuzzbench/benchmark.yaml)" ||
    wrong 'hosted/fuzzbench/benchmark.yaml names no target'

[ "$failures" -eq 0 ] && echo 'hosted: folders, workflows and tables agree'
exit "$failures"
