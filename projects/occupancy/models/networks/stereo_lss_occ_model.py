"""Camera-only occupancy with memory whose depth comes from the motion of the car: BEVDet4D-Stereo.

Shape letters: B batch, N cameras, C channels, D depth bins, M frames, h x w matching map.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from projects.compute.asynchronous import constant

from .frames import Place, pick_frames
from .temporal_lss_occ_model import Seen, TemporalLSSOccModel


@MODELS.register_module()
class StereoLSSOccModel(TemporalLSSOccModel):
    """A temporal model in which the depth of each frame is matched with the frame before it.

    The image backbone returns one level more than the neck reads, in front of the others: the features that are
    matched, at ``match_stride`` of the view transform (a :class:`StereoLSSViewTransform`). The frame before the history
    is seen as well, as the reference of the last one, so the data set gives ``num_history + 1`` frames. A frame without
    one before it finds all depths alike. Arguments are those of :class:`TemporalLSSOccModel`.
    """

    REFERENCES = 1

    def extract_frames(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """``img_feats`` (B, N, C, fH, fW), and the features that are matched, ``match_feats`` (B, N, C', h, w)."""
        imgs = inputs['imgs']
        finest, *levels = self.img_backbone(imgs.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        feats = {'img_feats': self.img_neck(levels), 'match_feats': finest}
        return {name: value.unflatten(0, imgs.shape[:2]) for name, value in feats.items()}

    def extract_img_feats(self, inputs: Mapping[str, Any]) -> Tensor:
        """First step of the parent; the features that are matched are left out."""
        return self.extract_frames(inputs)['img_feats']

    def refer(self, inputs: Mapping[str, Any], places: Sequence[Place], seen: Seen) -> dict[str, Tensor]:
        """``matching`` (M, N, D, h, w): probability of each depth from the frame and the one before it."""
        former = [(b, age + 1) if (b, age + 1) in seen else (b, age) for b, age in places]
        maps = [torch.stack([seen[place]['match_feats'] for place in group]) for group in (places, former)]
        frames = [pick_frames(inputs, group) for group in (places, former)]
        matching = self.view_transform.match(*maps, *frames)
        alone = [place == other for place, other in zip(places, former)]
        if any(alone):
            matching.masked_fill_(constant(alone, matching, torch.bool).view(-1, 1, 1, 1, 1), 1 / matching.shape[2])
        return {'matching': matching}
