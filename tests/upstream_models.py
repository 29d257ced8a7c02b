"""What FlashOCC and BEVDet compute from their weights, in evaluation mode: slow, and independent of our modules.

Weights are read by their own names. Shape letters: B batch, C channels, Z/Y/X voxels; voxels are (B, C, Z, Y, X) there.
"""

import torch
from torch.nn import functional as F
from upstream_weights import LAYERS


def conv(weights, name, x, stride=1):
    """Convolution of odd kernel size that keeps the resolution at stride 1."""
    kernel = weights[f'{name}.weight']
    function = F.conv2d if kernel.dim() == 4 else F.conv3d
    return function(x, kernel, weights.get(f'{name}.bias'), stride=stride, padding=kernel.shape[-1] // 2)


def norm(weights, name, x):
    """BatchNorm with eps 1e-5."""
    mean, var, scale, shift = (
        weights[f'{name}.{word}'].view(1, -1, *[1] * (x.dim() - 2))
        for word in ('running_mean', 'running_var', 'weight', 'bias')
    )
    return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def upsample(x, factor):
    """Linear interpolation along each axis with aligned corners: cell i reads from i (n - 1) / (n factor - 1)."""
    for axis in range(2, x.dim()):
        n = x.shape[axis]
        places = torch.arange(n * factor, dtype=x.dtype) * (n - 1) / (n * factor - 1)
        matrix = (1 - (places[:, None] - torch.arange(n, dtype=x.dtype)).abs()).clamp(min=0)
        x = torch.tensordot(x, matrix, ([axis], [1])).movedim(-1, axis)
    return x


def resnet(weights, x, prefix='img_backbone'):
    """ResNet-50 in style pytorch: the last two stages."""
    x = F.relu(norm(weights, f'{prefix}.bn1', conv(weights, f'{prefix}.conv1', x, 2)))
    x, outs = F.max_pool2d(x, 3, 2, 1), []
    for stage, blocks in enumerate(LAYERS):
        for block in range(blocks):
            name = f'{prefix}.layer{stage + 1}.{block}'
            stride = 2 if block == 0 and stage > 0 else 1
            y = F.relu(norm(weights, f'{name}.bn1', conv(weights, f'{name}.conv1', x)))
            y = F.relu(norm(weights, f'{name}.bn2', conv(weights, f'{name}.conv2', y, stride)))
            y = norm(weights, f'{name}.bn3', conv(weights, f'{name}.conv3', y))
            if block == 0:
                x = norm(weights, f'{name}.downsample.1', conv(weights, f'{name}.downsample.0', x, stride))
            x = F.relu(x + y)
        outs.append(x)
    return outs[2:]


def custom_fpn(weights, feats):
    """CustomFPN with one output and nearest upsampling."""
    laterals = [conv(weights, f'img_neck.lateral_convs.{i}.conv', feat) for i, feat in enumerate(feats)]
    coarse = laterals[1].repeat_interleave(2, 2).repeat_interleave(2, 3)
    return conv(weights, 'img_neck.fpn_convs.0.conv', laterals[0] + coarse)


def lift_splat(depth, context, calibration, image_size, depths, lower, size, grid):
    """LSSViewTransformer of one sample, point by point: (N, D, fH, fW) and (N, C, fH, fW) -> (1, Z * C, Y, X).

    Pixels run from the first to the last of the image, points lie at the near side of their bins, and indices are cut
    toward zero, so that cell 0 takes the points of one cell before it as well.
    """
    (H, W), (X, Y, Z) = image_size, grid
    N, D, fH, fW = depth.shape
    us, vs = torch.linspace(0, W - 1, fW, dtype=depth.dtype), torch.linspace(0, H - 1, fH, dtype=depth.dtype)
    voxels = depth.new_zeros(context.shape[1], Z, Y, X)
    cam2img, cam2ego, augment, bda = (calibration[key] for key in ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat'))
    for n, d, i, j in torch.cartesian_prod(*map(torch.arange, (N, D, fH, fW))).tolist():
        pixel = torch.linalg.inv(augment[n]) @ torch.stack([us[j], vs[i], us.new_tensor(1)])
        camera = torch.linalg.inv(cam2img[n]) @ (pixel * depths[d])
        point = (bda @ (cam2ego[n] @ torch.cat([camera, camera.new_ones(1)])))[:3]
        x, y, z = (int((point[axis] - lower[axis]) / size[axis]) for axis in range(3))
        if 0 <= x < X and 0 <= y < Y and 0 <= z < Z:
            voxels[:, z, y, x] += depth[n, d, i, j] * context[n, :, i, j]
    return torch.cat(list(voxels.unbind(1))).unsqueeze(0)


def bev_encoder(weights, x):
    """CustomResNet and FPN_LSS: (B, C, Y, X) -> (B, C, Y, X)."""
    outs = []
    for i in range(3):
        for j in range(2):
            name, stride = f'img_bev_encoder_backbone.layers.{i}.{j}', 2 if j == 0 else 1
            y = F.relu(norm(weights, f'{name}.bn1', conv(weights, f'{name}.conv1', x, stride)))
            y = norm(weights, f'{name}.bn2', conv(weights, f'{name}.conv2', y))
            x = F.relu(y + (conv(weights, f'{name}.downsample', x, 2) if j == 0 else x))
        outs.append(x)
    name = 'img_bev_encoder_neck'
    x = torch.cat([outs[0], upsample(outs[2], 4)], 1)
    x = F.relu(norm(weights, f'{name}.conv.1', conv(weights, f'{name}.conv.0', x)))
    x = upsample(F.relu(norm(weights, f'{name}.conv.4', conv(weights, f'{name}.conv.3', x))), 2)
    x = F.relu(norm(weights, f'{name}.up2.2', conv(weights, f'{name}.up2.1', x)))
    return conv(weights, f'{name}.up2.4', x)


def voxel_encoder(weights, x):
    """CustomResNet3D and LSSFPN3D: (B, C, Z, Y, X) -> (B, C, Z, Y, X)."""

    def layer(name, x, stride=1):
        return norm(weights, f'{name}.bn', conv(weights, f'{name}.conv', x, stride))

    outs = []
    for i, blocks in enumerate((1, 2, 4)):
        for j in range(blocks):
            name, stride = f'img_bev_encoder_backbone.layers.{i}.{j}', 2 if i > 0 and j == 0 else 1
            y = layer(f'{name}.conv2', F.relu(layer(f'{name}.conv1', x, stride)))
            x = F.relu(y + (layer(f'{name}.downsample', x, stride) if j == 0 else x))
        outs.append(x)
    x = torch.cat([outs[0], upsample(outs[1], 2), upsample(outs[2], 4)], 1)
    return F.relu(layer('img_bev_encoder_neck.conv', x))


def predict(weights, x, prefix='occ_head.'):
    """Linear, softplus, linear of BEVOCCHead2D and BEVOCCHead3D, over the last axis."""
    x = F.linear(x, weights[f'{prefix}predicter.0.weight'], weights[f'{prefix}predicter.0.bias'])
    x = torch.log1p(torch.exp(x))
    return F.linear(x, weights[f'{prefix}predicter.2.weight'], weights[f'{prefix}predicter.2.bias'])


def bev_head(weights, x, heights):
    """BEVOCCHead2D: (B, C, Y, X) -> logits (B, X, Y, Z, classes)."""
    x = predict(weights, F.relu(conv(weights, 'occ_head.final_conv.conv', x)).permute(0, 3, 2, 1))
    return x.view(*x.shape[:3], heights, -1)


def voxel_head(weights, x, prefix='occ_head.'):
    """BEVOCCHead3D: (B, C, Z, Y, X) -> logits (B, X, Y, Z, classes)."""
    return predict(weights, F.relu(conv(weights, f'{prefix}final_conv.conv', x)).permute(0, 4, 3, 2, 1), prefix)


def camera_numbers(calibration):
    """What DepthNet reads of each camera: (N, 27), by name of what it is."""
    rows, bda = [], calibration['bda_mat']
    for cam2img, cam2ego, augment in zip(*(calibration[key] for key in ('cam2img', 'cam2ego', 'img_aug_matrix'))):
        row = [cam2img[0, 0], cam2img[1, 1], cam2img[0, 2], cam2img[1, 2]]
        row += [augment[0, 0], augment[0, 1], augment[0, 2], augment[1, 0], augment[1, 1], augment[1, 2]]
        row += [bda[0, 0], bda[0, 1], bda[1, 0], bda[1, 1], bda[2, 2], *cam2ego[:3].reshape(-1)]
        rows.append(torch.stack(row))
    return torch.stack(rows)


def depth_net(weights, feats, cameras, matching):
    """DepthNet with a cost volume and ASPP: (N, C, fH, fW), (N, 27), (N, D, 4 fH, 4 fW) -> depth logits and context."""
    name = 'img_view_transformer.depth_net'

    def gate(branch, x):
        code = norm(weights, f'{name}.bn', cameras)
        for layer in ('fc1', 'fc2'):
            part = f'{name}.{branch}_mlp.{layer}'
            code = code @ weights[f'{part}.weight'].T + weights[f'{part}.bias']
            code = F.relu(code) if layer == 'fc1' else code[..., None, None]
        code = F.relu(conv(weights, f'{name}.{branch}_se.conv_reduce', code))
        return x * conv(weights, f'{name}.{branch}_se.conv_expand', code).sigmoid()

    x = F.relu(norm(weights, f'{name}.reduce_conv.1', conv(weights, f'{name}.reduce_conv.0', feats)))
    context = conv(weights, f'{name}.context_conv', gate('context', x))
    for i in (0, 2):
        halved = conv(weights, f'{name}.cost_volumn_net.{i}', matching, 2)
        matching = norm(weights, f'{name}.cost_volumn_net.{i + 1}', halved)
    x = torch.cat([gate('depth', x), matching], 1)
    for i in range(3):
        part = f'{name}.depth_conv.{i}'
        y = F.relu(norm(weights, f'{part}.bn1', conv(weights, f'{part}.conv1', x)))
        y = norm(weights, f'{part}.bn2', conv(weights, f'{part}.conv2', y))
        x = F.relu(y + (conv(weights, f'{part}.downsample', x) if i == 0 else x))
    return conv(weights, f'{name}.depth_conv.4', atrous_pyramid(weights, f'{name}.depth_conv.3', x)), context


def atrous_pyramid(weights, name, x):
    """ASPP with reaches 1, 6, 12 and 18, written as sums of shifted maps."""
    height, width = x.shape[2:]
    branches = []
    for i, reach in enumerate((1, 6, 12, 18)):
        kernel, total = weights[f'{name}.aspp{i + 1}.atrous_conv.weight'], 0
        half = kernel.shape[-1] // 2
        padded = F.pad(x, [reach * half] * 4)
        for dy in range(kernel.shape[2]):
            for dx in range(kernel.shape[3]):
                shifted = padded[:, :, dy * reach : dy * reach + height, dx * reach : dx * reach + width]
                total = total + torch.einsum('oc,bchw->bohw', kernel[:, :, dy, dx], shifted)
        branches.append(F.relu(norm(weights, f'{name}.aspp{i + 1}.bn', total)))
    mean = conv(weights, f'{name}.global_avg_pool.1', x.mean((2, 3), keepdim=True))
    branches.append(F.relu(norm(weights, f'{name}.global_avg_pool.2', mean)).repeat(1, 1, height, width))
    return F.relu(norm(weights, f'{name}.bn1', conv(weights, f'{name}.conv1', torch.cat(branches, 1))))


def frame_block(weights, x):
    """pre_process_net of BEV: one residual block with a convolution in its shortcut."""
    name = 'pre_process_net.layers.0.0'
    y = F.relu(norm(weights, f'{name}.bn1', conv(weights, f'{name}.conv1', x)))
    return F.relu(
        norm(weights, f'{name}.bn2', conv(weights, f'{name}.conv2', y)) + conv(weights, f'{name}.downsample', x)
    )


def levels(weights, fine, coarse):
    """FPN_LSS behind Swin: two levels, the coarse one upsampled by 2."""
    x = torch.cat([fine, upsample(coarse, 2)], 1)
    x = F.relu(norm(weights, 'img_neck.conv.1', conv(weights, 'img_neck.conv.0', x)))
    return F.relu(norm(weights, 'img_neck.conv.4', conv(weights, 'img_neck.conv.3', x)))
