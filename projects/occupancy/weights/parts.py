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
"""ResNet of mmdet, and CustomFPN with one output (our SingleLevelFPN)."""

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

SETTINGS: dict[str, dict[str, object]] = {
    'OccDataPreprocessor': {'bgr_to_rgb': False},
    'LSSViewTransform': {'legacy_trunc': True, 'legacy_frustum': True},
    'BEVResNet': {'shortcut_norm': False},
    'VoxelResNet': {'always_project': True},
    'LSSFPN': {'align_corners': True},
    'VoxelLSSFPN': {'align_corners': True},
}
"""Arguments by type of module. Images are read as RGB there and swapped once more, so the network sees B, G, R with the
mean and deviation of R, G, B."""
