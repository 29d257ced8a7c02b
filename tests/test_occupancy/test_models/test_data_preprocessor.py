import pytest
import torch

from projects.occupancy.models import OccDataPreprocessor


def test_images_become_rgb_and_normalised(make_batch):
    data = make_batch(B=1)
    bgr = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    data['inputs']['imgs'] = [bgr.expand(2, 3, 32, 64)]
    out = OccDataPreprocessor(mean=[1.0, 2.0, 3.0], std=[2.0, 3.0, 7.0])(data)
    imgs = out['inputs']['imgs']
    assert imgs.shape == (1, 2, 3, 32, 64)
    assert imgs[0, 0, :, 0, 0].tolist() == pytest.approx([29 / 2, 18 / 3, 7 / 7])


def test_matrices_are_stacked_and_clouds_stay_a_list(make_batch):
    inputs = OccDataPreprocessor()(make_batch(B=2, N=3))['inputs']
    assert inputs['cam2ego'].shape == (2, 3, 4, 4)
    assert inputs['bda_mat'].shape == (2, 4, 4)
    assert [p.shape for p in inputs['points']] == [(300, 5), (300, 5)]


@pytest.mark.parametrize('key', ['cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat', 'points'])
def test_nan_is_reported_with_key_and_token(key, make_batch):
    data = make_batch()
    data['inputs'][key][1].view(-1)[0] = float('nan')
    with pytest.raises(ValueError, match=rf"inputs\['{key}'\] of sample token-1 holds NaN"):
        OccDataPreprocessor()(data)


def test_images_of_different_size_are_refused(make_batch):
    data = make_batch()
    data['inputs']['imgs'][1] = data['inputs']['imgs'][1][..., :-8]
    with pytest.raises(ValueError, match=r"inputs\['imgs'\] of one batch differ in shape"):
        OccDataPreprocessor()(data)


def test_empty_cloud_is_passed_on_and_reported_once(make_batch, monkeypatch):
    messages = []
    module = OccDataPreprocessor.__module__
    monkeypatch.setattr(f'{module}.print_log', lambda text, **_: messages.append(text))
    preprocessor = OccDataPreprocessor()
    for _ in range(3):
        data = make_batch()
        data['inputs']['points'][1] = torch.zeros(0, 5)
        assert len(preprocessor(data)['inputs']['points'][1]) == 0
    assert len(messages) == 1
    assert 'token-1' in messages[0]


def test_normalisation_constants_are_checked():
    with pytest.raises(ValueError, match='std > 0'):
        OccDataPreprocessor(std=[1.0, 0.0, 1.0])


def with_further(data, shape=(2, 3, 32, 64)):
    """A batch of two with images and poses of former frames."""
    data['inputs']['former_imgs'] = list(torch.full((2, *shape), 50, dtype=torch.uint8))
    data['inputs']['former2ego'] = list(torch.eye(4).repeat(2, 1, 1))
    return data


def test_further_images_are_normalised_and_further_matrices_stacked(make_batch):
    data = with_further(make_batch())
    data['inputs']['former_imgs'][1][:, 0] = 20
    inputs = OccDataPreprocessor(mean=[1, 2, 3], std=[7, 4, 2], extra_images=['former_imgs'])(data)['inputs']
    assert inputs['former2ego'].shape == (2, 4, 4)
    assert inputs['former_imgs'].shape == (2, 2, 3, 32, 64)
    # BGR (20, 50, 50) becomes RGB (50, 50, 20).
    assert inputs['former_imgs'][1, 0, :, 0, 0].tolist() == [49 / 7, 48 / 4, 17 / 2]


def test_further_inputs_are_checked_by_name(make_batch):
    preprocessor = OccDataPreprocessor(extra_images=['former_imgs'])
    with pytest.raises(ValueError, match="no 'former_imgs', which extra_images of OccDataPreprocessor names"):
        preprocessor(make_batch())
    with pytest.raises(ValueError, match=r"inputs\['former_imgs'\] holds bytes, .* extra_images of OccDataPreproc"):
        OccDataPreprocessor()(with_further(make_batch()))
    with pytest.raises(ValueError, match=r"inputs\['former_imgs'\] must be images .*got \(2, 2, 32, 64\)"):
        preprocessor(with_further(make_batch(), shape=(2, 32, 64)))
    data = with_further(make_batch())
    data['inputs']['former2ego'][1][0, 3] = float('inf')
    with pytest.raises(ValueError, match=r"inputs\['former2ego'\] of sample token-1 holds NaN .* that makes it"):
        preprocessor(data)
    data['inputs']['former2ego'][1] = torch.eye(3)
    with pytest.raises(ValueError, match=r"inputs\['former2ego'\] of one batch differ in shape"):
        preprocessor(data)
    with pytest.raises(ValueError, match="extra_images of OccDataPreprocessor names 'imgs'"):
        OccDataPreprocessor(extra_images=['imgs'])
