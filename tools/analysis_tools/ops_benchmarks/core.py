"""Side-by-side timing of variants of one operation.

Correctness comes first: every variant runs once and is checked; a wrong one gets no ratio. Then all variants run in
turns in this process, so that whatever else happens on the machine touches all of them, and medians are compared.
"""

import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from .meters import CpuMeter, CudaMeter

CPU = CpuMeter()
SLOW_SECONDS = 1.0
SLOW_ROUNDS = 3


def close_check(tolerance: float) -> Callable[[str, Any, Any], str | None]:
    """Check that tensors (or lists of tensors) agree within a share of the largest reference value."""

    def check(variant: str, result: Any, reference: Any) -> str | None:
        pairs = [(result, reference)] if isinstance(result, torch.Tensor) else list(zip(result, reference, strict=True))
        for i, (mine, theirs) in enumerate(pairs):
            if mine.shape != theirs.shape:
                return f'{variant}: result {i} has shape {tuple(mine.shape)}, expected {tuple(theirs.shape)}'
            error = float((mine - theirs).abs().max() / theirs.abs().max().clamp_min(1e-12))
            if not error <= tolerance:  # a NaN is an error as well
                return f'{variant}: result {i} differs by {error:.1e} of the largest value, allowed is {tolerance:.1e}'
        return None

    return check


@dataclass
class Benchmark:
    """Variants of one operation on the same inputs.

    Args:
        op (str): Name of the operation; one benchmark module may give several.
        reference (str): Name of the variant that all others are compared with.
        variants (dict[str, Callable]): Functions to time. Each gets what ``setup`` returned.
        check (Callable): ``check(variant, result, reference_result)`` returns None or a message of what is wrong.
        setup (Callable): Makes the arguments of one call, outside the timing (for instance fresh leaves).
        floors (dict[str, float]): Ratio (median of the reference / median of the variant) that a variant must reach.
        memory_floors (dict[str, float]): The same for peak memory.
        expected (dict[str, float]): Ratios published for the same algorithms, to see whether a transcription is slow.
        min_bytes (dict[str, float]): Bytes that a variant cannot avoid to move; gives its share of the byte floor.
        notes (dict[str, str]): What a variant includes (ranking, copies) when the name does not say it.
        rounds (int): Calls of each variant; variants slower than a second get 3. Defaults to 11.
        quick_rounds (int): The same for ``--quick``. Defaults to 5.
    """

    op: str
    reference: str
    variants: Mapping[str, Callable[..., Any]]
    check: Callable[[str, Any, Any], str | None]
    setup: Callable[[], tuple] = tuple
    floors: Mapping[str, float] = field(default_factory=dict)
    memory_floors: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    min_bytes: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 11
    quick_rounds: int = 5

    def __post_init__(self) -> None:
        named = {self.reference, *self.floors, *self.memory_floors, *self.expected, *self.min_bytes, *self.notes}
        unknown = named - set(self.variants)
        if unknown:
            raise ValueError(f'{self.op}: no variant is called {sorted(unknown)}; there are {list(self.variants)}')


def without_expectations(benchmark: Benchmark) -> Benchmark:
    """The benchmark without floors and published ratios, which are those of a CPU."""
    return replace(benchmark, floors={}, memory_floors={}, expected={})


def check_variants(benchmark: Benchmark) -> dict[str, str]:
    """Run every variant once (which also compiles it) and return the messages of the wrong ones."""
    reference = benchmark.variants[benchmark.reference](*benchmark.setup())
    errors = {}
    for name, function in benchmark.variants.items():
        result = reference if name == benchmark.reference else function(*benchmark.setup())
        message = benchmark.check(name, result, reference)
        if message:
            errors[name] = message
    return errors


