"""The framework of benchmark_ops.py: correctness before ratios, floors, and the command line."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'analysis_tools'))

from ops_benchmarks import machine
from ops_benchmarks.core import (
    Benchmark,
    close_check,
    failures,
    measure,
    measure_twice_if_slow,
    time_variants,
    without_expectations,
)
from ops_benchmarks.machine import copy_bandwidth, describe, peak_memory_mb
from ops_benchmarks.meters import CudaMeter
from ops_benchmarks.report import machine_line, markdown, text_table


def sleepy(seconds, value):
    def run(start):
        time.sleep(seconds)
        return start + value

    return run


def toy(**options):
    variants = {'slow': sleepy(0.02, 1.0), 'fast': sleepy(0.001, 1.0), 'wrong': sleepy(0.0, 2.0)}
    return Benchmark(
        'toy', 'slow', variants, close_check(1e-6), setup=lambda: (torch.zeros(3),), quick_rounds=3, **options
    )


def rows_by_variant(**options):
    return {row['variant']: row for row in measure(toy(**options), quick=True)}


def test_a_wrong_variant_gets_no_ratio_and_fails_the_run():
    rows = rows_by_variant()
    assert rows['fast']['correct']
    assert rows['fast']['ratio'] == pytest.approx(rows['slow']['median_ms'] / rows['fast']['median_ms'])
    assert rows['slow']['ratio'] == 1
    assert not rows['wrong']['correct']
    assert rows['wrong']['ratio'] is None
    assert failures(list(rows.values())) == [
        'toy: wrong: result 0 differs by 1.0e+00 of the largest value, allowed is 1.0e-06'
    ]


def test_no_variant_has_a_ratio_when_the_reference_is_wrong():
    benchmark = toy()
    benchmark.check = lambda variant, result, reference: 'bad' if variant == 'slow' else None
    assert [row['ratio'] for row in measure(benchmark, quick=True)] == [None, None, None]


@pytest.mark.parametrize(('ratio', 'fails'), [(4.9, True), (5.1, False)])
def test_a_ratio_under_half_of_its_floor_fails(ratio, fails):
    row = rows_by_variant(floors={'fast': 10.0})['fast']
    assert row['floor'] == 10.0
    assert bool(failures([{**row, 'ratio': ratio}])) is fails
    row.update(ratio=None, memory_floor=8.0, memory_ratio=ratio - 1)
    assert bool(failures([row])) is fails


@pytest.mark.parametrize(('slow_calls', 'fails'), [(5, False), (10**6, True)])
def test_a_ratio_fails_only_when_two_measurements_miss_its_floor(slow_calls, fails):
    # One call checks the result, two measure the memory, two are timed: five in the first measurement.
    calls = iter(range(10**7))
    variants = {
        'peer': lambda: time.sleep(0.02),
        'ours': lambda: time.sleep(0.02 if next(calls) < slow_calls else 0.001),
    }
    benchmark = Benchmark('toy', 'peer', variants, lambda *_: None, floors={'ours': 6.0}, quick_rounds=2)
    assert bool(failures(measure_twice_if_slow(benchmark, quick=True))) is fails


def test_a_wrong_result_is_not_measured_again():
    benchmark = toy()
    benchmark.variants['slow'] = counted = Counted(benchmark.variants['slow'])
    assert failures(measure_twice_if_slow(benchmark, quick=True))
    assert counted.calls == 1 + 2 + 3


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


def test_memory_is_touched_up_to_half_of_what_is_free(monkeypatch):
    free = {'SC_AVPHYS_PAGES': 4096, 'SC_PAGE_SIZE': 4096}
    asked = []
    monkeypatch.setattr(machine.os, 'sysconf', free.__getitem__)
    monkeypatch.setattr(machine.np, 'empty', lambda size, dtype: asked.append(size) or np.zeros(size, dtype))
    machine.touch_memory()
    machine.touch_memory(gib=2**-10)
    assert asked == [8 * 2**20, 2**20]


def test_variants_run_in_turns_and_in_changing_order():
    calls = []
    variants = {name: lambda name=name: calls.append(name) for name in 'abc'}
    time_variants(Benchmark('toy', 'a', variants, close_check(0)), 4)
    rounds = [tuple(calls[i : i + 3]) for i in range(0, 12, 3)]
    assert all(sorted(order) == ['a', 'b', 'c'] for order in rounds)
    assert len(set(rounds)) > 1


def test_nan_counts_as_wrong_and_shapes_must_agree():
    check = close_check(1e-3)
    assert 'differs by nan' in check('v', torch.tensor([float('nan')]), torch.ones(1))
    assert 'has shape (2,), expected (1,)' in check('v', [torch.ones(2)], [torch.ones(1)])
    assert check('v', torch.ones(2), torch.ones(2)) is None


def test_names_of_unknown_variants_are_refused():
    with pytest.raises(ValueError, match=r"toy: no variant is called \['quick'\]"):
        toy(floors={'quick': 2.0})


def test_peak_memory_sees_a_temporary_that_is_freed_again():
    assert 60 < peak_memory_mb(lambda: torch.ones(2**24).sum()) < 90
    assert copy_bandwidth(2**20) > 0


def test_tables_show_every_row_and_where_it_was_measured():
    rows = list(rows_by_variant(notes={'fast': 'cached'}).values())
    table = text_table(rows)
    assert 'toy (ratios against slow)' in table
    assert 'fast: cached' in table
    assert 'NO' in next(line for line in table.splitlines() if line.startswith('wrong'))
    page = markdown(rows, describe())
    assert page.count('| wrong |') == 1
    assert torch.__version__ in page


def test_unknown_operation_is_refused(run_python):
    result = run_python('tools/analysis_tools/benchmark_ops.py', 'fly', check=False)
    assert result.returncode == 2
    assert "unknown operation ['fly']" in result.stderr


class FakeCuda:
    """``torch.cuda`` with clock and memory that are moved by hand; an event that was not waited for is at 9 s."""

    def __init__(self):
        self.now, self.used, self.peak, self.waits = 0.0, 0, 0, 0

    def work(self, seconds, num_bytes=0):
        self.now += seconds
        self.peak = max(self.peak, self.used + num_bytes)

    def synchronize(self, device):
        self.waits += 1

    def memory_allocated(self, device):
        return self.used

    def reset_peak_memory_stats(self, device):
        self.peak = self.used

    def max_memory_allocated(self, device):
        return self.peak

    def get_device_name(self, device):
        return 'Fake 1'

    def Event(fake, enable_timing):  # noqa: N802, N805
        class Event:
            time = 9.0

            def record(self):
                self.recorded = fake.now

            def synchronize(self):
                self.time = self.recorded

            def elapsed_time(self, end):
                return 1e3 * (end.time - self.recorded)

        assert enable_timing
        return Event()


def test_a_gpu_is_timed_by_events_that_were_waited_for_and_memory_is_that_of_its_allocator():
    cuda = FakeCuda()
    cuda.used = 3 * 2**20
    meter = CudaMeter(torch.device('cpu'), cuda)
    assert meter.seconds(cuda.work, (0.25,)) == pytest.approx(0.25)
    assert cuda.waits == 1, 'the device is idle when the clock starts'
    cuda.peak = 2**30
    assert meter.peak_mb(lambda: cuda.work(1.0, 5 * 2**20)) == pytest.approx(5)


def test_ratios_on_a_gpu_are_those_of_its_clock_after_the_results_were_checked():
    cuda = FakeCuda()

    def busy(seconds, value):
        return lambda: cuda.work(seconds) or torch.full((3,), value)

    variants = {'peer': busy(0.08, 1.0), 'ours': busy(0.02, 1.0), 'wrong': busy(0.01, 2.0)}
    benchmark = Benchmark('toy', 'peer', variants, close_check(1e-6), floors={'ours': 9.0}, expected={'ours': 9.0})
    rows = measure(without_expectations(benchmark), quick=True, meter=CudaMeter(torch.device('cpu'), cuda))
    assert [row['ratio'] for row in rows] == [1, pytest.approx(4), None]
    assert [row['median_ms'] for row in rows] == pytest.approx([80, 20, 10])
    assert [(row['floor'], row['expected_ratio']) for row in rows] == [(None, None)] * 3


def test_the_line_of_the_machine_names_the_gpu():
    line = machine_line({**describe(), 'gpu': 'Fake 1', 'cuda': '13.0', 'gpu_copy_gib_s_256mb': 2800.0})
    assert line.endswith('; Fake 1, CUDA 13.0, copy 2800.0 GiB/s (256 MB)')
    assert 'CUDA' not in machine_line(describe())


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--device', 'cuda:99'], '--device cuda:99 cannot be used with torch'),
        (['miou', '--device', 'cuda'], "['miou'] run on the CPU only; with --device cuda choose from ['pool'"),
    ],
)
def test_a_device_that_is_not_there_or_cannot_run_it_is_refused(words, message, monkeypatch, capsys):
    import benchmark_ops

    if words[-1] == 'cuda':
        monkeypatch.setattr(benchmark_ops, 'device_problem', lambda name: None)
    with pytest.raises(SystemExit):
        benchmark_ops.parse_args(words)
    assert message in capsys.readouterr().err


def test_a_gpu_runs_the_operations_that_it_can(monkeypatch):
    import benchmark_ops

    monkeypatch.setattr(benchmark_ops, 'device_problem', lambda name: None)
    assert benchmark_ops.parse_args(['--device', 'cuda']).ops == ['pool', 'render', 'step']
    assert benchmark_ops.parse_args(['step', 'miou']).ops == ['miou', 'step']
