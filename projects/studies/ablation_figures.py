"""What a study of many arms found, as one sentence and as charts of gains against settings."""

from collections.abc import Mapping, Sequence

import numpy as np

from projects.reporting import Figure, interval_chart

from .statistics import Gain, holm

Gains = Mapping[str, Mapping[str, Gain]]
"""Gains over the control, by arm and metric."""
LEVEL = 0.05
"""A gain counts when its adjusted p is below."""


def gain_figures(settings: Mapping[str, Gains], metrics: Sequence[str], control: str) -> list[Figure]:
    """One chart for each metric: gain of every arm in every setting, with its interval over scenes."""
    figures = []
    for metric in metrics:
        series = {
            setting: {arm: (found[metric].mean, found[metric].low, found[metric].high) for arm, found in gains.items()}
            for setting, gains in settings.items()
            if gains
        }
        if series:
            caption = f'Gain in {metric} over {control}, mean over seeds; bars: 95 % over scenes. Right is better.'
            figures.append(Figure(interval_chart(series, f'gain in {metric}'), caption, False))
    return figures


def verdict(settings: Mapping[str, Gains], metric: str, control: str, digits: int = 2) -> str:
    """Which arms gain beyond noise, setting by setting.

    An arm gains when its interval over scenes is above zero and, where there are several seeds, its p over seeds,
    adjusted for the number of arms, is below 0.05.
    """
    sentences = []
    for setting, gains in settings.items():
        if not gains:
            continue
        adjusted = holm({arm: found[metric].p_seeds for arm, found in gains.items()})
        better = {
            arm: found[metric].mean
            for arm, found in gains.items()
            if found[metric].low > 0 and (np.isnan(adjusted[arm]) or adjusted[arm] < LEVEL)
        }
        ordered = sorted(better, key=lambda arm: -better[arm])
        proof = {arm: 'one seed' if np.isnan(adjusted[arm]) else f'p {adjusted[arm]:.3f}' for arm in ordered}
        shown = ', '.join(f'{arm} {better[arm]:+.{digits}f} ({proof[arm]})' for arm in ordered)
        seeds = ' One seed cannot tell seeds from arms.' if 'one seed' in proof.values() else ''
        shown = f'{shown or "no arm"} (of {len(gains)} arms).{seeds}'
        sentences.append(f'{setting}: {metric} gains beyond noise over {control}: {shown}')
    return ' '.join(sentences)
