"""Sizes of the data sets that ``create_minidrive.py`` can make."""

from dataclasses import dataclass

VERSION = 'v1.0-minidrive'
GENERATOR_VERSION = 1  # raised when the same seed gives other bytes; a folder never mixes versions
TRAIN_SPLIT = 'minidrive_train'
VAL_SPLIT = 'minidrive_val'
CALIB_SPLIT = 'minidrive_calib'


@dataclass(frozen=True)
class Preset:
    """How much to generate.

    Args:
        name (str): Name on the command line.
        image_size (tuple[int, int]): Height and width of the images in pixels.
        train_scenes (int): Scenes of the split ``minidrive_train``.
        val_scenes (int): Scenes of the split ``minidrive_val``; they follow the training scenes.
        keyframes (tuple[int, int]): Fewest and most keyframes of a scene (2 Hz).
        sweeps (int): LiDAR sweeps (20 Hz) before every keyframe.
        calib_scenes (int): Scenes of the split ``minidrive_calib``, on which decision rules are fitted; they come last.
            Defaults to 0: there is no such split.
    """

    name: str
    image_size: tuple[int, int]
    train_scenes: int
    val_scenes: int
    keyframes: tuple[int, int]
    sweeps: int
    calib_scenes: int = 0

    @property
    def num_scenes(self) -> int:
        """Scenes of all splits."""
        return self.train_scenes + self.val_scenes + self.calib_scenes

    def scene_name(self, index: int) -> str:
        """Name of a scene in the form of nuScenes, ``scene-0001`` for index 0."""
        return f'scene-{index + 1:04d}'

    def split_names(self) -> dict[str, list[str]]:
        """Scene names of each split, the content of ``splits.json``."""
        names = [self.scene_name(i) for i in range(self.num_scenes)]
        begin, end = self.train_scenes, self.train_scenes + self.val_scenes
        calib = {CALIB_SPLIT: names[end:]} if self.calib_scenes else {}
        return {TRAIN_SPLIT: names[:begin], VAL_SPLIT: names[begin:end], **calib}

    def split_of(self, index: int) -> str:
        """Split of a scene."""
        name = self.scene_name(index)
        return next(split for split, names in self.split_names().items() if name in names)

    def index_in_split(self, index: int) -> int:
        """Position of a scene inside its own split; rare classes are spread by it."""
        for count in (self.train_scenes, self.val_scenes):
            if index < count:
                break
            index -= count
        return index


PRESETS = {
    preset.name: preset
    for preset in (
        Preset('tiny', (225, 400), train_scenes=4, val_scenes=2, keyframes=(2, 2), sweeps=2),
        Preset('tiny-study', (225, 400), train_scenes=4, val_scenes=2, keyframes=(2, 2), sweeps=2, calib_scenes=1),
        Preset('mini', (450, 800), train_scenes=44, val_scenes=12, keyframes=(3, 4), sweeps=4),
        Preset('study', (450, 800), train_scenes=96, val_scenes=40, keyframes=(3, 4), sweeps=4, calib_scenes=20),
        Preset('bench', (900, 1600), train_scenes=4, val_scenes=2, keyframes=(4, 4), sweeps=9),
    )
}

KITTI_PRESETS = {
    preset.name: preset
    for preset in (
        Preset('tiny', (128, 416), train_scenes=4, val_scenes=2, keyframes=(2, 2), sweeps=0),
        Preset('tiny-study', (192, 640), train_scenes=4, val_scenes=2, keyframes=(2, 2), sweeps=0, calib_scenes=1),
        Preset('mini', (192, 640), train_scenes=72, val_scenes=20, keyframes=(3, 3), sweeps=0),
        Preset('study', (192, 640), train_scenes=160, val_scenes=40, keyframes=(3, 3), sweeps=0, calib_scenes=20),
    )
}


def get_preset(name: str) -> Preset:
    """Look up a preset.

    Raises:
        ValueError: If there is no preset of that name.
    """
    if name not in PRESETS:
        raise ValueError(f'unknown preset {name!r}; choose one of {sorted(PRESETS)}')
    return PRESETS[name]
