"""Names and shapes of the weights that FlashOCC, BEVDet and EFFOcc release, at full size or at any other.

Written down from their public source. Each function gives a dict of shapes by name; :func:`random_weights` fills it.
"""

import torch

LAYERS = (3, 4, 6, 3)


def norm(name, channels):
    """BatchNorm: four vectors and a counter."""
    shapes = {f'{name}.{word}': (channels,) for word in ('weight', 'bias', 'running_mean', 'running_var')}
    return {**shapes, f'{name}.num_batches_tracked': ()}


def biased(name, *shape):
    """A layer with a bias."""
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def image(base=64, out=256, prefix='img_backbone'):
    """ResNet-50 of mmdet (318 tensors) and CustomFPN of its last two stages."""
    shapes = {f'{prefix}.conv1.weight': (base, 3, 7, 7), **norm(f'{prefix}.bn1', base)}
    channels = base
    for stage, blocks in enumerate(LAYERS):
        planes = base * 2**stage
        for block in range(blocks):
            name = f'{prefix}.layer{stage + 1}.{block}'
            for i, shape in enumerate([(planes, channels, 1, 1), (planes, planes, 3, 3), (4 * planes, planes, 1, 1)]):
                shapes |= {f'{name}.conv{i + 1}.weight': shape, **norm(f'{name}.bn{i + 1}', shape[0])}
            if block == 0:
                shapes |= {f'{name}.downsample.0.weight': (4 * planes, channels, 1, 1)}
                shapes |= norm(f'{name}.downsample.1', 4 * planes)
            channels = 4 * planes
    shapes |= biased('img_neck.lateral_convs.0.conv', out, 16 * base, 1, 1)
    shapes |= biased('img_neck.lateral_convs.1.conv', out, 32 * base, 1, 1)
    return shapes | biased('img_neck.fpn_convs.0.conv', out, out, 3, 3)


def view(rows, feats=256):
    """The 1x1 convolution of depth bins and context."""
    return biased('img_view_transformer.depth_net', rows, feats, 1, 1)


def bev_encoder(channels=64, stages=(128, 256, 512), out=128):
    """CustomResNet with bare shortcuts, and FPN_LSS."""
    shapes, given = {}, channels
    for i, width in enumerate(stages):
        name = f'img_bev_encoder_backbone.layers.{i}'
        for j in range(2):
            shapes |= {f'{name}.{j}.conv1.weight': (width, given, 3, 3), **norm(f'{name}.{j}.bn1', width)}
            shapes |= {f'{name}.{j}.conv2.weight': (width, width, 3, 3), **norm(f'{name}.{j}.bn2', width)}
            if j == 0:
                shapes |= biased(f'{name}.0.downsample', width, given, 3, 3)
            given = width
    name = 'img_bev_encoder_neck'
    shapes |= {f'{name}.conv.0.weight': (2 * out, stages[0] + stages[2], 3, 3), **norm(f'{name}.conv.1', 2 * out)}
    shapes |= {f'{name}.conv.3.weight': (2 * out, 2 * out, 3, 3), **norm(f'{name}.conv.4', 2 * out)}
    shapes |= {f'{name}.up2.1.weight': (out, 2 * out, 3, 3), **norm(f'{name}.up2.2', out)}
    return shapes | biased(f'{name}.up2.4', out, out, 1, 1)


def voxel_encoder(stages=(32, 64, 128), out=32):
    """CustomResNet3D, which has a convolution in the shortcut of every stage, and LSSFPN3D."""
    shapes, given = {}, stages[0]
    for i, (width, blocks) in enumerate(zip(stages, (1, 2, 4))):
        for j in range(blocks):
            name = f'img_bev_encoder_backbone.layers.{i}.{j}'
            layers = [('conv1', given), ('conv2', width)] + ([('downsample', given)] if j == 0 else [])
            for layer, channels in layers:
                shapes |= {f'{name}.{layer}.conv.weight': (width, channels, 3, 3, 3)}
                shapes |= norm(f'{name}.{layer}.bn', width)
            given = width
    name = 'img_bev_encoder_neck.conv'
    return shapes | {f'{name}.conv.weight': (out, sum(stages), 1, 1, 1), **norm(f'{name}.bn', out)}


def head(channels, middle, rows, dims=2, prefix='occ_head.'):
    """BEVOCCHead2D (rows = heights x classes) or BEVOCCHead3D (rows = classes)."""
    shapes = biased(f'{prefix}final_conv.conv', middle, channels, *[3] * dims)
    shapes |= biased(f'{prefix}predicter.0', 2 * middle, middle)
    return shapes | biased(f'{prefix}predicter.2', rows, 2 * middle)


def m0():
    """FlashOCC M0."""
    return {**image(), **view(44 + 64), **bev_encoder(), **head(128, 128, 288)}


def m1():
    """FlashOCC M1; FlashOcc-R50 of EFFOcc."""
    return {**image(), **view(88 + 64), **bev_encoder(out=256), **head(256, 256, 288)}


def bevdet_occ(prefix='occ_head.'):
    """BEVDet-Occ of one frame."""
    return {**image(), **view(88 + 32), **voxel_encoder(), **head(32, 32, 18, 3, prefix)}


def detector():
    """bevdet-r50-cbgs: 59 depth bins, no occupancy head."""
    boxes = {'pts_bbox_head.shared_conv.conv.weight': (64, 256, 3, 3), **norm('pts_bbox_head.shared_conv.bn', 64)}
    return {**image(), **view(59 + 64), **bev_encoder(out=256), **boxes, **biased('pts_bbox_head.x', 2, 64, 3, 3)}


def distill_occ():
    """DistillOcc-R50 of EFFOcc, with its teacher."""
    teacher = {f'teacher_model.{name}': shape for name, shape in view(8).items()}
    return {**image(), **view(88 + 64), **bev_encoder(out=512), **head(512, 256, 288), **teacher}


def count(shapes):
    """Number of parameters: all weights but the buffers of BatchNorm."""
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(torch.Size(shape).numel() for name, shape in shapes.items() if not name.endswith(buffers))


def without_memory(shapes):
    """Weights of these shapes that hold no values."""
    return {name: torch.empty(shape, device='meta') for name, shape in shapes.items()}


def random_weights(shapes, dtype=torch.float64):
    """Random weights of these shapes; variances are positive, kernels keep the size of what they read."""
    weights = {}
    for name, shape in shapes.items():
        if name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(7)
        elif name.endswith('running_var') or (name.endswith('weight') and len(shape) == 1):
            weights[name] = torch.rand(shape, dtype=dtype) + 0.5
        else:
            fan_in = torch.Size(shape[1:]).numel() if len(shape) > 1 else 4
            weights[name] = torch.randn(shape, dtype=dtype) / fan_in**0.5
    return weights
