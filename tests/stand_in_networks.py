"""Parts of models with layers, small, to be run on two devices by stand_in_run.py: ``PIECES`` by name."""

import torch
from stand_in_pieces import BOX, SIZE, build, cameras, filed_in, leaf, volumes

from projects.occupancy.structures import OccDataSample

PIECES = {}
piece = filed_in(PIECES)


@piece
def projected_features():
    return build('ProjectionConnector', in_channels=4, out_channels=6, norm=True), [leaf(2, 4, 5, 6)]


@piece
def attention_adapter():
    module = build('AttentionConnector', channels=8, max_tokens=12)
    torch.nn.init.ones_(module.residual.gamma)
    return module, [leaf(2, 8, 6, 8)]


@piece
def channel_and_spatial_adapter():
    module = build('AttentionConnector', channels=8, attention='cbam')
    torch.nn.init.ones_(module.residual.gamma)
    return module, [leaf(2, 8, 6, 8)]


@piece
def correlated_pair():
    fuser = build('CorrelationStereoFuser', in_channels=[6], max_disparity=16, match_channels=4, hidden_channels=8)
    pair = {'img': torch.randn(2, 3, 16, 32), 'right_img': torch.randn(2, 3, 16, 32)}
    pair.update(cam2img=torch.eye(3).expand(2, 3, 3).clone() * 20, baseline=torch.full((2,), 0.5))
    return fuser, [[leaf(2, 6, 4, 8)], [leaf(2, 6, 4, 8)], pair]


@piece
def rows_of_a_pair():
    fuser = build('EpipolarStereoFuser', in_channels=[4, 8], levels=[1], max_shift=5)
    return fuser, [[leaf(2, 4, 4, 8), leaf(2, 8, 4, 8)], [torch.randn(2, 4, 4, 8), leaf(2, 8, 4, 8)], {}]


@piece
def window_decoder():
    sizes = {'channels': [4, 16], 'num_heads': [2, 2], 'window_size': 3, 'pool_channels': 8, 'strides': [4, 8]}
    return build('WindowCRFDecoder', in_channels=[4, 6], **sizes), [[leaf(2, 4, 8, 10), leaf(2, 6, 4, 5)]]


@piece
def depth_head_of_a_pair():
    head = build('DepthScaleHead', in_channels=4, mid_channels=4, with_prior=True, activation='log_sigmoid')
    prior = {'prior_depth': 1 + 9 * torch.rand(2, 1, 8, 10), 'confidence': torch.rand(2, 1, 8, 10)}
    return lambda feats, prior: head(feats, (16, 20), prior), [{'feat_4': leaf(2, 4, 4, 5)}, prior], [head]


@piece
def larger_voxel_head():
    losses = {'loss_occ': {'type': 'MaskedCrossEntropyLoss', 'class_weight': [1.0, 2.0, 1.5, 1.0, 0.25]}}
    losses['loss_lovasz'] = {'type': 'OccLovaszLoss'}
    head = build('SSCOccHead', in_channels=4, mid_channels=4, block_channels=4, num_classes=5, **losses)

    def step(feature, labels, masks):
        samples = [OccDataSample(gt_occ=ids, mask_camera=mask) for ids, mask in zip(labels, masks)]
        logits = head(feature)
        return {**head.loss(logits, samples), 'calibrated': head.calibrate(logits), 'pred': head.predict(logits)}

    return step, [leaf(2, 4, *SIZE), volumes()[2], torch.rand(2, *SIZE) < 0.5], [head]


@piece
def matching_of_keyframes():
    net = {'type': 'BEVStereoDepthNet', 'mid_channels': 8, 'aspp_channels': 4}
    view = build(
        'StereoLSSViewTransform', in_channels=8, out_channels=4, point_cloud_range=BOX, grid_size=SIZE, depth_net=net,
        downsample=8, match_stride=4, depth_range=(1.0, 5.0, 1.0), depth_spacing='log',
    )  # fmt: skip

    def lift(feats, finest, former, inputs, ego2key):
        here, there = ({**inputs, 'ego2key': pose} for pose in ego2key)
        matching = view.match(finest, former, here, there)
        return view(feats, {**inputs, 'matching': matching})

    poses = torch.eye(4).expand(2, 2, 4, 4).clone()
    poses[1, :, 0, 3] = -1.0
    return (
        lift,
        [leaf(2, 2, 8, 2, 3), torch.randn(2, 2, 6, 4, 6), torch.randn(2, 2, 6, 4, 6), cameras(), poses],
        [view.eval()],
    )


@piece
def queries_of_a_grid():
    sizes = {'num_layers': 1, 'num_levels': 1, 'num_heights': 2, 'num_points': 4, 'num_heads': 2, 'dropout': 0.0}
    return build('BEVFormerEncoder', embed_dims=8, point_cloud_range=BOX, bev_size=[10, 10], **sizes), [
        [leaf(2, 2, 8, 4, 6)], cameras(),
    ]  # fmt: skip


@piece
def queries_of_planes():
    sizes = {'num_layers': 1, 'num_plane_layers': 1, 'num_levels': 1, 'num_heads': 2, 'plane_heights': 2}
    sizes.update(num_heights=(2, 2, 2), num_points=(4, 4, 4), plane_points=2, dropout=0.0)
    return build('TPVFormerEncoder', embed_dims=8, point_cloud_range=BOX, grid_size=SIZE, **sizes), [
        [leaf(2, 2, 8, 4, 6)], cameras(),
    ]  # fmt: skip


@piece
def fused_grids():
    return build('SEBEVFuser', in_channels=[4, 6], out_channels=4), [[leaf(2, 4, 6, 6), leaf(2, 6, 6, 6)]]


@piece
def small_backbone():
    return build('EfficientNetLite0', out_indices=(1,), frozen_stages=1, norm_eval=True), [leaf(1, 3, 16, 24)]
