"""What distillation adds to a student: the teacher, connectors with weights, rendering."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .formulas import pieces_per_ray, render_bytes, render_flops
from .inputs import DataPlan
from .models import build_on_meta, measure_model
from .parts import Meter, PartCost, count_parameters


@dataclass(frozen=True)
class RayPlan:
    """Rays of a sample.

    Args:
        num_rays (int): Rays.
        num_bins (int): Bins of each.
    """

    num_rays: int
    num_bins: int


def measure_teacher(config: Mapping[str, Any], data: DataPlan) -> tuple[PartCost, dict[str, Tensor]]:
    """The teacher as one part: its forward pass, which keeps nothing; and its outputs."""
    meter, outputs, parameters = measure_model(config, data, learns=False)
    return PartCost('teacher', parameters, sum(part.flops for part in meter.parts), passes=1.0), outputs


def measure_connectors(model: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Tensor]], meter: Meter) -> None:
    """Connectors with weights, such as projections and attention, of outputs by role; others cost next to nothing."""
    for name, config in (model.get('connectors') or {}).items():
        connector, row = build_on_meta(config).train(), {}
        if not count_parameters(connector):
            continue
        for argument, source in model['connector_inputs'][name].items():
            role, output = source.split('.', 1)
            row[argument] = outputs[role][output]
        meter.measure(f'connector {name}', [connector], lambda module=connector, row=row: module(**row))


def measure_rendering(model: Mapping[str, Any], logits: Tensor) -> tuple[PartCost, RayPlan] | None:
    """Both renders of RadOcc as one part, by formulas; None for a distillation without rays."""
    rays = (model.get('shared') or {}).get('rays')
    if rays is None:
        return None
    geometry = rays['geometry']
    field, step = geometry.get('field', 'trilinear'), geometry['step']
    bins = round((geometry['t_range'][1] - geometry['t_range'][0]) / step)
    box, size = geometry['point_cloud_range'], geometry['grid_size']
    edge = min((high - low) / count for low, high, count in zip(box[:3], box[3:], size))
    pieces, classes = pieces_per_ray(bins, step, edge, field), logits.shape[-1]
    once = render_flops(rays['num_rays'], pieces, classes, field)
    kept = render_bytes(rays['num_rays'], bins, pieces, classes)
    # The teacher's render has no backward pass: 1 + 3 passes over the rays, as two passes of both.
    return PartCost('rendering', 0, 2 * once, kept, passes=2.0), RayPlan(rays['num_rays'], bins)
