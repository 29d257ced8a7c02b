#!/usr/bin/env bash
# A C++ compiler for many small files that all begin with one large header: the header is compiled once, with the flags
# of the first file that comes, and every file reads the result. Without optimisation of the third level and debug
# symbols. Whatever goes wrong with the precompiled header, the file is compiled as usual.
#   HEADER_CXX  compiler to run (default: g++)
#   HEADER      the header; NAME.gch is written beside it
set -u
cxx=${HEADER_CXX:-g++}
compiles=false precompiled=${HEADER:-}.gch
flags=() rest=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    -c) compiles=true ;;
    -o | -MF) shift ;;
    -MD | -MMD | *.cpp | *.cc | *.cxx) ;;
    *) flags+=("$1") ;;
    esac
    shift
done
if [ "$compiles" = false ] || [ ! -f "${HEADER:-}" ]; then
    exec "$cxx" "${rest[@]}"
fi
light=(-g0 -O1)

precompile() {  # the first caller compiles, all others wait for it
    exec 9>"$precompiled.lock"
    flock 9 2>/dev/null || return
    if [ ! -e "$precompiled" ] && [ ! -e "$precompiled.failed" ]; then
        if "$cxx" "${flags[@]}" "${light[@]}" -x c++-header "$HEADER" -o "$precompiled.part" 2>"$precompiled.log"; then
            mv "$precompiled.part" "$precompiled"
        else
            rm -f "$precompiled.part"
            mv "$precompiled.log" "$precompiled.failed"
        fi
    fi
    exec 9>&-
}
precompile
if [ -e "$precompiled" ] && "$cxx" -include "$HEADER" "${rest[@]}" "${light[@]}" 2>"$precompiled.$$.log"; then
    cat "$precompiled.$$.log" >&2
    rm -f "$precompiled.$$.log"
    exit 0
fi
rm -f "$precompiled.$$.log"
exec "$cxx" "${rest[@]}" "${light[@]}"
