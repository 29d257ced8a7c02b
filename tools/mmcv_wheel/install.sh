#!/usr/bin/env bash
# Install mmcv with its compiled operations. Usage: bash tools/mmcv_wheel/install.sh [PYTHON] (default: python)
#
# mmcv has no wheel on PyPI, and pip alone cannot build it: its setup.py needs torch and pkg_resources, which pip's
# isolated builds do not have. In this order:
#   1. a wheel that pip finds without an index (PIP_FIND_LINKS);
#   2. a wheel that this script built before for the same mmcv, torch, Python and processor;
#   3. from source. All 77 files include torch's headers: they are compiled once (cxx.sh), which takes 2 to 3 minutes on
#      two cores where setup.py alone takes 15. The wheel is kept for 2.
#   MMCV_VERSION    version to install (default: the pin of requirements.txt)
#   MAX_JOBS        compilers that run at once (default: number of processors)
#   XDG_CACHE_HOME  wheels are kept in geodistill3d/wheels under it (default: ~/.cache)
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
requirements=$tools/../../requirements.txt
python=${1:-python}
pin() { sed -nE "s/^$1==//p" "$requirements"; }
say() { printf '[mmcv %s] %s\n' "$(date +%H:%M:%S)" "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
check() { "$python" -W ignore "$tools/check.py"; }
mmcv=${MMCV_VERSION:-$(pin mmcv)}

build=$("$python" - <<'PY'
import os
import platform
import sys
try:
    import torch
except ImportError as error:
    sys.exit(f'error: mmcv is built for the torch that is there, and torch cannot be imported: {error}')
kind = 'cuda' if torch.cuda.is_available() or os.environ.get('FORCE_CUDA') == '1' else 'cpu'
print(kind, f'torch{torch.__version__}-py{sys.version_info[0]}.{sys.version_info[1]}-{platform.machine()}')
PY
)
read -r kind key <<<"$build"

# What is installed already counts as found: pip leaves it as it is, and the check tells whether it suits this torch.
if pip install -q --no-deps --no-index --only-binary mmcv "mmcv==$mmcv" 2>/dev/null && check; then
    say "mmcv $mmcv is there"
    exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/geodistill3d/wheels/$key
for wheel in "$cache/mmcv-$mmcv"-*.whl; do
    if [ -f "$wheel" ] && pip install -q --no-deps --no-index --force-reinstall "$wheel" && check; then
        say "installed from $wheel"
        exit 0
    fi
done

command -v "${CXX:-g++}" >/dev/null || fail "mmcv $mmcv is built from source and needs a C++ compiler: install g++, or set CXX"
say "no wheel of mmcv $mmcv for $key: building it from source ($kind, about 3 minutes on two cores)"
if ! "$python" -c 'import ninja, pkg_resources, wheel' 2>/dev/null; then
    pip install -q "setuptools==$(pin setuptools)" "wheel==$(pin wheel)" "ninja==$(pin ninja)"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MMCV_WITH_OPS=1 MAX_JOBS="${MAX_JOBS:-$(nproc)}" PATH="$(dirname "$(command -v "$python")"):$PATH"
pip download -q --no-deps --no-build-isolation --no-binary mmcv --dest "$work" "mmcv==$mmcv"
"$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$work"/mmcv-*.tar.gz "$work"
source=$work/mmcv-$mmcv

# CXX must be one word and a file that can be run.
install -m 755 "$tools/cxx.sh" "$work/g++-with-header"
export HEADER_CXX="${CXX:-g++}" HEADER="$source/mmcv/ops/csrc/common/pytorch_cpp_helper.hpp" CXX="$work/g++-with-header"
pip wheel --no-deps --no-build-isolation --no-cache-dir --wheel-dir "$work" -v "$source" 2>&1 | tee "$work/log" |
    awk '/^ *\[[0-9]+\/[0-9]+\]/ {printf "\r  compiling %s ", $1; fflush(); next} /error: / {print} END {print ""}' ||
    { tail -n 30 "$work/log" >&2; fail "mmcv $mmcv did not build; the last lines of the log are above"; }
if [ -e "$HEADER.gch.failed" ]; then
    say "the header did not precompile, so this took longer: $(grep -m1 error "$HEADER.gch.failed" || echo 'no reason given')"
fi
pip install -q --no-deps --no-index --force-reinstall "$work/mmcv-$mmcv"-*.whl
check || fail "mmcv $mmcv was built and does not work"
if [ "$kind" = cpu ] && mkdir -p "$cache" 2>/dev/null && cp "$work/mmcv-$mmcv"-*.whl "$cache/" 2>/dev/null; then
    say "the wheel is kept in $cache"
fi
say "mmcv $mmcv is there"
