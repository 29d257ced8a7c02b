import pytest
import torch

from projects.depth.models import DepthDataPreprocessor
from projects.depth.structures import DepthDataSample


def _data(sizes, **extra):
    inputs = {'img': [torch.full((3, *size), 50, dtype=torch.uint8) for size in sizes], **extra}
    samples = [DepthDataSample(metainfo={'frame_id': f'f{i}'}) for i in range(len(sizes))]
    return {'inputs': inputs, 'data_samples': samples}


def test_images_are_normalised_in_rgb_order():
    img = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1).expand(3, 32, 32)
    out = DepthDataPreprocessor(mean=(30, 20, 10), std=(1, 2, 4))({'inputs': {'img': [img]}, 'data_samples': None})
    assert torch.equal(out['inputs']['img'], torch.zeros(1, 3, 32, 32))


def test_images_are_padded_right_and_below_to_the_largest_of_the_batch():
    inputs = DepthDataPreprocessor()(_data([(30, 40), (33, 20)]))['inputs']
    assert inputs['img'].shape == (2, 3, 64, 64)
    assert inputs['valid_mask'].sum(dim=(1, 2)).tolist() == [30 * 40, 33 * 20]
    assert inputs['valid_mask'][0, 29, 39]
    assert not inputs['valid_mask'][0, 30, 0]
    assert (inputs['img'][0, :, 30:] == 0).all()


def test_calibration_is_stacked():
    eye = torch.eye(3)
    inputs = DepthDataPreprocessor()(_data([(32, 32)] * 2, cam2img=[eye, 2 * eye], baseline=[0.5, torch.tensor(0.6)]))[
        'inputs'
    ]
    assert inputs['cam2img'].shape == (2, 3, 3)
    assert inputs['baseline'].tolist() == pytest.approx([0.5, 0.6])


@pytest.mark.parametrize('baseline', [-0.5, 0.0, float('nan')])
def test_baseline_that_is_not_positive_names_the_frame(baseline):
    right = [torch.zeros(3, 32, 32, dtype=torch.uint8)] * 2
    with pytest.raises(ValueError, match='baseline of frame f1'):
        DepthDataPreprocessor()(_data([(32, 32)] * 2, right_img=right, baseline=[0.5, baseline]))


def test_a_single_image_has_no_baseline():
    inputs = DepthDataPreprocessor()(_data([(32, 32)], baseline=[torch.tensor(0.0)]))['inputs']
    assert inputs['baseline'].tolist() == [0.0]


def test_broken_intrinsics_name_the_frame():
    with pytest.raises(ValueError, match='cam2img of frame f0'):
        DepthDataPreprocessor()(_data([(32, 32)], cam2img=[torch.zeros(3, 3)]))


def test_pair_of_two_sizes_names_the_frame():
    with pytest.raises(ValueError, match=r'right image \(32, 40\) of frame f0 differ'):
        DepthDataPreprocessor()(_data([(32, 32)], right_img=[torch.zeros(3, 32, 40, dtype=torch.uint8)]))


def _further(sizes, **extra):
    """Two former images of each frame, and their poses."""
    former = [torch.full((2, 3, *size), 50, dtype=torch.uint8) for size in sizes]
    return _data(sizes, **{'former': former, 'poses': [torch.eye(4).expand(2, 4, 4)] * len(sizes), **extra})


def test_further_images_are_padded_and_normalised_and_further_matrices_stacked():
    preprocessor = DepthDataPreprocessor(mean=(10, 10, 10), std=(4, 4, 4), extra_images=['former'])
    inputs = preprocessor(_further([(30, 40), (33, 20)]))['inputs']
    assert inputs['poses'].shape == (2, 2, 4, 4)
    assert inputs['former'].shape == (2, 2, 3, 64, 64)
    assert inputs['former'][1, 1, 0, 32, 19] == 10  # (50 - 10) / 4
    assert inputs['former'][1, 1, 0, 33, 19] == 0


def test_further_inputs_are_checked_by_name():
    preprocessor, sizes = DepthDataPreprocessor(extra_images=['former']), [(32, 32)] * 2
    with pytest.raises(ValueError, match="no 'former', which extra_images of DepthDataPreprocessor names"):
        preprocessor(_data(sizes))
    with pytest.raises(ValueError, match=r"inputs\['former'\] holds bytes"):
        DepthDataPreprocessor()(_further(sizes))
    other = [torch.zeros(3, 32, 40, dtype=torch.uint8)] * 2
    with pytest.raises(ValueError, match=r"inputs\['former'\] of frame f0 must be .*\(3, 32, 32\), got \(3, 32, 40\)"):
        preprocessor(_further(sizes, former=other))
    poses = [torch.eye(4), torch.full((4, 4), float('nan'))]
    with pytest.raises(ValueError, match=r"inputs\['poses'\] of frame f1 holds NaN"):
        preprocessor(_further(sizes, poses=poses))
    with pytest.raises(ValueError, match=r"inputs\['poses'\] of one batch differ in shape: \(4, 4\) and \(3, 3\)"):
        preprocessor(_further(sizes, poses=[torch.eye(4), torch.eye(3)]))


def test_an_image_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r'an image must be \(3, H, W\), got \(2, 3, 32, 32\)'):
        DepthDataPreprocessor()({'inputs': {'img': [torch.zeros(2, 3, 32, 32)]}, 'data_samples': None})
