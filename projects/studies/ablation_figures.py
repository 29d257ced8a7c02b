"""What a study of many arms found, as one sentence and as charts of gains against settings."""

from collections.abc import Mapping, Sequence

import numpy as np

from projects.reporting import Figure, interval_chart, seed_chart

from .ablation_gains import Arms, value_of
from .statistics import Gain, holm

Gains = Mapping[str, Mapping[str, Gain]]
"""Gains over the control, by arm and metric."""
LEVEL = 0.05
"""A gain counts when its adjusted p is below."""


def score_picture(arms: Arms, metrics: Mapping[str, str], control: str) -> str:
    """Every seed of every arm in a few metrics, as SVG.

    Args:
        arms (Arms): What scenes add to the scores, by arm and seed.
        metrics (Mapping[str, str]): Name of a metric -> what the picture calls it.
        control (str): Arm whose mean is drawn through the others.
    """
    return seed_chart(
        {
            label: {arm: [value_of(metric, sums) for sums in runs.values()] for arm, runs in arms.items()}
            for metric, label in metrics.items()
        },
        control,
    )


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

    An arm gains when its interval over scenes is above zero and its p over seeds, adjusted for the number of arms, is
    below 0.05. An arm of one seed has no p: it is named apart, since another seed may move it by more than the
    interval over scenes is wide.
    """
    sentences = []
    for setting, gains in settings.items():
        if not gains:
            continue
        adjusted = holm({arm: found[metric].p_seeds for arm, found in gains.items()})
        above = sorted((arm for arm in gains if gains[arm][metric].low > 0), key=lambda arm: -gains[arm][metric].mean)
        shown = {arm: f'{arm} {gains[arm][metric].mean:+.{digits}f}' for arm in above}
        sure = [f'{shown[arm]} (p {adjusted[arm]:.3f})' for arm in above if adjusted[arm] < LEVEL]
        single = [shown[arm] for arm in above if np.isnan(adjusted[arm])]
        told = f'{", ".join(sure) or "no arm"} (of {len(gains)} arms).'
        alone = f' With one seed, which cannot tell seeds from arms: {", ".join(single)}.' if single else ''
        sentences.append(f'{setting}: {metric} gains beyond noise over {control}: {told}{alone}')
    return ' '.join(sentences)