def peak_memory(benchmark: Benchmark, meter: CpuMeter | CudaMeter = CPU, repeats: int = 2) -> dict[str, float]:
    """Peak memory of one call of each variant in MiB."""
    peaks = {}
    for name, function in benchmark.variants.items():
        values = []
        for _ in range(repeats):
            arguments = benchmark.setup()
            values.append(meter.peak_mb(lambda: function(*arguments)))  # noqa: B023
        peaks[name] = max(values)
    return peaks


def time_variants(benchmark: Benchmark, rounds: int, meter: CpuMeter | CudaMeter = CPU) -> dict[str, list[float]]:
    """Seconds of each variant, all variants in turns.

    The order changes from round to round: what runs before leaves caches and the heap cold or warm.
    """
    times: dict[str, list[float]] = {name: [] for name in benchmark.variants}
    for round_number in range(rounds):
        for name in random.Random(round_number).sample(list(times), len(times)):
            function = benchmark.variants[name]
            if len(times[name]) >= SLOW_ROUNDS and statistics.median(times[name]) > SLOW_SECONDS:
                continue
            times[name].append(meter.seconds(function, benchmark.setup()))
    return times


def _ratio(numerator: float, denominator: float) -> float | None:
    ratio = numerator / denominator if denominator else float('nan')
    return ratio if ratio == ratio else None


def measure(benchmark: Benchmark, quick: bool = False, meter: CpuMeter | CudaMeter = CPU) -> list[dict[str, Any]]:
    """Check, then measure memory and time of every variant.

    Returns:
        list[dict]: One row per variant. ``ratio`` and ``memory_ratio`` say how many times the reference needs more;
        they are None when the variant or the reference is wrong.
    """
    errors = check_variants(benchmark)
    peaks = peak_memory(benchmark, meter)
    times = time_variants(benchmark, benchmark.quick_rounds if quick else benchmark.rounds, meter)
    base = benchmark.reference
    rows = []
    for name, seconds in times.items():
        comparable = name not in errors and base not in errors
        median = statistics.median(seconds)
        moved = benchmark.min_bytes.get(name)
        rows.append(
            {
                'op': benchmark.op,
                'variant': name,
                'reference': base,
                'correct': name not in errors,
                'ratio': statistics.median(times[base]) / median if comparable else None,
                'median_ms': 1e3 * median,
                'min_ms': 1e3 * min(seconds),
                'n': len(seconds),
                'peak_mb': peaks[name] if peaks[name] == peaks[name] else None,
                'memory_ratio': _ratio(peaks[base], max(peaks[name], 0.1)) if comparable else None,
                'floor': benchmark.floors.get(name),
                'memory_floor': benchmark.memory_floors.get(name),
                'expected_ratio': benchmark.expected.get(name),
                'byte_floor_share': moved / meter.bandwidth(moved) / min(seconds) if moved else None,
                'note': benchmark.notes.get(name, ''),
                'error': errors.get(name),
            }
        )
    return rows


def measure_twice_if_slow(
    benchmark: Benchmark, quick: bool = False, meter: CpuMeter | CudaMeter = CPU
) -> list[dict[str, Any]]:
    """Measure, and once more when a ratio is under half of its floor.

    Other work on the machine gives one bad median; slow code gives two. Wrong results are not tried again.
    """
    rows = measure(benchmark, quick, meter)
    if failures(rows) and all(row['correct'] for row in rows):
        rows = measure(benchmark, quick, meter)
    return rows


def failures(rows: list[dict[str, Any]]) -> list[str]:
    """What makes a run fail: wrong results, and ratios under half of their floor."""
    messages = []
    for row in rows:
        if not row['correct']:
            messages.append(f'{row["op"]}: {row["error"]}')
        for what, key, floor_key in (('time', 'ratio', 'floor'), ('memory', 'memory_ratio', 'memory_floor')):
            ratio, floor = row[key], row[floor_key]
            if ratio is not None and floor is not None and ratio < floor / 2:
                reached = f'{row["variant"]} reaches {ratio:.2f}x in {what}'
                messages.append(f'{row["op"]}: {reached}, under half of its floor {floor:.3g}x')
    return messages
