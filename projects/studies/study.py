"""From trained runs to ``report.json`` and ``report.html``: what the reports of both tasks share."""

import argparse
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from tqdm import tqdm

from projects.cli import ToolParser
from projects.engine import load_trained_model
from projects.fileio import atomic_write, read_json
from projects.models import TaskModel
from projects.reporting import Figure, Page, Section, Table, format_table, package_versions

from .measuring import Predictor, choose_frames, hardware
from .runs import last_checkpoint, read_run_log
from .steps import write_json

PACKAGES = ('torch', 'numpy', 'numba', 'mmengine', 'mmcv', 'mmdet', 'mmdet3d')
TINY_WARNING = 'Preset tiny: a few steps on a handful of samples, only to walk the path. These numbers mean nothing.'


class StudyResult(ABC):
    """All numbers of one study, and how they are told; ``data`` says for the reader what was measured on."""

    data: str

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, as in ``report.json``."""

    @abstractmethod
    def page(self, frames: list[Section]) -> Page:
        """The report, with one section of pictures per frame."""

    @abstractmethod
    def main_tables(self) -> list[Table]:
        """The tables that the terminal shows as well."""

    def remarks(self) -> list[str]:
        """Further lines for the terminal; none by default."""
        return []


class Study(ABC):
    """The runs of a work directory, what is measured on held-out frames, and how frames are drawn.

    With ``--so-far`` it holds those runs that a demo has finished, and every picture shows as many.

    Args:
        args (argparse.Namespace): From :meth:`parser`.

    Raises:
        FileNotFoundError: If a run has not been trained.
    """

    runs: ClassVar[tuple[str, ...]]  # their folders
    config_flags: ClassVar[Mapping[str, str]]  # help of --<name>-config, by name
    frames: ClassVar[tuple[int, str]]  # how many are drawn by default, and what --frames says about it

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        costs_file = args.work_dir / 'costs.json'
        names = self.models()
        if args.so_far:
            finished = read_json(costs_file)
            names = [name for name in names if name in finished]
        self.predictors = {name: Predictor(self._load(name)) for name in names}
        costs = read_json(costs_file)
        self.logs = {name: read_run_log(args.work_dir / name) for name in self.runs if name in names}
        for name, log in self.logs.items():
            log.peak_mb = costs.get(name, {}).get('peak_mb', math.nan)
        self.times = ', '.join(f'{name} {cost["seconds"]:.0f} s' for name, cost in costs.items())

    def _load(self, name: str) -> TaskModel:
        """Model of a run; that of a distilled student is a plain student."""
        config = getattr(self.args, f'{name if name in ("teacher", "control") else "student"}_config')
        return cast(TaskModel, load_trained_model(config, last_checkpoint(self.args.work_dir / name)))

    @classmethod
    def parser(cls, description: str | None = None) -> ToolParser:
        """The command line; a child may add flags."""
        parser = ToolParser(description=description)
        folders = ', '.join(f'{name}/' for name in cls.runs)
        parser.add_argument('work_dir', type=Path, help=f'folder with the runs {folders} and costs.json of the demo')
        for name, text in cls.config_flags.items():
            parser.add_argument(f'--{name}-config', required=True, help=text)
        parser.add_argument('--data-root', required=True, type=Path, help='data set with held-out scenes')
        parser.add_argument('--seed', type=int, default=0, help='seed of the runs (default 0)')
        parser.add_argument('--frames', type=int, default=cls.frames[0], help=cls.frames[1])
        text = 'part of the training scenes whose labels the students had (default 1)'
        parser.add_argument('--label-part', type=float, default=1.0, help=text)
        text = 'write a page of the models that are trained by now, with one frame and without scores'
        parser.add_argument('--so-far', action='store_true', help=text)
        return parser

    def models(self) -> list[str]:
        """Runs whose models are loaded; those of :attr:`runs`, unless a child knows more."""
        return list(self.runs)

    def configs(self) -> dict[str, str]:
        """Configs by their names in ``report.json``."""
        return {name: getattr(self.args, f'{name}_config') for name in self.config_flags}

    @abstractmethod
    def measure(self) -> StudyResult:
        """Measure everything on the held-out frames."""

    @abstractmethod
    def curves(self) -> list[Figure]:
        """Charts of the logs that there are."""

    @abstractmethod
    def scenes(self) -> Iterator[str]:
        """Scene of each held-out frame."""

    @abstractmethod
    def draw_frame(self, index: int) -> Section:
        """Pictures of a held-out frame."""

    def write_beside(self) -> list[tuple[str, str]]:
        """Write further pages of the drawn frames; text and file name of a link to each. None by default."""
        return []


def preset_warning(work_dir: Path) -> str:
    """What must stand beside every number of a demo's work directory; '' when the numbers mean what they say."""
    mark = work_dir / 'demo.json'
    return TINY_WARNING if mark.is_file() and read_json(mark).get('preset') == 'tiny' else ''


def write_report(study: Study) -> str:
    """Write what a study was asked for: :func:`write_full_report`, or :func:`write_page_so_far`; give what to print."""
    return write_page_so_far(study) if study.args.so_far else write_full_report(study)


def write_page_so_far(study: Study) -> str:
    """Write ``report.html`` of the runs that are trained by now: their curves, and one held-out frame, without scores.

    Returns:
        str: What to print: where the page is.
    """
    done, runs = [name for name in study.runs if name in study.logs], study.runs
    sections = [study.draw_frame(index) for index in choose_frames(study.scenes(), 1)]
    if done:
        sections.append(Section('Curves', figures=study.curves()))
    warning = f'Not finished: {len(done)} of {len(runs)} models are trained, and nothing is measured yet.'
    warning = ' '.join(filter(None, [warning, preset_warning(study.args.work_dir)]))
    lead = (
        'This page is written anew after every model: reload it. The report with all scores, controls and pictures '
        'takes its place at the end.'
    )
    page = Page(f'{len(done)} of {len(runs)} models', lead, sections, warning=warning, links=study.write_beside())
    return f'page so far: {_write_page(study, page)}'


def _write_page(study: Study, page: Page) -> Path:
    path = (study.args.work_dir / 'report.html').resolve()
    with atomic_write(path, 'w') as file:
        file.write(page.to_html())
    return path


def write_full_report(study: Study) -> str:
    """Measure a study, draw its frames, and write ``report.json`` and ``report.html`` into its work directory.

    A reader never sees a half-written file.

    Returns:
        str: What to print: the main tables, the result in words, and where the report is.
    """
    args, configs = study.args, study.configs()
    result, warning = study.measure(), preset_warning(study.args.work_dir)
    indices = choose_frames(study.scenes(), args.frames)
    frames = [study.draw_frame(index) for index in tqdm(indices, desc='pictures', unit='frame')]
    facts = {
        'seed': str(args.seed),
        'date': time.strftime('%Y-%m-%d'),
        'hardware': hardware(),
        'data': f'{args.data_root}: {result.data}',
        'configs': ', '.join(dict.fromkeys(configs.values())),
        'torch': torch.__version__,
        'time': study.times,
    }
    report = {
        **result.as_json(),
        'config': configs,
        'seed': args.seed,
        'versions': package_versions(PACKAGES),
        'facts': facts,
        'warning': warning,
    }
    write_json(args.work_dir / 'report.json', report)
    page = result.page(frames)
    page.facts, page.warning, page.links = list(facts.items()), warning, study.write_beside()
    where = _write_page(study, page)
    tables = [f'\n{format_table(table, warning)}' for table in result.main_tables()]
    return '\n'.join([*tables, ' '.join([page.lead, *page.points]), *result.remarks(), f'report: {where}'])
