"""Charts of what a study of many arms found: every seed of every arm, and gains against settings."""

from collections.abc import Callable, Mapping, Sequence

from projects.reporting import Figure, interval_chart, seed_chart

from .ablation_gains import Arms, value_of
from .ablation_verdict import Gains
from .arm_meter import ArmMetric


def score_picture(arms: Arms, metrics: Sequence[ArmMetric], control: str, name_of: Callable[[str], str] = str) -> str:
    """Every seed of every arm in a few metrics, as SVG.

    Args:
        arms (Arms): What scenes add to the scores, by arm and seed.
        metrics (Sequence[ArmMetric]): What the picture shows.
        control (str): Arm whose mean is drawn through the others.
        name_of (Callable): What the reader knows an arm as. Defaults to its own name.
    """
    return seed_chart(
        {
            f'{metric.column}\n{metric.direction}': {
                name_of(arm): [value_of(metric.name, sums) for sums in runs.values()] for arm, runs in arms.items()
            }
            for metric in metrics
        },
        name_of(control),
    )


def gain_figures(
    settings: Mapping[str, Gains], metrics: Sequence[ArmMetric], control: str, name_of: Callable[[str], str] = str
) -> list[Figure]:
    """One chart for each metric: gain of every arm in every setting, with its interval over scenes."""
    figures = []
    for metric in metrics:
        series = {
            name_of(setting): {
                name_of(arm): (found[metric.name].mean, found[metric.name].low, found[metric.name].high)
                for arm, found in gains.items()
            }
            for setting, gains in settings.items()
            if gains
        }
        if series:
            caption = (
                f'Gain in {metric.label} over {control}, mean over seeds; right of zero is better. Bars: 95 % when '
                'other scenes had been drawn.'
            )
            figures.append(Figure(interval_chart(series, f'gain in {metric.gain_column}'), caption, False))
    return figures
