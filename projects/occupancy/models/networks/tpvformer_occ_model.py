"""Camera-only occupancy by three planes of queries that read the images: TPVFormer-Occ.

Shape letters: B batch, C channels, X/Y/Z voxels, K classes, u upsampling factor of the head.
"""

from mmdet3d.registry import MODELS
from torch import Tensor

from .bevformer_occ_model import BEVFormerOccModel


@MODELS.register_module()
class TPVFormerOccModel(BEVFormerOccModel):
    """:class:`BEVFormerOccModel` whose view transform, a :class:`TPVFormerEncoder`, makes a voxel feature.

    Its ``occ_head`` reads that feature, as :class:`BEVDetOccHead` does.
    """

    def decode(self, voxel_feat: Tensor) -> dict[str, Tensor]:
        """Third step: ``voxel_feat`` (B, C, X / u, Y / u, Z / u) as it is, and ``occ_logits`` (B, X, Y, Z, K)."""
        return {'voxel_feat': voxel_feat, 'occ_logits': self.occ_head(voxel_feat)}
