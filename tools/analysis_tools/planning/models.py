"""Costs of the models of this repository, part by part, for one sample.

Shape letters: B batch, N cameras, C channels, D depth bins, X/Y/Z voxels.
"""

import ast
import functools
from collections.abc import Mapping
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from projects.depth.models.networks import ImageDepthModel, StereoDepthModel
from projects.occupancy.models.networks import (
    BEVFormerOccModel,
    FusionOccModel,
    LidarOccModel,
    LSSOccModel,
    TemporalLSSOccModel,
)
from projects.occupancy.models.view_transforms import TPVFormerEncoder
from projects.occupancy.models.view_transforms.pillars import PillarViews

from .formulas import FLOAT, matching_flops, pillar_flops, pooling_flops, sampling_flops, warp_flops
from .inputs import NUM_CAMS, WIDEST_CAMERA, DataPlan
from .parts import LinspaceOnCpu, Meter, count_parameters


def build_on_meta(config: Mapping[str, Any]) -> Any:
    """Build a module whose weights have no memory."""
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device('meta'), LinspaceOnCpu():
        return MODELS.build(dict(config))


def empty(*shape: int) -> Tensor:
    """A tensor without memory that wants a gradient where gradients are on."""
    return torch.empty(*shape, device='meta', requires_grad=torch.is_grad_enabled())


def measure_model(config: Mapping[str, Any], data: DataPlan, learns: bool) -> tuple[Meter, dict[str, Tensor], int]:
    """Costs of a model, for one sample.

    Args:
        config (Mapping[str, Any]): Its config, of literals.
        data (DataPlan): Sizes of the data.
        learns (bool): False for a teacher: nothing is kept for a backward pass.

    Returns:
        tuple: A meter with the parts, the outputs of the model, and the number of its parameters.

    Raises:
        TypeError: If the model is of no class that is known here.
    """
    meter, outputs, parameters = _measure_once(repr(dict(config)), data.image_size, data.points, learns)
    return meter.copy(), outputs, parameters


@functools.cache
def _measure_once(config: str, image_size: tuple[int, int], points: int, learns: bool) -> tuple[Meter, Any, int]:
    """The same, once for a model and a size: many configs share students and teachers."""
    model, meter = build_on_meta(ast.literal_eval(config)).train(learns), Meter()
    with torch.set_grad_enabled(learns):
        outputs = _run(model, DataPlan(image_size, points), meter)
    return meter, outputs, count_parameters(model)


def _run(model: nn.Module, data: DataPlan, meter: Meter) -> dict[str, Tensor]:
    if isinstance(model, LSSOccModel):
        return _lss(model, data, meter)
    if isinstance(model, BEVFormerOccModel):
        return _queries(model, data, meter)
    if isinstance(model, LidarOccModel):
        feat = _points(model, data, meter)
        logits = meter.measure('head', [model.occ_head], lambda: model.occ_head(feat))
        return {'bev_feat': feat, 'occ_logits': logits}
    if isinstance(model, ImageDepthModel):
        return _depth(model, data, meter)
    known = 'LSSOccModel, BEVFormerOccModel, LidarOccModel and ImageDepthModel'
    raise TypeError(f'plan.py knows {known}, not {type(model).__name__}')


def _lss(model: LSSOccModel, data: DataPlan, meter: Meter) -> dict[str, Tensor]:
    imgs = torch.empty(1, NUM_CAMS, 3, *data.image_size, device='meta')
    backbone = [model.img_backbone, model.img_neck]
    feats = meter.measure('images', backbone, lambda: model.extract_img_feats({'imgs': imgs}))
    view = model.view_transform
    with torch.no_grad():
        seen = model.extract_frames({'imgs': imgs}) if isinstance(model, TemporalLSSOccModel) else {}
    matched = seen.get('match_feats')
    depth_logits = _depth_net(view, feats, meter, matched)
    X, Y, Z = view.grid_size
    C = view.out_channels
    lifted = empty(1, Z * C, Y, X) if view.collapse_z else empty(1, C, X, Y, Z)
    if isinstance(model, TemporalLSSOccModel):
        lifted = _with_history(model, imgs, matched, lifted, meter)
    encoder = [model.grid_backbone, model.grid_neck]
    name = 'BEV encoder' if view.collapse_z else '3D encoder'
    grid_feat = meter.measure(name, encoder, lambda: model.grid_neck(model.grid_backbone(lifted)))
    if isinstance(model, FusionOccModel):
        pair = [grid_feat, _points(model, data, meter)]
        grid_feat = meter.measure('fusion', [model.fuser], lambda: model.fuser(pair))
    outputs = meter.measure('head', [model.occ_head], lambda: model.decode(grid_feat))
    return {'img_feats': feats, 'depth_logits': depth_logits, **outputs}


def _with_history(
    model: TemporalLSSOccModel, imgs: Tensor, matched: Tensor | None, lifted: Tensor, meter: Meter
) -> Tensor:
    """Features of the present frame and of its history, side by side; former frames are seen without gradients."""
    feature = lifted
    if model.frame_encoder is not None:
        feature = meter.measure('frame encoder', [model.frame_encoder], lambda: model.encode_frame(lifted))
    former, view = Meter(), model.view_transform
    with torch.no_grad():
        for _ in range(model.num_history + model.REFERENCES):
            feats = former.measure('images', [], lambda: model.extract_img_feats({'imgs': imgs}))
        for _ in range(model.num_history):
            _depth_net(view, feats, former, matched)
            former.measure('frame encoder', [], lambda: model.encode_frame(lifted))
        warps = model.num_history * warp_flops(feature[0, 0].numel(), feature.shape[1], 2 ** (feature.dim() - 2))
        meter.measure('history', [], lambda: None, warps + sum(part.flops for part in former.parts))
    return torch.cat([feature, *[feature.detach()] * model.num_history], 1)


