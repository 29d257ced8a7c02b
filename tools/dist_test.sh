#!/usr/bin/env bash
# Evaluate with several processes, one per GPU, or on the CPU when there is no GPU:
#   bash tools/dist_test.sh CONFIG CHECKPOINT [GPUS=1] [options of test.py]
# Environment: PORT (29500; a second run on one machine needs another), OMP_NUM_THREADS; for several machines also
# NNODES, NODE_RANK, MASTER_ADDR.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,5s/^# //p' "$0"
    exit 2
fi

CONFIG=$1
CHECKPOINT=$2
GPUS=${3:-1}
case $GPUS in
    '' | *[!0-9]*) echo "dist_test.sh: GPUS must be a number, got '$GPUS'" >&2 && exit 2 ;;
esac
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# Without an active environment, the one that `make install` made.
[ -n "${VIRTUAL_ENV:-}" ] || [ ! -x "$ROOT/.venv/bin/python" ] || PATH="$ROOT/.venv/bin:$PATH"
CORES=$(nproc 2>/dev/null || echo 1)
THREADS=$((CORES / GPUS > 0 ? CORES / GPUS : 1))

PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=${OMP_NUM_THREADS:-$THREADS} OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} \
    exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node-rank="${NODE_RANK:-0}" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" \
    --master-port="${PORT:-29500}" \
    --nproc-per-node="$GPUS" \
    "$ROOT/tools/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
