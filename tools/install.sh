#!/usr/bin/env bash
# Create or update the virtual environment of the pinned set. Usage: [TORCH=cuda] bash tools/install.sh [VENV]
#
# Every step first looks whether it is already done, so an interrupted installation continues where it stopped.
# pip's own variables are respected: with PIP_FIND_LINKS pointing to a folder of wheels, those are taken first.
#   TORCH        cpu (default) or cuda: which build of torch. mmcv has CPU operations in both, since nothing here calls
#                those for CUDA, so no CUDA compiler is needed.
#   TORCH_INDEX  package index of torch (default: pytorch.org's CPU builds, 2.4 GB less, for cpu; PyPI for cuda)
#   MAX_JOBS     compilers that run at once when mmcv is built from source (default: number of processors)
# What else can be set for mmcv stands in tools/mmcv_wheel/install.sh.
set -euo pipefail

cd "$(dirname "$0")/.."
venv=${1:-.venv}
build=${TORCH:-cpu}
case $build in
cpu | cuda) ;;
*)
    echo "error: TORCH=$build is neither cpu nor cuda." >&2
    exit 1
    ;;
esac
pin() { sed -nE "s/^$1==//p" requirements.txt; }
say() { printf '\n[install %s] %s\n' "$(date +%H:%M:%S)" "$*"; }

python_bin=$(command -v python3.11 || command -v python3 || true)
if [ -z "$python_bin" ] || ! "$python_bin" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    echo "error: Python 3.11 is needed and was not found as python3.11 or python3 on PATH." >&2
    exit 1
fi

if [ ! -x "$venv/bin/python" ]; then
    say "1/7 creating $venv"
    "$python_bin" -m venv "$venv"
fi
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
installed() { "$venv/bin/python" - "$1" "$2" <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version
try:
    sys.exit(version(sys.argv[1]).split('+')[0] != sys.argv[2])
except PackageNotFoundError:
    sys.exit(1)
PY
}

if ! installed setuptools "$(pin setuptools)"; then
    say "2/7 build tools"
    pip install -q "setuptools==$(pin setuptools)" "wheel==$(pin wheel)"
fi

# --no-compile: Python compiles what is imported anyway; to compile all 16,000 files takes a minute.
torch=$(pin torch)
torch_build() { "$venv/bin/python" -W ignore -c 'import torch; print("cuda" if torch.version.cuda else "cpu")'; }
if installed torch "$torch" && [ "$(torch_build)" != "$build" ]; then
    say "torch $torch is there in another build than $build: removing it"
    pip uninstall -q -y torch
fi
if ! installed torch "$torch"; then
    say "3/7 torch $torch ($build)"
    if [ "$build" = cuda ]; then
        # With its dependencies: the CUDA libraries and Triton.
        pip install --no-compile ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$torch"
    else
        index=${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
        pip install --no-compile --no-deps --no-index "torch==$torch" 2>/dev/null ||
            pip install --no-compile --no-deps --retries 1 --index-url "$index" "torch==$torch" ||
            pip install --no-compile "torch==$torch"
    fi
    if [ "$build" = cuda ] && [ "$(torch_build)" != cuda ]; then
        echo "error: pip found a torch without CUDA. Unset PIP_FIND_LINKS and PIP_INDEX_URL, or name an index with" \
            "TORCH_INDEX, for instance https://download.pytorch.org/whl/cu130, and start again." >&2
        exit 1
    fi
fi

say "4/7 pinned packages"
packages=$(mktemp)
trap 'rm -f "$packages"' EXIT
grep -vE '^(mmcv|torch)==' requirements.txt >"$packages"
pip install -q --no-compile --no-deps --progress-bar on -r "$packages"

say "5/7 mmcv"
# With a GPU in sight mmcv would want a CUDA compiler.
FORCE_CUDA=0 CUDA_VISIBLE_DEVICES='' bash tools/mmcv_wheel/install.sh "$venv/bin/python"

say "6/7 this project"
# "compat" puts the folder on the path, so packages that a later checkout adds are found without a new installation.
pip install -q --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
"$venv/bin/python" -W ignore -c 'import cv2, mmcv.ops, mmdet3d, numba, nuscenes, torch
print("torch", torch.__version__, "with a GPU" if torch.cuda.is_available() else "without a GPU")'

say "7/7 kernels for the CPU"
PYTHONPATH=. "$venv/bin/python" -W ignore tools/misc/compile_kernels.py || say "they are compiled when they are first used"
touch "$venv/.installed"
say "done"
