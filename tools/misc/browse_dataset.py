"""Draw LiDAR points and occupied voxels into all cameras, after augmentation: the check of the geometry."""

import argparse
import os
import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from PIL import Image
from tqdm import tqdm

from projects.occupancy.visualization import (
    add_title,
    draw_bev,
    draw_legend,
    draw_oblique,
    fit_width,
    image_grid,
    overlay_occupancy,
    overlay_points,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file with dataloaders')
    parser.add_argument('--output-dir', required=True, help='folder of the pictures')
    parser.add_argument('--num', type=int, default=10, help='number of samples, spread over the split')
    parser.add_argument('--split', default='train', choices=['train', 'val', 'test'])
    parser.add_argument('--width', type=int, default=1500, help='width of the pictures in pixels')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides, key=value')
    return parser.parse_args()


def dataset_config(cfg: Config, split: str) -> dict:
    """Config of the data set; LiDAR loading is added to a pipeline without it, so that there is something to draw."""
    dataset = cfg[f'{split}_dataloader'].dataset.copy()
    types = [step['type'] for step in dataset.pipeline]
    if 'PointsToEgo' not in types:
        dataset.pipeline = [{'type': 'LoadLidarPoints'}, {'type': 'PointsToEgo'}, *dataset.pipeline]
    for step in dataset.pipeline:
        if step['type'] == 'LiDARDepthMap':
            step['keep_points'] = True
    dataset.modality = {'use_camera': True, 'use_lidar': True}
    return dataset


def draw_sample(packed: dict, width: int) -> np.ndarray:
    """Make the picture of one packed sample: LiDAR overlays, voxel overlays, the label."""
    inputs, sample = packed['inputs'], packed['data_samples']
    images = [np.ascontiguousarray(img[::-1].transpose(1, 2, 0)) for img in inputs['imgs'].numpy()]
    points = inputs['points'].numpy()
    points = points[points[:, 4] <= 0, :3].astype(np.float64)
    matrices = [
        {
            'bda_mat': inputs['bda_mat'].numpy(),
            **{key: inputs[key][view].numpy() for key in ('cam2img', 'cam2ego', 'img_aug_matrix')},
        }
        for view in range(len(images))
    ]
    large = [fit_width(image, width // 3) for image in images]
    for matrix, image, small in zip(matrices, large, images):
        # The map of the enlarged picture, with its half-pixel shift.
        scale = np.diag([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0], 1.0])
        scale[:2, 2] = (np.diag(scale)[:2] - 1) / 2
        matrix['img_aug_matrix'] = scale @ matrix['img_aug_matrix']
    names = sample.cam_names
    rows = [image_grid([overlay_points(i, points, m) for i, m in zip(large, matrices)], names, 3, width)]
    if 'gt_occ' in sample:
        occ, mask = sample.gt_occ.numpy(), sample.mask_camera.numpy()
        overlays = [overlay_occupancy(i, occ, m, mask=mask) for i, m in zip(large, matrices)]
        rows.append(image_grid(overlays, [f'{name}: voxels that cameras see' for name in names], 3, width))
        bev = draw_bev(occ, scale=2)
        oblique = draw_oblique(occ, size=(bev.shape[0], width - bev.shape[1]))
        rows += [add_title(np.hstack([bev, oblique]), 'label'), draw_legend(width)]
    return np.vstack(rows)


def main() -> None:
    """Draw samples spread evenly over the split."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope(cfg.get('default_scope', 'mmdet3d'))
    custom = cfg.get('custom_imports', {'imports': ['projects.transforms', 'projects.occupancy']})
    import_modules_from_strings(**custom)
    dataset = DATASETS.build(dataset_config(cfg, args.split))
    os.makedirs(args.output_dir, exist_ok=True)
    count = min(args.num, len(dataset))
    for index in tqdm(np.linspace(0, len(dataset) - 1, count).astype(int).tolist(), desc='pictures'):
        packed = dataset[index]
        path = osp.join(args.output_dir, f'{index:06d}_{packed["data_samples"].token}.png')
        Image.fromarray(draw_sample(packed, args.width)).save(path)
        tqdm.write(path)


if __name__ == '__main__':
    main()
