"""Writes the aggregated labels of one scene."""

from pathlib import Path

from projects.minidrive.presets import Preset
from projects.minidrive.sensors.aggregated_labels import annotate, make_aggregated_label
from projects.minidrive.sensors.label_noise import LabelNoise
from projects.minidrive.street.scene import scene_rng

from .nuscenes_record import label_path, scan_scene
from .nuscenes_tables import Tokens
from .writer import write_npz

_STREAM_NOISE = 1 << 18


def record_aggregated_labels(preset: Preset, seed: int, index: int, noise: LabelNoise, root: Path) -> int:
    """Write the aggregated labels of a scene below ``root``, as ``gts`` holds the exact ones.

    Returns:
        int: Number of labels.
    """
    scene, sweeps, _ = scan_scene(preset, seed, index)
    scans = annotate(scene, sweeps, noise, scene_rng(seed, index, _STREAM_NOISE))
    tokens, name = Tokens(preset.name, seed), preset.scene_name(index)
    for keyframe in range(scene.num_keyframes):
        path = label_path(name, tokens(name, 'sample', keyframe))
        write_npz(root / path, make_aggregated_label(scene, keyframe, scans))
    return scene.num_keyframes
