#!/usr/bin/env python
"""Compile the numba kernels for the CPU ahead of the first step, and keep them on disk."""

import logging
import os
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from multiprocessing import get_context

from tqdm import tqdm

from projects.cli import ToolParser, positive_int, run_tool
from projects.compute import numba_enabled

#: Packages with kernels, those that take longest first.
PACKAGES = ('minidrive', 'rendering', 'occupancy', 'occ_eval')


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__,
        epilog='Kernels that are on disk are read and not compiled again. They are kept below __pycache__ of each '
        'package, or below NUMBA_CACHE_DIR; a change of the code makes new ones.',
    )
    parser.add_argument('packages', nargs='*', metavar='PACKAGE', help=f'default: {" ".join(PACKAGES)}')
    parser.add_argument('--workers', type=positive_int, default=os.cpu_count() or 1, help='processes (%(default)s)')
    args = parser.parse_args(argv)
    unknown = set(args.packages) - set(PACKAGES)
    if unknown:
        names = ', '.join(sorted(unknown))
        parser.error(f'no package with kernels is called {names}; choose from {", ".join(PACKAGES)}')
    return args


def compile_package(package):
    """Compile the kernels of one package.

    Returns:
        tuple[int, int]: Kernels that were compiled now, and how many of these could not be kept on disk.
    """
    warnings.filterwarnings('ignore')
    logging.getLogger('geodistill3d').setLevel(logging.ERROR)  # the line before the first compilation; here is a bar
    for workload in import_module(f'projects.{package}.precompile').WORKLOADS.values():
        workload()
    from projects.compute.kernels import KERNELS

    compiled = [kernel for kernel in KERNELS if kernel.stats.cache_misses]
    return len(compiled), sum(kernel.stats.cache_path is None for kernel in KERNELS)


def main(argv=None):
    """Compile packages side by side."""
    args = parse_args(argv)
    if not numba_enabled():
        raise SystemExit('numba is not installed or GEODISTILL_NUMBA is 0: there is nothing to compile')
    packages = args.packages or PACKAGES
    compiled = homeless = 0
    bar = tqdm(total=len(packages), desc='compiling kernels', unit='package')
    with ProcessPoolExecutor(min(args.workers, len(packages)), mp_context=get_context('spawn')) as pool, bar:
        for future in as_completed([pool.submit(compile_package, package) for package in packages]):
            now, lost = future.result()
            compiled, homeless = compiled + now, homeless + lost
            bar.update()
    if homeless:
        raise SystemExit(
            'error: no folder for compiled kernels can be written (__pycache__ of the packages, ~/.cache/geodistill3d, '
            'NUMBA_CACHE_DIR), so every process compiles them anew; set NUMBA_CACHE_DIR to a folder of yours'
        )
    print(f'{compiled} kernels compiled now, all others were on disk')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
