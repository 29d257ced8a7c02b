"""Drives for the tests of models with memory: scenes of random images with the poses of a car that turns."""

import math

import torch

from projects.occupancy import OccDataSample

FRAME = ('imgs', 'cam2img', 'cam2ego', 'img_aug_matrix')


def pose_of(index):
    """Ego to global after some keyframes: 3 m and 5 degrees each."""
    angle = math.radians(5 * index)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:2, :2], pose[:2, 3] = turn, torch.tensor([3.0 * index, 0.4 * index**2], dtype=torch.float64)
    return pose


def make_drive(calibration, scene, length, N=2, H=32, W=64):
    """Keyframes of a scene, each with images, calibration, pose and token."""
    frames = []
    for index in range(length):
        matrices = {key: value[0] for key, value in calibration(1, N, H, W).items()}
        frame = {**matrices, 'imgs': torch.randint(0, 256, (N, 3, H, W), dtype=torch.uint8)}
        frames.append({**frame, 'pose': pose_of(index), 'token': f'{scene}-{index}'})
    return frames


def sample_of(frames, index, history):
    """A packed sample of a drive, with its history."""
    key = frames[index]
    former = [frames[index - age] if index >= age else None for age in range(1, history + 1)]
    inputs = {name: key[name] for name in (*FRAME, 'bda_mat')}
    for name in FRAME:
        inputs[f'history_{name}'] = torch.stack([(frame or key)[name] for frame in former])
    poses = [torch.linalg.inv(key['pose']) @ (frame or key)['pose'] for frame in former]
    inputs['history_ego2key'] = torch.stack(poses).float()
    inputs['history_is_former'] = torch.tensor([float(frame is not None) for frame in former])
    tokens = [(frame or key)['token'] for frame in former]
    return inputs, OccDataSample(metainfo={'token': key['token'], 'history_tokens': tokens})


def collate(samples):
    """Collated data of samples, before the preprocessor."""
    inputs = {key: [inputs[key] for inputs, _ in samples] for key in samples[0][0]}
    return {'inputs': inputs, 'data_samples': [sample for _, sample in samples]}


def label(samples, grid=(20, 20, 4)):
    """Labels for a training step."""
    for sample in samples:
        shape = (2, 32, 64)
        sample.gt_occ = torch.full(grid, 17, dtype=torch.uint8)
        sample.gt_occ[:, :, 0] = 11
        sample.mask_camera = torch.rand(grid) < 0.5
        sample.gt_depth = 1 + 40 * torch.rand(shape)
    return samples
