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


def swin(embed=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32), window=12, out=512):
    """Swin Transformer whose last two stages have a normalisation, and FPN_LSS without its last upsampling."""

    def layer_norm(name, channels):
        return {f'{name}.weight': (channels,), f'{name}.bias': (channels,)}

    shapes = biased('img_backbone.patch_embed.projection', embed, 3, 4, 4)
    shapes |= layer_norm('img_backbone.patch_embed.norm', embed)
    cells = window**2
    for stage, blocks in enumerate(depths):
        c = embed * 2**stage
        for block in range(blocks):
            name = f'img_backbone.stages.{stage}.blocks.{block}'
            shapes |= layer_norm(f'{name}.norm1', c) | layer_norm(f'{name}.norm2', c)
            shapes[f'{name}.attn.w_msa.relative_position_bias_table'] = ((2 * window - 1) ** 2, heads[stage])
            shapes[f'{name}.attn.w_msa.relative_position_index'] = (cells, cells)
            shapes |= biased(f'{name}.attn.w_msa.qkv', 3 * c, c) | biased(f'{name}.attn.w_msa.proj', c, c)
            shapes |= biased(f'{name}.ffn.layers.0.0', 4 * c, c) | biased(f'{name}.ffn.layers.1', c, 4 * c)
        if stage < len(depths) - 1:
            shapes |= layer_norm(f'img_backbone.stages.{stage}.downsample.norm', 4 * c)
            shapes[f'img_backbone.stages.{stage}.downsample.reduction.weight'] = (2 * c, 4 * c)
    shapes |= layer_norm('img_backbone.norm2', 4 * embed) | layer_norm('img_backbone.norm3', 8 * embed)
    shapes |= {'img_neck.conv.0.weight': (out, 12 * embed, 3, 3), **norm('img_neck.conv.1', out)}
    return shapes | {'img_neck.conv.3.weight': (out, out, 3, 3), **norm('img_neck.conv.4', out)}


def depth_net(feats, bins, context, aspp=96):
    """DepthNet of BEVStereo: as wide inside as the image feature."""
    name = 'img_view_transformer.depth_net'
    shapes = {**biased(f'{name}.reduce_conv.0', feats, feats, 3, 3), **norm(f'{name}.reduce_conv.1', feats)}
    shapes |= biased(f'{name}.context_conv', context, feats, 1, 1) | norm(f'{name}.bn', 27)
    for branch in ('depth', 'context'):
        shapes |= biased(f'{name}.{branch}_mlp.fc1', feats, 27) | biased(f'{name}.{branch}_mlp.fc2', feats, feats)
        shapes |= biased(f'{name}.{branch}_se.conv_reduce', feats, feats, 1, 1)
        shapes |= biased(f'{name}.{branch}_se.conv_expand', feats, feats, 1, 1)
    for i in (0, 2):
        shapes |= biased(f'{name}.cost_volumn_net.{i}', bins, bins, 3, 3)
        shapes |= norm(f'{name}.cost_volumn_net.{i + 1}', bins)
    for i, given in enumerate((feats + bins, feats, feats)):
        for j, channels in ((1, given), (2, feats)):
            shapes[f'{name}.depth_conv.{i}.conv{j}.weight'] = (feats, channels, 3, 3)
            shapes |= norm(f'{name}.depth_conv.{i}.bn{j}', feats)
    shapes |= biased(f'{name}.depth_conv.0.downsample', feats, feats + bins, 1, 1)
    for i, size in enumerate((1, 3, 3, 3)):
        shapes[f'{name}.depth_conv.3.aspp{i + 1}.atrous_conv.weight'] = (aspp, feats, size, size)
        shapes |= norm(f'{name}.depth_conv.3.aspp{i + 1}.bn', aspp)
    shapes |= {f'{name}.depth_conv.3.global_avg_pool.1.weight': (aspp, feats, 1, 1)}
    shapes |= norm(f'{name}.depth_conv.3.global_avg_pool.2', aspp)
    shapes |= {f'{name}.depth_conv.3.conv1.weight': (feats, 5 * aspp, 1, 1), **norm(f'{name}.depth_conv.3.bn1', feats)}
    return shapes | biased(f'{name}.depth_conv.4', bins, feats, 1, 1)


def frame_encoder(channels, dims=2):
    """Block that each frame passes (pre_process_net), with a convolution in its shortcut."""
    name, kernel, shapes = 'pre_process_net.layers.0.0', (channels, channels, *[3] * dims), {}
    if dims == 2:
        for j in (1, 2):
            shapes |= {f'{name}.conv{j}.weight': kernel, **norm(f'{name}.bn{j}', channels)}
        return shapes | biased(f'{name}.downsample', *kernel)
    for layer in ('conv1', 'conv2', 'downsample'):
        shapes |= {f'{name}.{layer}.conv.weight': kernel, **norm(f'{name}.{layer}.bn', channels)}
    return shapes


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


def voxel_encoder(stages=(32, 64, 128), out=32, given=None):
    """CustomResNet3D, which has a convolution in the shortcut of every stage, and LSSFPN3D."""
    shapes, given = {}, given or stages[0]
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


def m2():
    """FlashOCC M2: ResNet-50, two frames, temporal stereo."""
    encoder = bev_encoder(160, (160, 320, 640), 256)
    return {**image(), **depth_net(256, 88, 80), **frame_encoder(80), **encoder, **head(256, 256, 288)}


def m3():
    """FlashOCC M3: Swin-B, two frames, temporal stereo."""
    encoder = bev_encoder(160, (160, 320, 640), 256)
    return {**swin(), **depth_net(512, 88, 80), **frame_encoder(80), **encoder, **head(256, 256, 288)}


def bevdet_occ_stereo(images, feats, prefix='occ_head.'):
    """BEVDet-Occ of two frames with temporal stereo."""
    parts = {**depth_net(feats, 88, 32), **frame_encoder(32, 3), **voxel_encoder(given=64)}
    return {**images, **parts, **head(32, 32, 18, 3, prefix)}


def stereo_detector():
    """bevdet-stbase-4d-stereo-512x1408-cbgs: 118 depth bins, no occupancy head."""
    boxes = {'pts_bbox_head.shared_conv.conv.weight': (64, 256, 3, 3), **norm('pts_bbox_head.shared_conv.bn', 64)}
    encoder = bev_encoder(160, (160, 320, 640), 256)
    return {**swin(), **depth_net(512, 118, 80), **frame_encoder(80), **encoder, **boxes}


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
    buffers = ('running_mean', 'running_var', 'num_batches_tracked', 'relative_position_index')
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
