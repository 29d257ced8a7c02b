"""Gains of the arms of a study over its controls, from what scenes add to the scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from .ablation import Ablation, Run
from .arm_sums import read_sums, same_scenes, total
from .arm_task import METRIC, TASKS
from .statistics import Gain, paired_gain, scene_interval

_RESAMPLES = 500

Sums = dict[str, np.ndarray]
Arms = dict[str, dict[int, Sums]]
"""What scenes add to the scores, by arm and seed."""


def measured(study: Ablation, setting: str) -> Arms:
    """Scores of a setting that are there, by arm and seed.

    Raises:
        BadFileError: If a file of scores is damaged or lacks a part that a metric needs.
        ValueError: If not all were measured on the same scenes.
    """
    arms: Arms = {}
    parts = {metric.part for metric in TASKS[study.task].metrics}
    for arm in study.arms_of(setting):
        runs = {seed: study.scores(Run(setting, arm, seed)) for seed in study.seeds_of(arm)}
        found = {seed: read_sums(path, parts) for seed, path in runs.items() if path.is_file()}
        if found:
            arms[arm] = found
    same_scenes({f'{setting}/{arm}/seed{seed}': sums for arm, runs in arms.items() for seed, sums in runs.items()})
    return arms


def value_of(metric: str, sums: Sums) -> float:
    """Score of all scenes."""
    return METRIC[metric].score(total(sums))


def gain_of(metric: str, arm: Mapping[int, Sums], control: Mapping[int, Sums]) -> Gain | None:
    """Gain of an arm over the control in the seeds that both have; None when there is no such seed.

    What gains by falling has its sign turned: more is better in every gain.
    """
    seeds = sorted(arm.keys() & control.keys())
    if not seeds:
        return None
    measure = METRIC[metric]
    key, sign = measure.part, measure.sign
    low, high = scene_interval(
        np.stack([arm[seed][key] for seed in seeds]),
        np.stack([control[seed][key] for seed in seeds]),
        lambda sums: sign * measure.score({key: sums}),
        resamples=_RESAMPLES,
    )
    values = [[sign * value_of(metric, runs[seed]) for seed in seeds] for runs in (arm, control)]
    return paired_gain(values[0], values[1], low, high)


def strongest(metric: str, arms: Arms, controls: Sequence[str]) -> str | None:
    """The control with the best mean over seeds; None when no control has been measured.

    Chosen on the held-out scenes themselves, and for each metric apart: that can only make a gain over it smaller, if
    all controls have the same seeds.
    """
    found = [control for control in controls if control in arms]
    if not found:
        return None
    sign = METRIC[metric].sign
    return max(found, key=lambda name: sign * float(np.mean([value_of(metric, sums) for sums in arms[name].values()])))


def gains_over(
    control: str | None, arms: Arms, controls: Sequence[str], metrics: Sequence[str]
) -> dict[str, dict[str, Gain]]:
    """Gains of all arms that have seeds in common with their control.

    Args:
        control (str, optional): The control, whose gains are those of all other arms; None takes the strongest control
            of each metric, and leaves out the controls.
        arms (Arms): What scenes add, by arm and seed.
        controls (Sequence[str]): Names of all controls.
        metrics (Sequence[str]): Names of the metrics.

    Returns:
        dict[str, dict[str, Gain]]: By arm and metric.
    """
    against = {metric: control or strongest(metric, arms, controls) for metric in metrics}
    left_out = [control] if control else controls
    gains = {}
    for arm, runs in arms.items():
        if arm not in left_out:
            found = {metric: gain_of(metric, runs, arms.get(name or '', {})) for metric, name in against.items()}
            whole = {metric: gain for metric, gain in found.items() if gain is not None}
            if len(whole) == len(metrics):
                gains[arm] = whole
    return gains


def gains_of_pairs(pairs: Sequence[tuple[str, str]], arms: Arms, metrics: Sequence[str]) -> dict[str, dict[str, Gain]]:
    """Gains of the first arm of each pair over the second, where both have been measured with a seed in common.

    Returns:
        dict[str, dict[str, Gain]]: By '<first> over <second>' and metric.
    """
    gains = {}
    for first, second in pairs:
        found = {metric: gain_of(metric, arms.get(first, {}), arms.get(second, {})) for metric in metrics}
        whole = {metric: gain for metric, gain in found.items() if gain is not None}
        if len(whole) == len(metrics):
            gains[f'{first} over {second}'] = whole
    return gains
