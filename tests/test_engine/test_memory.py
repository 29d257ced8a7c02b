"""Freed memory stays with the process. In processes of their own: the setting cannot be taken back."""

import ctypes
import sys

import pytest

glibc = pytest.mark.skipif(
    sys.platform != 'linux' or not hasattr(ctypes.CDLL(None), 'mallopt'), reason='needs mallopt of glibc'
)
FAULTS = """
import resource
import numpy as np
from projects.engine.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(50 * 2**20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(keep_freed_memory())
faults()
print(faults())
"""


def run(run_python, tmp_path, **environment):
    script = tmp_path / 'faults.py'
    script.write_text(FAULTS)
    kept, faults = run_python(script, **environment).stdout.split()
    return kept == 'True', int(faults)


@glibc
def test_a_large_block_is_mapped_once_and_then_used_again(run_python, tmp_path):
    kept, faults = run(run_python, tmp_path)
    assert kept
    assert faults < 50  # 5 blocks of 50 MiB have at least 125 pages of 2 MiB


@glibc
def test_a_choice_in_the_environment_is_left_alone(run_python, tmp_path):
    kept, faults = run(run_python, tmp_path, MALLOC_ARENA_MAX='2')
    assert not kept
    assert faults >= 125
