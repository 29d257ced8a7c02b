"""Camera-only occupancy with memory: BEVDet4D in BEV (FlashOcc) and in voxels (BEVDet-Occ).

Shape letters: B batch, T former keyframes, N cameras, C channels, X/Y/Z voxels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import inverse
from projects.compute.precision import full_precision
from projects.models import require_inputs
from projects.occupancy.ops import warp_to_key
from projects.occupancy.structures import HISTORY_MATRICES

from .frame_memory import FrameMemory
from .frames import Place, former_places, pick_frames
from .lss_occ_model import LSSOccModel

Seen = dict[Place, dict[str, Tensor]]


@MODELS.register_module()
class TemporalLSSOccModel(LSSOccModel):
    """Features of former keyframes, moved to where the car is now, beside those of the present one (BEVDet4D).

    Each frame is lifted into its own ego frame; former ones are warped into the present ego frame, where what stood
    still falls on itself, and all are concatenated, the latest first, before the grid encoder: with ``frame_encoder``
    or without, ``grid_backbone`` reads ``1 + num_history`` times the channels of one frame. Only the present frame gets
    gradients (arXiv:2203.17054). Where there is no former frame the present feature stands in for it. Unlike in
    BEVDet4D's training, former frames are always warped, also where they could be lifted into the present ego frame.

    In testing, features are remembered by token: while the samples come in the order of a scene, each costs one pass of
    its own images. Only frames that the last sample names are kept, so the end of a scene, a gap and another order
    forget what was before; so do a change of mode and newly loaded weights. Training remembers nothing. A frozen
    teacher is always in testing; with ``remember=False`` it takes whole batches.

    Further arguments are those of :class:`LSSOccModel`.

    Args:
        num_history (int): Former keyframes whose features are read; the data set has to give as many (``history``).
        frame_encoder (dict, optional): Config of a BEV or voxel encoder that each frame passes before the warp, one
            stage ("pre_process" of BEVDet4D). Defaults to None.
        remember (bool): Whether features are remembered in testing. Defaults to True.

    Attributes:
        REFERENCES (int): Frames before the history that the features of the last one need.
    """

    INPUTS = (*LSSOccModel.INPUTS, 'history_imgs', *HISTORY_MATRICES, 'history_is_former')
    REFERENCES = 0

    def __init__(
        self,
        num_history: int,
        img_backbone: dict,
        img_neck: dict,
        view_transform: dict,
        grid_backbone: dict,
        grid_neck: dict,
        occ_head: dict,
        frame_encoder: dict | None = None,
        remember: bool = True,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        ray_supervision: dict | None = None,
    ) -> None:
        parts = (img_backbone, img_neck, view_transform, grid_backbone, grid_neck, occ_head)
        super().__init__(*parts, data_preprocessor, init_cfg, ray_supervision)
        if num_history < 1:
            raise ValueError(f'num_history must be at least 1, got {num_history}; without history take LSSOccModel')
        self.num_history, self.remember = num_history, remember
        self.frame_encoder = MODELS.build(frame_encoder) if frame_encoder else None
        self.memory = FrameMemory()
        self.register_load_state_dict_post_hook(_forget)

    def train(self, mode: bool = True) -> 'TemporalLSSOccModel':
        """Set the mode, and forget all frames."""
        self.memory.clear()
        return super().train(mode)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the parent for the present frames.

        Args:
            inputs (Mapping[str, Any]): What ``INPUTS`` of the class lists: ``imgs`` and the calibration, and those of
                the history (B, T, ...), the latest frame first.
            data_samples (Sequence[OccDataSample], optional): Their tokens say what may be remembered. Defaults to None.

        Returns:
            dict[str, Tensor]: See the parent; ``img_feats`` and ``depth_logits`` are those of the present frame.

        Raises:
            ValueError: If an input is missing, or the history is too short.
        """
        require_inputs(inputs, self.INPUTS, type(self).__name__)
        wanted, given = self.num_history + self.REFERENCES, inputs['history_is_former'].shape[1]
        if given < wanted:
            raise ValueError(
                f'{type(self).__name__} with num_history={self.num_history} needs {wanted} former frames, got {given}; '
                f'set history={wanted} of the data set'
            )
        if self._may_remember(data_samples):
            ones = [{key: inputs[key][b : b + 1] for key in self.INPUTS} for b in range(len(data_samples or ()))]
            parts = [self.see_frames(one, sample) for one, sample in zip(ones, data_samples or (), strict=True)]
            img_feats, depth_logits, joined = (torch.cat(values) for values in zip(*parts))
        else:
            img_feats, depth_logits, joined = self.see_frames(inputs)
        outputs = self.decode(self.encode_grid(joined, inputs))
        return {'img_feats': img_feats, 'depth_logits': depth_logits, **outputs}

    def see_frames(self, inputs: Mapping[str, Any], sample: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Features of the present frames and of their history.

        Args:
            inputs (Mapping[str, Any]): Inputs of a batch.
            sample (OccDataSample, optional): The sample of a batch of one, to remember its frames. Defaults to None.

        Returns:
            tuple[Tensor, Tensor, Tensor]: Image features and depth logits of the present frames, see :meth:`lift`, and
            the features of all frames (B, (1 + num_history) * C, ...) in the present ego frame.
        """
        batch = len(inputs['bda_mat'])
        now: list[Place] = [(b, 0) for b in range(batch)]
        # In training all processes make the same passes: synchronised BatchNorm waits for all of them in each.
        # Before the images are seen, while a GPU that is waited for has nothing to do.
        reach = self.num_history + self.REFERENCES
        ages = former_places(inputs['history_is_former'], reach, fill=self.training)
        present = self.extract_frames(inputs)
        seen = {place: {name: value[b].detach() for name, value in present.items()} for b, place in enumerate(now)}
        recalled = self._recall(inputs, sample, ages)
        unseen = [[place for place in places if place not in recalled] for places in ages]
        with torch.no_grad():  # after the present frame: autocast keeps the weights that have a gradient
            for places in filter(None, unseen):
                found = _split(self.extract_frames(pick_frames(inputs, places, images=True)), places)
                seen = {**found, **seen}
        seen.update(recalled)
        lifted, depth_logits = self.lift(present['img_feats'], {**inputs, **self.refer(inputs, now, seen)})
        feature = self.encode_frame(lifted)
        with torch.no_grad():
            for places in filter(None, unseen[: self.num_history]):
                self._lift_former(inputs, places, seen)
            for b, place in enumerate(now):
                seen[place]['feature'] = feature[b].detach()
            history = [self._warp(inputs, age, seen) for age in range(1, self.num_history + 1)]
        if sample is not None:
            self._put(inputs, sample, seen[now[0]])
        return present['img_feats'], depth_logits, torch.cat([feature, *history], 1)

    def extract_frames(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """What is read off images alone: ``img_feats`` of :meth:`extract_img_feats`, for a child that reads more."""
        return {'img_feats': self.extract_img_feats(inputs)}

    def refer(self, inputs: Mapping[str, Any], places: Sequence[Place], seen: Seen) -> dict[str, Tensor]:
        """Further inputs of the lift of some frames, made of what was seen of others; none here."""
        return {}

    def encode_frame(self, lifted: Tensor) -> Tensor:
        """Feature of one frame, (B, C, Y, X) or (B, C, X, Y, Z), that no later lift overwrites."""
        if self.frame_encoder is not None:
            (feature,) = self.frame_encoder(lifted)
            return feature
        return lifted if self.view_transform.buffer is None else lifted.clone()

    def _lift_former(self, inputs: Mapping[str, Any], places: Sequence[Place], seen: Seen) -> None:
        """Lift frames whose images were seen, and add ``feature`` to them."""
        img_feats = torch.stack([seen[place]['img_feats'] for place in places])
        frames = {**pick_frames(inputs, places), **self.refer(inputs, places, seen)}
        feature = self.encode_frame(self.lift(img_feats, frames)[0])
        for place, value in zip(places, feature):
            seen[place]['feature'] = value

    def _warp(self, inputs: Mapping[str, Any], age: int, seen: Seen) -> Tensor:
        """Features of one age in the present ego frame; that of the present frame where there is no former one."""
        batch = len(inputs['bda_mat'])
        places = [(b, age) if (b, age) in seen else (b, 0) for b in range(batch)]
        feature = torch.stack([seen[place]['feature'] for place in places])
        bda_mat = inputs['bda_mat'].float()
        ego2key = pick_frames(inputs, places)['ego2key'].float()
        with full_precision(feature):  # half precision would turn and move what is far away by decimetres
            moved = bda_mat @ ego2key @ inverse(bda_mat)
        return warp_to_key(feature, moved, self.view_transform.point_cloud_range)

    def _may_remember(self, data_samples: Sequence | None) -> bool:
        """Whether this is a test in which every sample names its history."""
        if not self.remember or self.training or torch.is_grad_enabled() or not data_samples:
            return False
        return all('token' in sample and 'history_tokens' in sample for sample in data_samples)

    def _recall(self, inputs: Mapping[str, Any], sample: Any, ages: Sequence[Sequence[Place]]) -> Seen:
        """Remembered frames of a batch of one."""
        if sample is None:
            return {}
        pairs = [(place, sample.history_tokens[place[1] - 1]) for places in ages for place in places]
        found = {place: self.memory.find(token, *_augmentations(inputs)) for place, token in pairs}
        return {place: features for place, features in found.items() if features is not None}

    def _put(self, inputs: Mapping[str, Any], sample: Any, features: dict[str, Tensor]) -> None:
        """Remember the present frame of a batch of one, and of the others those of its history."""
        kept = {name: value for name, value in features.items() if name != 'img_feats'}
        self.memory.put(sample.token, kept, *_augmentations(inputs))
        self.memory.keep({sample.token, *sample.history_tokens})


def _augmentations(inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """What a batch of one was augmented with: matches of a frame with the next one depend on both."""
    return inputs['bda_mat'][0], inputs['img_aug_matrix'][0]


def _split(features: Mapping[str, Tensor], places: Sequence[Place]) -> Seen:
    return {place: {name: value[i] for name, value in features.items()} for i, place in enumerate(places)}


def _forget(model: nn.Module, _: Any) -> None:
    """Forget frames that were seen with other weights."""
    model.memory.clear()  # type: ignore[operator, union-attr]
