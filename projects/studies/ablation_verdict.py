"""What a study of many arms found, in sentences: the first screen of its page."""

from collections.abc import Callable, Mapping

import numpy as np

from .arm_meter import ArmMetric
from .statistics import Gain, holm

Gains = Mapping[str, Mapping[str, Gain]]
"""Gains over the control, by arm and metric."""
LEVEL = 0.05
"""A gain counts when its adjusted p is below."""
_NAMED = 3
"""So many arms are named in a sentence."""
BEYOND_NOISE = (
    'A gain is beyond noise when its 95 % interval over scenes is above zero and its p over seeds, a paired t-test '
    'adjusted for the number of arms (Holm), is below 0.05. A gain above zero is always for the better, also of an '
    'error or a likelihood that falls.'
)


def p_text(p: float) -> str:
    """P for a table or a sentence: three digits, and never 0.000; '' for NaN."""
    return '' if np.isnan(p) else 'p < 0.001' if p < 0.001 else f'p {p:.3f}'


def verdict(setting: str, gains: Gains, metric: ArmMetric, control: str, name_of: Callable[[str], str] = str) -> str:
    """Which arms gain beyond noise in a setting.

    An arm gains when its interval over scenes is above zero and its p over seeds, adjusted for the number of arms, is
    below 0.05. An arm of one seed has no p: it is named apart, since another seed may move it by more than the
    interval over scenes is wide.

    Args:
        setting (str): What the reader knows the setting as.
        gains (Gains): By arm and metric; at least one arm.
        metric (ArmMetric): The metric in question.
        control (str): What the gains are over.
        name_of (Callable): What the reader knows an arm as. Defaults to its own name.
    """
    found = {arm: by_metric[metric.name] for arm, by_metric in gains.items()}
    adjusted = holm({arm: gain.p_seeds for arm, gain in found.items()})
    above = sorted((arm for arm in found if found[arm].low > 0), key=lambda arm: -found[arm].mean)
    shown = {arm: f'{name_of(arm)} {found[arm].mean:+.{metric.digits}f}' for arm in above}
    sure = [f'{shown[arm]} ({p_text(adjusted[arm])})' for arm in above if adjusted[arm] < LEVEL]
    single = [shown[arm] for arm in above if np.isnan(adjusted[arm])]
    gained, beyond = f'{metric.gain_column} over {control}', 'beyond noise'
    alone = f'With one seed, which cannot tell seeds from arms: {_listed(single)}.' if single else ''
    tested = {arm: gain.mean for arm, gain in found.items() if not np.isnan(adjusted[arm])}
    if sure:
        told = f'{len(sure)} of {len(found)} arms gain {gained} {beyond}: {_listed(sure)}.'
    elif tested:
        best = max(tested, key=lambda arm: tested[arm])
        most = f'{name_of(best)} has {tested[best]:+.{metric.digits}f} ({p_text(adjusted[best])})'
        told = f'no arm of {len(found)} gains {gained} {beyond}: {most}.'
    else:
        told = f'no gain in {gained} can be tested over seeds.'
    return ' '.join(filter(None, [f'With {setting}, {told}', alone]))


def _listed(texts: list[str]) -> str:
    more = len(texts) - _NAMED
    return ', '.join(texts[:_NAMED]) + (f', and {more} more' if more > 0 else '')