def _depth_net(view: nn.Module, feats: Tensor, meter: Meter, matched: Tensor | None = None) -> Tensor:
    """View transform: its network is measured; the pooling of its points and the matching are formulas."""
    shapes = {'cam2img': (1, NUM_CAMS, 3, 3), 'cam2ego': (1, NUM_CAMS, 4, 4)}
    shapes.update(img_aug_matrix=(1, NUM_CAMS, 3, 3), bda_mat=(1, 4, 4))
    matrices = {name: torch.empty(shape, device='meta') for name, shape in shapes.items()}

    matching = 0.0
    if matched is not None:
        channels, rows, columns = matched.shape[2:]
        matrices['matching'] = torch.empty(1, NUM_CAMS, view.num_depths, rows, columns, device='meta')
        matching = matching_flops(NUM_CAMS, view.num_depths, rows, columns, channels)

    def predict() -> Tensor:
        depth_logits, _ = view.predict_depth(feats.flatten(0, 1), matrices)
        depth_logits.float().softmax(1)
        return depth_logits

    height, width = feats.shape[-2:]
    context = NUM_CAMS * height * width * view.out_channels * FLOAT
    pooling = pooling_flops(NUM_CAMS, view.num_depths, height, width, view.out_channels)
    return meter.measure('view transform', [view], predict, pooling + matching, context)


def _views(points: Tensor, share: float) -> PillarViews:
    """Views in which every camera sees the same share of the cells of ``points`` (Q, P, 3)."""
    cells, heights = points.shape[:2]
    shape = (1, NUM_CAMS, round(share * cells))
    return PillarViews(
        torch.empty(shape, dtype=torch.int64, device='meta'),
        torch.empty(shape, dtype=torch.bool, device='meta'),
        torch.empty(*shape, heights, 2, device='meta'),
    )


def _places_read(cells: int, attention: Any, seen: int, images: Any) -> float:
    """Places that the cells of a grid read of grids, and all cameras of images, in one layer."""
    own = float(cells * attention.attention_weights.out_features)
    return own + (NUM_CAMS * seen * images.attention_weights.out_features if images is not None else 0.0)


def _queries(model: BEVFormerOccModel, data: DataPlan, meter: Meter) -> dict[str, Tensor]:
    """Queries: every camera reads as many cells as the widest one sees; the sampling is a formula.

    Pillars of the planes from the side and the front go through the whole box: every camera reads all of them. What is
    kept is that of mmcv's PyTorch version of the sampling; its CUDA kernel keeps less.
    """
    imgs = torch.empty(1, NUM_CAMS, 3, *data.image_size, device='meta')
    images = [model.img_backbone, model.img_neck]
    feats = meter.measure('images', images, lambda: model.extract_img_feats({'imgs': imgs}))
    view, share = model.view_transform, WIDEST_CAMERA / 360
    if isinstance(view, TPVFormerEncoder):
        name, points = 'plane queries', [view.get_buffer(f'points_{plane}') for plane in range(len(view.plane_shapes))]
        views = [_views(found, share if plane == 0 else 1.0) for plane, found in enumerate(points)]
        attentions = [
            (layer.hybrid_attn[plane], layer.cross_attn[plane] if layer.cross_attn is not None else None, plane)
            for layer in view.layers
            for plane in range(len(points))
        ]
        lift = functools.partial(view.attend, feats, views)
    else:
        name, points, views = 'BEV queries', [view.points], [_views(view.points, share)]
        attentions = [(layer.self_attn, layer.cross_attn, 0) for layer in view.layers]
        lift = functools.partial(view.attend, feats, views[0])
    reads = sum(
        _places_read(len(points[plane]), own, views[plane].rows.shape[-1], cross) for own, cross, plane in attentions
    )
    sampling = sampling_flops(reads, view.embed_dims // attentions[0][0].num_heads)
    lifted = meter.measure(name, [view], lift, sampling)
    outputs = meter.measure('head', [model.occ_head], lambda: model.decode(lifted))
    return {'img_feats': feats[0], **outputs}


def _points(model: Any, data: DataPlan, meter: Meter) -> Tensor:
    """LiDAR branch: pillars are a formula, the 2D network is measured."""
    encoder = model.pts_encoder
    nx, ny, _ = encoder.grid_shape
    canvas = empty(1, encoder.out_channels, ny, nx)
    values = encoder.in_channels + 6
    flops = pillar_flops(data.points, values, encoder.channels)
    kept = data.points * (values + 2 * encoder.channels) * FLOAT

    def encode() -> Tensor:
        feat = model.pts_neck(model.pts_backbone(canvas))
        return feat if isinstance(feat, Tensor) else feat[0]

    return meter.measure('LiDAR', [encoder, model.pts_backbone, model.pts_neck], encode, flops, kept)


def _depth(model: ImageDepthModel, data: DataPlan, meter: Meter) -> dict[str, Tensor]:
    img = torch.empty(1, 3, *data.image_size, device='meta')
    inputs = {'img': img, 'right_img': img, 'cam2img': torch.empty(1, 3, 3, device='meta')}
    inputs['baseline'] = torch.empty(1, device='meta')
    stereo = isinstance(model, StereoDepthModel)
    encoder, name = [model.backbone], 'images'
    if stereo:
        encoder, name = [model.backbone, model.fuser], 'images, matching'
    levels, extra = meter.measure(name, encoder, lambda: model.encode(inputs))
    decoder = [model.decoder, model.depth_head]
    return meter.measure('decoder, head', decoder, lambda: model.decode(levels, extra, data.image_size))
