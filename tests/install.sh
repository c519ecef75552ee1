#!/usr/bin/env bash
# install: what `cmake --install` leaves works for others. It is installed, moved elsewhere, and used by a project of its
# own (tests/install) through find_package and through pkg-config, as shared library, single object and archive, in C and
# C++. What the products show and need is looked at too. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
#
# Programs prove themselves that malloc is hakmem's (see tests/install/face.c); for the shared library the loader is asked
# as well, and a program without hakmem shows that the answer means something.
set -u
shopt -s lastpipe # complain counts, so it must not run in a process of its own
: "${HAKMEM_BUILD:?the build tree}" "${HAKMEM_SOURCE:?the root of the sources}"
build=$(cd "$HAKMEM_BUILD" && pwd) && source=$(cd "$HAKMEM_SOURCE" && pwd)/tests/install || exit 2
unset LD_PRELOAD LD_DEBUG LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH DESTDIR CFLAGS CXXFLAGS LDFLAGS
export LC_ALL=C
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0 done_count=0

complain() { # complain CHECK: the lines on standard input are what is wrong; none is fine
    local lines
    lines=$(cat)
    if [ -n "$lines" ]; then
        printf 'FAILED: %s:\n    %s\n' "$1" "${lines//$'\n'/$'\n'    }"
        failures=$((failures + 1))
    fi
}

need() { # need LOG COMMAND...: nothing can be said without it
    local log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null || { echo "install: this failed: $*" >&2; tail -n 40 "$log" >&2; exit 1; }
}

cached() { # cached NAME: what the build tree was configured with
    sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

cc=$(cached CMAKE_C_COMPILER)
name=$(basename "$cc")
case $name in # the C++ compiler of the same make
*clang*) cxx=$(dirname "$cc")/${name/clang/clang++} ;;
*gcc*) cxx=$(dirname "$cc")/${name/gcc/g++} ;;
*) cxx=c++ ;;
esac
for tool in "$cc" "$cxx" cmake pkg-config readelf nm; do
    command -v "$tool" >/dev/null || { echo "install: '$tool' is not installed" >&2; exit 2; }
done

# ---- install, and move -----------------------------------------------------------------------------------------------

need install cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/prefix" || exit 2
prefix=$work/prefix
pc=$(find "$prefix" -name hakmem.pc)
lib=$(dirname "$(dirname "${pc:?no hakmem.pc is installed}")")
for file in "$lib"/{libhakmem.so,libhakmem.so.0,libhakmem.a,hakmem.o,hakmem-gdb.py,cmake/hakmem/hakmemConfig.cmake} \
    "$(realpath "$lib/libhakmem.so")-gdb.py" "$lib/libhakmem_recorder.so" "$prefix"/{include/hakmem.h,bin/hakfuzz} \
    "$prefix"/share/{man/man1/hakfuzz.1,man/man1/hakfuzz-min.1,bash-completion/completions/hakfuzz,fish/vendor_completions.d/hakfuzz.fish,zsh/site-functions/_hakfuzz}; do
    [ -e "$file" ] || echo "$file"
done | complain 'not installed'
grep -rlF -e "$work/first" -e "$build" -e "$(dirname "$(dirname "$source")")" "$lib/cmake" "$pc" |
    complain 'files that name the place they came from'

# ---- what the products show and need ---------------------------------------------------------------------------------

exports=$(sed 's/#.*//' "$source/../exports.txt" | xargs -n 1 | sort -u)
names() { # names OPTION FILE
    nm "$1" --defined-only "$2" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u
}
differ() { # differ WANTED FOUND
    diff <(echo "$1") <(echo "$2") | sed -n 's/^</missing:/p; s/^>/extra:  /p'
}
differ "$exports" "$(names -D "$lib/libhakmem.so")" | complain 'libhakmem.so shows other names than tests/exports.txt'
differ "$exports" "$(names -g "$lib/hakmem.o")" | complain 'hakmem.o shows other names than tests/exports.txt'
differ "$(grep '^hak_' <<<"$exports")" "$(names -g "$lib/libhakmem.a")" |
    complain 'libhakmem.a shows other names than hak_*'

# Thread-local data is found at a fixed distance: no call that allocates on a thread's first malloc.
nm -D "$lib/libhakmem.so" | grep __tls_get_addr | complain 'libhakmem.so asks for thread-local data with a call'
tls=$(readelf -rW "$lib/libhakmem.so" | grep -oE 'R_[A-Z0-9_]*(TPOFF|TPREL|DTP|TLSDESC|TLS_)[A-Z0-9]*')
grep -E 'DTP|TLSDESC' <<<"$tls" | complain 'libhakmem.so has thread-local data of another model than initial-exec'
grep -qE 'TPOFF|TPREL' <<<"$tls" || echo 'none' | complain 'relocations of thread-local data, so the check saw nothing'
readelf -dW "$lib/libhakmem.so" | grep -q STATIC_TLS || echo missing | complain 'flag STATIC_TLS of libhakmem.so'
readelf -dW "$lib/libhakmem.so" | grep -q BIND_NOW || echo missing | complain 'flag BIND_NOW of libhakmem.so'
readelf -dW "$lib/libhakmem.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so|ld-linux)' |
    complain 'libhakmem.so needs more than libc'

# ---- programs --------------------------------------------------------------------------------------------------------

