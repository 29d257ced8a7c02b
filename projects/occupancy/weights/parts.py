"""Rules of the parts that the camera models of BEVDet, FlashOcc and EFFOcc share, and what such weights need.

Names are those of BEVDet dev2.x (``mmdet3d/models``) and FlashOCC (``projects/mmdet3d_plugin/models``). Numbers inside
a ``Sequential`` that are left out here belong to layers without weights.
"""

from .rules import Rule

_STAGE = r'img_bev_encoder_backbone\.layers\.(\d+)\.'
_NECK = r'img_bev_encoder_neck\.'

IMAGE = (
    Rule(r'(img_backbone\..+)', r'\1'),
    Rule(r'(img_neck\.lateral_convs\..+)', r'\1'),
    Rule(r'img_neck\.fpn_convs\.0\.(.+)', r'img_neck.output_conv.\1'),
)
"""ResNet or Swin of mmdet, and CustomFPN with one output (our SingleLevelFPN)."""

_LEVELS = (
    Rule(r'img_neck\.conv\.0\.weight', 'img_neck.merge.0.conv.weight'),
    Rule(r'img_neck\.conv\.1\.(.+)', r'img_neck.merge.0.bn.\1'),
    Rule(r'img_neck\.conv\.3\.weight', 'img_neck.merge.1.conv.weight'),
    Rule(r'img_neck\.conv\.4\.(.+)', r'img_neck.merge.1.bn.\1'),
)
"""FPN_LSS behind Swin, without its last upsampling (our LSSFPN)."""

VIEW = (Rule(r'img_view_transformer\.depth_net\.(weight|bias)', r'view_transform.depth_net.\1'),)
"""One 1x1 convolution: first the logits of the depth bins, then the context."""

BEV_ENCODER = (
    Rule(_STAGE + r'(\d+)\.conv([12])\.weight', r'grid_backbone.stages.\1.\2.conv\3.conv.weight'),
    Rule(_STAGE + r'(\d+)\.bn([12])\.(.+)', r'grid_backbone.stages.\1.\2.conv\3.bn.\4'),
    Rule(_STAGE + r'0\.downsample\.(weight|bias)', r'grid_backbone.stages.\1.0.shortcut.conv.\2'),
    Rule(_NECK + r'conv\.0\.weight', 'grid_neck.merge.0.conv.weight'),
    Rule(_NECK + r'conv\.1\.(.+)', r'grid_neck.merge.0.bn.\1'),
    Rule(_NECK + r'conv\.3\.weight', 'grid_neck.merge.1.conv.weight'),
    Rule(_NECK + r'conv\.4\.(.+)', r'grid_neck.merge.1.bn.\1'),
    Rule(_NECK + r'up2\.1\.weight', 'grid_neck.refine.0.conv.weight'),
    Rule(_NECK + r'up2\.2\.(.+)', r'grid_neck.refine.0.bn.\1'),
    Rule(_NECK + r'up2\.4\.(weight|bias)', r'grid_neck.refine.1.\1'),
)
"""CustomResNet and FPN_LSS (our BEVResNet and LSSFPN)."""

VOXEL_ENCODER = (
    Rule(_STAGE + r'(\d+)\.conv([12])\.(conv|bn)\.(.+)', r'grid_backbone.stages.\1.\2.conv\3.\4.\5'),
    Rule(_STAGE + r'0\.downsample\.(conv|bn)\.(.+)', r'grid_backbone.stages.\1.0.shortcut.\2.\3'),
    Rule(_NECK + r'conv\.(conv|bn)\.(.+)', r'grid_neck.merge.\1.\2'),
)
"""CustomResNet3D and LSSFPN3D (our VoxelResNet and VoxelLSSFPN)."""

HEAD = (
    Rule(r'occ_head\.final_conv\.conv\.(.+)', r'occ_head.conv.conv.\1'),
    Rule(r'occ_head\.predicter\.0\.(weight|bias)', r'occ_head.expand.\1'),
    Rule(r'occ_head\.predicter\.2\.(weight|bias)', r'occ_head.classify.\1'),
)
"""BEVOCCHead2D and BEVOCCHead3D (our FlashOccHead and BEVDetOccHead)."""

HEAD_ON_DETECTOR = tuple(Rule(rule.pattern.removeprefix(r'occ_head\.'), rule.target) for rule in HEAD)
"""The same layers where they belong to the detector itself, as in BEVDet."""

