"""Samples of an occupancy data set as frames of the 3D viewer. X/Y/Z voxels, H x W pixels."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet3d.registry import DATASETS

from projects.engine import find_config, fit_width, import_modules_of, read_config
from projects.occ_eval.files import read_occ_label
from projects.reporting.viewer import ViewerCamera, ViewerFrame, cut_volumes, write_viewer
from projects.transforms import read_image

from .measuring import Dataset

IMAGE_WIDTH = 480


def rig_of(frame: Mapping[str, Any], width: int = IMAGE_WIDTH) -> dict[str, ViewerCamera]:
    """Cameras of a frame of the data set with their images.

    Args:
        frame (Mapping[str, Any]): From ``dataset.frame``: ``cam_names``, ``img_paths``, ``cam2img`` (N, 3, 3) of the
            images in their files and ``cam2ego`` (N, 4, 4).
        width (int): Largest width of the images on the page, in pixels. Defaults to 480.

    Raises:
        OSError: If an image cannot be read.
        ValueError: If one is damaged.
    """
    cameras = {}
    for name, path, cam2img, cam2ego in zip(frame['cam_names'], frame['img_paths'], frame['cam2img'], frame['cam2ego']):
        image = read_image(path, frame['token'])[..., ::-1]
        size = image.shape[0], image.shape[1]
        cameras[name] = ViewerCamera(cam2img, cam2ego, size, fit_width(image, min(width, size[1])))
    return cameras


def name_of(frame: Mapping[str, Any]) -> str:
    """What the scrub bar says of a frame: its scene and the beginning of its token."""
    return f'{frame["scene_name"]} {frame["token"][:8]}'.strip()


def sample_frame(
    dataset: Dataset,
    index: int,
    volumes: Mapping[str, np.ndarray],
    mask: str | None = None,
    width: int = IMAGE_WIDTH,
) -> ViewerFrame:
    """A sample with its label, where it has one, beside other volumes, and with its cameras.

    Args:
        dataset (Dataset): An occupancy data set whose modality uses cameras.
        index (int): Place of the sample.
        volumes (Mapping[str, np.ndarray]): Name -> class ids of shape (X, Y, Z).
        mask (str | None): 'camera' or 'lidar': draw only what the mask of the label holds. Defaults to None.
        width (int): Largest width of the images, in pixels. Defaults to 480.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If one is damaged, or there is no label to take the mask from.
    """
    frame, spec = dataset.frame(index), dataset.spec
    shown = dict(volumes)
    masks: dict[str, np.ndarray] = {}
    if frame['occ_path']:
        path, wanted = os.fspath(frame['occ_path']), [mask] if mask else []
        label, masks = read_occ_label(path, wanted, spec.grid_size, len(spec.classes))
        shown = {'label': label, **volumes}
    elif mask:
        raise ValueError(f'sample {frame["token"]} has no label, so there is no {mask} mask to cut the volumes with')
    return ViewerFrame(name_of(frame), cut_volumes(shown, masks.get(mask or ''), spec.free_class), rig_of(frame, width))


def open_dataset(config: str, split: str = 'val', data_root: str | None = None) -> Dataset:
    """Data set of a config with its images and labels, for frames and not for a model.

    Args:
        config (str): Path, or the name of a config in ``configs``.
        split (str): 'train', 'val' or 'test'. Defaults to 'val'.
        data_root (str | None): Root of the data. Defaults to None, that of the config.

    Raises:
        ValueError: If it is no config of occupancy.
        OSError: If there is no such data.
    """
    cfg = read_config(find_config(config))
    import_modules_of(cfg)
    dataset = cfg[f'{split}_dataloader'].dataset
    if not hasattr(DATASETS.get(dataset['type']), 'frame_of'):
        raise ValueError(f'{config} is no config of occupancy: its data set is {dataset["type"]}')
    changed = {'pipeline': [], 'test_mode': True, 'modality': {'use_camera': True, 'use_lidar': False}}
    root = {'data_root': data_root} if data_root else {}
    return DATASETS.build({**dataset, **changed, **root})


def choose_samples(
    dataset: Dataset,
    tokens: Sequence[str] | None = None,
    indices: Sequence[int] | None = None,
    scene: str | None = None,
) -> list[int]:
    """Places of samples that are named by one of tokens, places, or a scene (its name or token).

    Raises:
        KeyError: If a token is unknown.
        ValueError: If a place is outside of the data set, or there is no such scene; names what there is.
    """
    if tokens:
        return [dataset.index_of(token) for token in tokens]
    if scene is None:
        wrong = [index for index in indices or () if not 0 <= index < len(dataset)]
        if wrong:
            raise ValueError(f'places in {dataset.ann_file} are 0 to {len(dataset) - 1}, got {wrong[0]}')
        return list(indices or ())
    names = [(frame['scene_name'], frame['scene_token']) for frame in map(dataset.frame, range(len(dataset)))]
    found = [index for index, pair in enumerate(names) if scene in pair]
    if not found:
        known = list(dict.fromkeys(name or token for name, token in names))
        raise ValueError(f'no scene {scene} in {dataset.ann_file}, which has {len(known)}: {", ".join(known[:8])} ...')
    return found


class DrawnFrames:
    """Keyframes that a report has drawn, for the viewer beside it.

    Args:
        dataset (Dataset): Whose samples they are.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.frames: list[ViewerFrame] = []

    def add(self, index: int, volumes: Mapping[str, np.ndarray], mask: np.ndarray) -> None:
        """Keep a sample: volumes by name and what is drawn of them, each (X, Y, Z)."""
        frame = self.dataset.frame(index)
        shown = cut_volumes(volumes, mask, self.dataset.spec.free_class)
        self.frames.append(ViewerFrame(name_of(frame), shown, rig_of(frame)))

    def write(self, folder: Path, title: str) -> list[tuple[str, str]]:
        """Write ``viewer.html``; the text and the address of a link to it, none if no sample was kept."""
        if not self.frames:
            return []
        write_viewer(folder / 'viewer.html', self.frames, self.dataset.spec, title)
        return [('Keyframes in 3D', 'viewer.html')]