good() { # good NAME COMMAND...: it ends well and says so
    local name=$1
    shift
    timeout 60 "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
    local status=$?
    if [ "$status" -ne 0 ] || ! grep -qx '[a-z_]*: good' "$work/stdout"; then
        { echo "exit code $status"; tail -n 20 "$work/stderr"; } | complain "$name"
        return 1
    fi
    done_count=$((done_count + 1))
}

face() { # face NAME COMMAND...: face, and what it wrote
    rm -f "$work/info.xml"
    good "$@" "$work/info.xml" || return
    grep -q hakmem "$work/stderr" || echo 'it is silent' | complain "malloc_stats of $1"
    grep -q '^<malloc version=' "$work/info.xml" || head -n 3 "$work/info.xml" | complain "malloc_info of $1"
    if command -v xmllint >/dev/null; then
        xmllint --noout "$work/info.xml" 2>&1 | complain "XML of $1"
    elif command -v python3 >/dev/null; then
        python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$work/info.xml" 2>&1 | complain "XML of $1"
    else
        echo 'neither xmllint nor python3 is here to read it' | complain "XML of $1"
    fi
}

bindings() { # bindings SYMBOL COMMAND...: the library that the loader binds the program's use of it to
    local symbol=$1
    shift
    rm -f "$work"/bindings*
    LD_DEBUG=bindings LD_BIND_NOW=1 LD_DEBUG_OUTPUT=$work/bindings "$@" >/dev/null 2>&1 </dev/null
    cat "$work"/bindings* | sed -n "s/.*binding file .* to \(.*\) \[0\]: normal symbol .$symbol'.*/\1/p" | sort -u
}

bound() { # bound SYMBOL COMMAND...
    bindings "$@" | grep -q libhakmem || echo "to: $(bindings "$@" | xargs)" | complain "the loader binds $1 in $2 elsewhere"
}

consumer=$work/consumer
need configure cmake -S "$source" -B "$consumer" -G "$(cached CMAKE_GENERATOR)" "-DCMAKE_PREFIX_PATH=$prefix" \
    "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx"
need consumer cmake --build "$consumer" --parallel 2

for product in hakmem object; do
    face "face_$product" "$consumer/face_$product"
    for program in operators replaced thread_local silent; do
        good "${program}_$product" "$consumer/${program}_$product"
    done
    good "lifetimes_$product" "$consumer/lifetimes_$product" "$consumer/libplugin.so" "$consumer/liblate.so"
    grep -qx 'lifetimes: after main' "$work/stderr" || echo 'it did not run' | complain "destructor of lifetimes_$product"
done
good operators_runtime "$consumer/operators_runtime"
good operators_static "$consumer/operators_static"
good embed "$consumer/embed"
good embed_cxx "$consumer/embed_cxx"

bound malloc "$consumer/silent_hakmem"
bound _Znwm "$consumer/operators_hakmem"
for program in silent_object embed; do
    bindings malloc "$consumer/$program" | grep libhakmem | complain "$program has the shared library"
done
bindings malloc "$consumer/embed" | grep -q 'libc\.so' || bindings malloc "$consumer/embed" | xargs echo bound to: |
    complain 'embed, which has hak_* only, keeps the malloc of libc'
bindings malloc "$consumer/silent_object" | grep -q silent_object || bindings malloc "$consumer/silent_object" |
    xargs echo bound to: | complain 'silent_object serves libc with its malloc'

# ---- pkg-config, and one line ----------------------------------------------------------------------------------------

export PKG_CONFIG_PATH=${pc%/*}
flags=(-D_GNU_SOURCE -O1 -fno-builtin -pthread)
ask() { # ask WHAT...: one word a line
    pkg-config "$@" hakmem | xargs -n 1
}
mapfile -t compile < <(ask --cflags) && mapfile -t link < <(ask --libs)
object=$(ask --variable=object) archive=$(ask --variable=archive)
for file in "${compile[0]#-I}/hakmem.h" "${link[0]#-L}/libhakmem.so" "$object" "$archive"; do
    [ -f "$file" ] || echo "$file"
done | complain 'pkg-config tells of what is not there'
need pc_c "$cc" -std=c17 "${flags[@]}" "$source/face.c" "${compile[@]}" -o "$work/pc_face" "${link[@]}" "-Wl,-rpath,$lib"
need pc_cxx "$cxx" -std=c++17 -fsized-deallocation "${flags[@]}" "$source/operators.cpp" "${compile[@]}" -o "$work/pc_operators" -Wl,--as-needed \
    "${link[@]}" "-Wl,-rpath,$lib"
need pc_silent "$cc" "$source/silent.c" -o "$work/pc_silent" -Wl,--as-needed "${link[@]}" "-Wl,-rpath,$lib"
need pc_object "$cc" -std=c17 "${flags[@]}" "$source/face.c" "$object" "${compile[@]}" -o "$work/pc_object"
need pc_archive "$cc" -std=c17 "${flags[@]}" "$source/embed.c" "${compile[@]}" -o "$work/pc_archive" "$archive"
need plain "$cc" "$source/silent.c" -o "$work/plain"
face pc_face "$work/pc_face"
bound malloc "$work/pc_silent"
good pc_operators "$work/pc_operators"
face pc_object "$work/pc_object"
good pc_archive "$work/pc_archive"
bindings malloc "$work/plain" | grep -q libhakmem && echo 'it is' | complain 'a plain program is served by hakmem: nothing is proven'
export LD_PRELOAD=$lib/libhakmem.so
bound malloc "$work/plain"
unset LD_PRELOAD

if [ "$failures" -gt 0 ]; then
    echo "install: $failures failed"
    exit 1
fi
echo "install: $done_count programs run with what was installed"