_FRAME = r'pre_process_net\.layers\.0\.0\.'
_OWN_FRAME = 'frame_encoder.stages.0.0.'
_FRAME_ENCODER = (
    Rule(_FRAME + r'conv([12])\.weight', _OWN_FRAME + r'conv\1.conv.weight'),
    Rule(_FRAME + r'bn([12])\.(.+)', _OWN_FRAME + r'conv\1.bn.\2'),
    Rule(_FRAME + r'downsample\.(weight|bias)', _OWN_FRAME + r'shortcut.conv.\1'),
    Rule(_FRAME + r'conv([12])\.(conv|bn)\.(.+)', _OWN_FRAME + r'conv\1.\2.\3'),
    Rule(_FRAME + r'downsample\.(conv|bn)\.(.+)', _OWN_FRAME + r'shortcut.\1.\2'),
)
"""The block that each frame passes, in BEV and in voxels (our BEVResNet and VoxelResNet of one stage)."""

_DEPTH = r'img_view_transformer\.depth_net\.'
_OWN_DEPTH = 'view_transform.depth_net.'
_DEPTH_NET = (
    Rule(_DEPTH + r'reduce_conv\.0\.(.+)', _OWN_DEPTH + r'reduce.conv.\1'),
    Rule(_DEPTH + r'reduce_conv\.1\.(.+)', _OWN_DEPTH + r'reduce.bn.\1'),
    Rule(_DEPTH + r'bn\.(.+)', _OWN_DEPTH + r'camera_norm.\1'),
    Rule(_DEPTH + r'context_conv\.(.+)', _OWN_DEPTH + r'context_conv.\1'),
    Rule(_DEPTH + r'(depth|context)_mlp\.fc1\.(.+)', _OWN_DEPTH + r'\1_gate.embed.0.\2'),
    Rule(_DEPTH + r'(depth|context)_mlp\.fc2\.(.+)', _OWN_DEPTH + r'\1_gate.embed.2.\2'),
    Rule(_DEPTH + r'(depth|context)_se\.conv_reduce\.(.+)', _OWN_DEPTH + r'\1_gate.excite.0.\2'),
    Rule(_DEPTH + r'(depth|context)_se\.conv_expand\.(.+)', _OWN_DEPTH + r'\1_gate.excite.2.\2'),
    *(Rule(_DEPTH + rf'cost_volumn_net\.{2 * i}\.(.+)', _OWN_DEPTH + rf'match_convs.{i}.conv.\1') for i in range(2)),
    *(Rule(_DEPTH + rf'cost_volumn_net\.{2 * i + 1}\.(.+)', _OWN_DEPTH + rf'match_convs.{i}.bn.\1') for i in range(2)),
    Rule(_DEPTH + r'depth_conv\.([012])\.conv([12])\.weight', _OWN_DEPTH + r'blocks.\1.conv\2.conv.weight'),
    Rule(_DEPTH + r'depth_conv\.([012])\.bn([12])\.(.+)', _OWN_DEPTH + r'blocks.\1.conv\2.bn.\3'),
    Rule(_DEPTH + r'depth_conv\.0\.downsample\.(.+)', _OWN_DEPTH + r'blocks.0.shortcut.conv.\1'),
    *(
        Rule(_DEPTH + rf'depth_conv\.3\.aspp{i + 1}\.{theirs}\.(.+)', _OWN_DEPTH + rf'pyramid.branches.{i}.{ours}.\1')
        for i in range(4)
        for theirs, ours in (('atrous_conv', 'conv'), ('bn', 'bn'))
    ),
    Rule(_DEPTH + r'depth_conv\.3\.global_avg_pool\.1\.weight', _OWN_DEPTH + 'pyramid.mean.conv.weight'),
    Rule(_DEPTH + r'depth_conv\.3\.global_avg_pool\.2\.(.+)', _OWN_DEPTH + r'pyramid.mean.bn.\1'),
    Rule(_DEPTH + r'depth_conv\.3\.conv1\.weight', _OWN_DEPTH + 'pyramid.join.conv.weight'),
    Rule(_DEPTH + r'depth_conv\.3\.bn1\.(.+)', _OWN_DEPTH + r'pyramid.join.bn.\1'),
    Rule(_DEPTH + r'depth_conv\.4\.(weight|bias)', _OWN_DEPTH + r'depth_conv.\1'),
)
"""DepthNet with a cost volume and ASPP (our BEVStereoDepthNet); the spelling of its names is theirs."""

STEREO = _LEVELS + _FRAME_ENCODER + _DEPTH_NET
"""What models with temporal stereo have besides: FlashOcc M2 and M3, BEVDet-Occ 4D-Stereo, and their detectors."""

SETTINGS: dict[str, dict[str, object]] = {
    'OccDataPreprocessor': {'bgr_to_rgb': False},
    'LSSViewTransform': {'legacy_trunc': True, 'legacy_frustum': True},
    'StereoLSSViewTransform': {'legacy_trunc': True, 'legacy_frustum': True},
    'BEVResNet': {'shortcut_norm': False},
    'VoxelResNet': {'always_project': True},
    'LSSFPN': {'align_corners': True},
    'VoxelLSSFPN': {'align_corners': True},
}
"""Arguments by type of module. Images are read as RGB there and swapped once more, so the network sees B, G, R with the
mean and deviation of R, G, B."""
