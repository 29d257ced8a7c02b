"""The RadOcc step on MiniDrive against the plain student step, on made-up inputs; and bfloat16 against float32."""

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from projects.engine import keep_freed_memory
from projects.occupancy.structures import OccDataSample

from .cameras import surround_calibration
from .core import Benchmark
from .occ_scenes import FREE, SHAPE

CONFIG = Path(__file__).parents[3] / 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'
NUM_RAYS = 8192
HEIGHT, WIDTH = 128, 224
STUDENT, RADOCC = 'student', 'RadOcc'


def made_up_batch(render_size: tuple[int, int]) -> dict[str, Any]:
    """One sample as the pipeline makes it: noise for images, flat ground with boxes for labels, points and segments."""
    semantics = torch.full(SHAPE, FREE, dtype=torch.uint8)
    semantics[:, :, :2] = 11
    for i in range(0, 200, 20):
        semantics[i : i + 6, (7 * i) % 190 : (7 * i) % 190 + 5, 2:7] = i // 20 + 1
    points = torch.rand(60000, 5) * torch.tensor([80.0, 80.0, 4.0, 1.0, 0.5]) - torch.tensor([40.0, 40.0, 1.0, 0, 0])
    blocks = torch.arange(render_size[0])[:, None] // 15 * 16 + torch.arange(render_size[1]) // 12 + 1
    sample = OccDataSample(metainfo={'token': 'made-up', 'ori_shape': (HEIGHT, WIDTH)})
    sample.set_data(
        {
            'gt_occ': semantics,
            'mask_camera': torch.rand(semantics.shape) < 0.3,
            'gt_depth': torch.where(torch.rand(6, HEIGHT, WIDTH) < 0.05, 1 + 40 * torch.rand(6, HEIGHT, WIDTH), 0.0),
            'segments': blocks.expand(6, -1, -1).int(),
        }
    )
    inputs = {
        'imgs': torch.randn(1, 6, 3, HEIGHT, WIDTH),
        'points': [points],
        **surround_calibration(WIDTH, HEIGHT, 126.0, 0.5),
    }
    return {'inputs': inputs, 'data_samples': [sample]}


@torch.no_grad()
def clear_the_air(head: torch.nn.Module) -> None:
    """Raise the free logits to log-odds of about 3, a density of 0.05 per metre.

    Random logits are opaque: rays would end after two metres and rendering would cost next to nothing.
    """
    head.classify.bias.view(head.num_heights, head.num_classes)[:, FREE] += 3 + math.log(FREE)


class Steps:
    """Student and distiller of the MiniDrive config; the teacher keeps its random weights."""

    def __init__(self, num_rays: int) -> None:
        config = Config.fromfile(CONFIG)
        for name in config.custom_imports.imports:
            importlib.import_module(name)
        init_default_scope('mmdet3d')
        config.model.shared.rays.num_rays = num_rays
        self.batch = made_up_batch(config.render_size)
        model = MODELS.build(config.model)
        # The distiller refuses a teacher without a checkpoint, which a timing does not need.
        model.teacher.sha256 = 'random weights'
        for detector in (model.student, model.teacher.model):
            clear_the_air(detector.occ_head)
        model.teacher.fold()
        self.models = {STUDENT: model.student.train(), RADOCC: model.train()}

    def step(self, name: str, dtype: torch.dtype) -> Callable[[], list[Tensor]]:
        """Forward and backward pass of a model; returns its losses."""
        model = self.models[name]
        device = self.batch['inputs']['imgs'].device.type

        def run() -> list[Tensor]:
            model.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
                losses = model(dict(self.batch['inputs']), self.batch['data_samples'], mode='loss')
            total = sum(value for key, value in losses.items() if key.startswith('loss'))
            total.backward()
            return [value.detach() for value in losses.values()]

        return run


def check_finite(variant: str, result: list[Tensor], reference: list[Tensor]) -> str | None:
    """Losses that are finite, and among them all of the student's."""
    if len(result) < len(reference):
        return f'{variant}: {len(result)} losses, expected at least {len(reference)}'
    return None if all(bool(loss.isfinite()) for loss in result) else f'{variant}: a loss is not finite'


def benchmarks(quick: bool) -> list[Benchmark]:
    """RadOcc against the student, in float32 and in bfloat16, and the student in both."""
    keep_freed_memory()
    steps = Steps(NUM_RAYS)
    note = f'teacher forward, {NUM_RAYS} rays rendered twice, losses, backward'
    single = torch.float32
    half = torch.bfloat16
    found = [
        Benchmark(
            f'radocc_step_{name}',
            STUDENT,
            {STUDENT: steps.step(STUDENT, dtype), RADOCC: steps.step(RADOCC, dtype)},
            check_finite,
            floors={RADOCC: 1 / 1.8},
            notes={RADOCC: note},
        )
        for name, dtype in (('float32', single), ('bfloat16', half))
    ]
    found.append(
        Benchmark(
            'student_step',
            'float32',
            {'float32': steps.step(STUDENT, single), 'bfloat16': steps.step(STUDENT, half)},
            check_finite,
            notes={'bfloat16': 'floor 1.5x holds on a CPU with bfloat16 matrix units (AMX)'},
            floors={'bfloat16': 1.5} if has_matrix_units() else {},
        )
    )
    return found


def has_matrix_units() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware."""
    return bool(torch.cpu._is_amx_tile_supported())
