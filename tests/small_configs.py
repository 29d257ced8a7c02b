"""Full-size occupancy configs made small enough for a training step on the CPU.

Widths, depths, bins and images are reduced; types, wiring, pipelines and losses stay those of the config.
"""

from pathlib import Path

from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from projects.engine import read_config

SMALL_SIZE = (64, 176)
SWIN = {
    'img_backbone': {'embed_dims': 8, 'depths': [1, 1, 2, 1], 'num_heads': [1, 1, 2, 2], 'window_size': 4},
    'img_neck': {'in_channels': [32, 64], 'out_channels': 8},
    'view_transform': {
        'in_channels': 8,
        'out_channels': 4,
        'depth_range': (1.0, 45.0, 4.0),
        'depth_net': {'mid_channels': 8, 'aspp_channels': 4},
    },
    'frame_encoder': {'in_channels': 4, 'channels': [4]},
}
BEV = {
    'grid_backbone': {'in_channels': 8, 'channels': [4, 8, 8]},
    'grid_neck': {'in_channels': [4, 8], 'out_channels': 8},
    'occ_head': {'in_channels': 8, 'mid_channels': 8},
}
VOXEL = {
    'grid_backbone': {'in_channels': 8, 'channels': [4, 4, 4]},
    'grid_neck': {'in_channels': [4, 4, 4], 'out_channels': 4},
    'occ_head': {'in_channels': 4, 'mid_channels': 4},
}
SSC_HEAD = {'occ_head': {'in_channels': 4, 'mid_channels': 4, 'block_channels': 4}}
RESNET = {
    'img_backbone': {'depth': 18},
    'img_neck': {'in_channels': [256, 512], 'out_channels': 8},
    'view_transform': {'in_channels': 8, 'out_channels': 4, 'depth_range': (1.0, 45.0, 4.0)},
}
STEREO = {
    'img_backbone': {'depth': 18},
    'img_neck': {'in_channels': [256, 512], 'out_channels': 8},
    'view_transform': SWIN['view_transform'],
    'frame_encoder': SWIN['frame_encoder'],
}
FUSION = {
    **RESNET,
    'grid_backbone': {'in_channels': 4, 'channels': [4, 8, 8]},
    'grid_neck': {'in_channels': [4, 8], 'out_channels': 8},
    'pts_encoder': {'channels': 4},
    'pts_backbone': {'in_channels': 4, 'out_channels': [4, 4, 4], 'layer_nums': [1, 1, 1]},
    'pts_neck': {'in_channels': [4, 4, 4], 'out_channels': [4, 4, 4]},
    'fuser': {'in_channels': [8, 12], 'out_channels': 8},
    'occ_head': {'in_channels': 8, 'mid_channels': 8},
}


def image_steps(pipeline: list) -> list:
    """Steps that load and augment images; with memory they stand inside of the first step."""
    return pipeline[0].transforms if pipeline[0].type == 'LoadImageHistory' else pipeline


def read_small(path: Path, root: Path, **models: dict) -> Config:
    """A config for a tiny data set, with small images.

    Args:
        path (Path): The config.
        root (Path): Root of the data set.
        **models (dict): Arguments that make a model small, by its place in the config, such as 'model.student'.
    """
    cfg = read_config(path, {f'{name}_dataloader.dataset.data_root': str(root) for name in ('train', 'val', 'test')})
    for place, changes in models.items():
        cfg.merge_from_dict({place: changes})
        cfg.merge_from_dict({f'{place}.img_backbone.init_cfg': None})
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        image_steps(loader.dataset.pipeline)[1].final_dim = SMALL_SIZE
    return cfg


def batch_of(loader: dict, *indices: int) -> dict:
    """A batch of some samples of a loader's data set."""
    dataset = DATASETS.build(loader.dataset)
    return pseudo_collate([dataset[index] for index in indices])
