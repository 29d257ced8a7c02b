"""Process groups for machines without a GPU."""

import datetime
import logging
import os
import sys
import threading
import time

from torch import distributed as torch_dist

_ENVIRONMENT = {
    'pytorch': {'RANK': 'RANK', 'WORLD_SIZE': 'WORLD_SIZE', 'LOCAL_RANK': 'LOCAL_RANK'},
    'slurm': {'RANK': 'SLURM_PROCID', 'WORLD_SIZE': 'SLURM_NTASKS', 'LOCAL_RANK': 'SLURM_LOCALID'},
    'mpi': {
        'RANK': 'OMPI_COMM_WORLD_RANK',
        'WORLD_SIZE': 'OMPI_COMM_WORLD_SIZE',
        'LOCAL_RANK': 'OMPI_COMM_WORLD_LOCAL_RANK',
    },
}


def setup_cpu_process_group(launcher: str = 'pytorch', timeout: float | None = None) -> None:
    """Join the gloo process group of a launcher; does nothing when a group exists.

    MMEngine's own set-up selects a CUDA device for every launcher, which fails without one.

    Args:
        launcher (str): 'pytorch' (torchrun), 'slurm' or 'mpi'. Defaults to 'pytorch'.
        timeout (float, optional): Seconds after which a waiting collective fails. Defaults to None (30 minutes).

    Raises:
        ValueError: If the launcher is unknown.
        RuntimeError: If the launcher's environment variables are absent.
    """
    if torch_dist.is_initialized():
        return
    if launcher not in _ENVIRONMENT:
        raise ValueError(f'launcher must be one of {sorted(_ENVIRONMENT)}, got {launcher!r}')
    os.environ.setdefault('MASTER_PORT', '29500')
    if launcher == 'slurm' and 'SLURM_NTASKS' in os.environ and os.environ.get('SLURM_NNODES', '1') == '1':
        os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    sources = _ENVIRONMENT[launcher]
    missing = [name for name in (*sources.values(), 'MASTER_ADDR') if name not in os.environ]
    if missing:
        raise RuntimeError(
            f'launcher {launcher!r} needs the environment variables {missing}; '
            f'start through tools/dist_train.sh, tools/dist_test.sh or tools/slurm_train.sh'
        )
    for name, source in sources.items():
        os.environ[name] = os.environ[source]
    wait = None if timeout is None else datetime.timedelta(seconds=timeout)
    torch_dist.init_process_group(backend='gloo', timeout=wait)


def end_with_launcher(poll: float = 1.0) -> None:
    """Let this process end soon after the launcher that started it, however that ended.

    A launcher that is killed leaves its processes behind. They would go on as long as all others answer, and those of
    other nodes would wait for them when they do not. Call it in a process that ``torch.distributed.run`` started.

    Args:
        poll (float): Seconds between two looks. Defaults to 1.
    """
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(poll)
        sys.stderr.write(f'process {os.getpid()} ends: its launcher (process {launcher}) is gone\n')
        sys.stderr.flush()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def close_process_group() -> None:
    """End the process of a distributed CPU run that ended well; does nothing without a gloo group.

    All processes wait for each other, then each ends at once with exit code 0. An ordinary end runs the destructors of
    gloo, whose threads are still alive now and then: the process would abort after its work is done. After an error do
    not call it, since the other processes may never come.
    """
    if not torch_dist.is_initialized():
        return
    torch_dist.barrier()
    if torch_dist.get_backend() != 'gloo':
        torch_dist.destroy_process_group()
        return
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
