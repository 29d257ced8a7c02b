"""Check that the compiled operations of mmcv load and compute: suppression of boxes and two deformable samplings."""

import sys

import torch
from torch.nn.functional import conv2d


def check_ops() -> None:
    """Run operations whose results are known.

    Raises:
        ImportError: If mmcv is missing, has no operations, or was built for another torch.
        ValueError: If an operation computes something else.
    """
    from mmcv.ops import modulated_deform_conv2d, nms
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    # The second box covers 81 % of the first, the third lies apart.
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    _, kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), iou_threshold=0.5)
    if kept.tolist() != [0, 2]:
        raise ValueError(f'mmcv.ops.nms kept boxes {kept.tolist()}, expected [0, 2]')

    # Without offsets and with a mask of ones it is a plain convolution.
    generator = torch.Generator().manual_seed(0)
    image, weight = torch.rand(1, 2, 6, 7, generator=generator), torch.rand(3, 2, 3, 3, generator=generator)
    offset, mask = torch.zeros(1, 18, 6, 7), torch.ones(1, 9, 6, 7)
    result = modulated_deform_conv2d(image, offset, mask, weight, None, 1, 1, 1, 1, 1)
    if not torch.allclose(result, conv2d(image, weight, padding=1), atol=1e-5):
        raise ValueError('mmcv.ops.modulated_deform_conv2d without offsets differs from a convolution')

    # Two points with weights 0.25 and 0.75 at the centres of cells that hold 4 and 8: 0.25 * 4 + 0.75 * 8 = 7.
    value = torch.tensor([4.0, 8.0]).view(1, 2, 1, 1)
    locations = torch.tensor([[0.25, 0.5], [0.75, 0.5]]).view(1, 1, 1, 1, 2, 2)
    weights = torch.tensor([0.25, 0.75]).view(1, 1, 1, 1, 2)
    attended = multi_scale_deformable_attn_pytorch(value, torch.tensor([[1, 2]]), locations, weights)
    if abs(attended.item() - 7) > 1e-5:
        raise ValueError(f'deformable attention gave {attended.item()}, expected 7')


if __name__ == '__main__':
    try:
        check_ops()
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'error: the operations of mmcv do not work with torch {torch.__version__}: {error}')
