import pytest
import torch
import torch.nn.functional as F

from projects.radocc import segment_affinity, segment_means
from projects.radocc.segments import affinity_change


def slow_means(features, segment_ids, cam_ids, mask, num_cams, min_rays):
    """Oracle: loop over images and segments; largest segment first, then by id."""
    images = []
    for batch in range(features.shape[0]):
        for camera in range(num_cams):
            here = (cam_ids[batch] == camera) & mask[batch]
            found = []
            for segment in sorted(set(segment_ids[batch].tolist()) - {0, -1}):
                rays = here & (segment_ids[batch] == segment)
                if rays.sum() >= min_rays:
                    found.append((-int(rays.sum()), segment, features[batch, rays].mean(dim=0)))
            images.append([mean for _, _, mean in sorted(found, key=lambda item: item[:2])])
    return images


def test_means_by_hand():
    features = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [5.0, 5.0], [7.0, 7.0], [9.0, 9.0]]])
    segment_ids = torch.tensor([[4, 4, 4, 2, 0]])
    cam_ids = torch.tensor([[0, 0, 1, 0, 0]])
    means, exists = segment_means(features, segment_ids, cam_ids, num_cams=2, min_rays=1, max_segments=3)
    # Camera 0: segment 4 has two rays, then segment 2; camera 1 has its own segment 4. Id 0 is no segment.
    assert exists.tolist() == [[True, True, False], [True, False, False]]
    assert means[0].tolist() == [[2.0, 1.0], [7.0, 7.0], [0.0, 0.0]]
    assert means[1, 0].tolist() == [5.0, 5.0]


def test_means_agree_with_a_loop():
    torch.manual_seed(0)
    features = torch.randn(3, 200, 4, dtype=torch.float64)
    segment_ids, cam_ids = torch.randint(-1, 9, (3, 200)), torch.randint(0, 4, (3, 200))
    mask = torch.rand(3, 200) < 0.8
    means, exists = segment_means(features, segment_ids, cam_ids, 4, mask, min_rays=4, max_segments=16)
    expected = slow_means(features, segment_ids, cam_ids, mask, 4, 4)
    assert exists.sum(dim=1).tolist() == [len(image) for image in expected]
    for image, found, many in zip(expected, means, exists):
        assert torch.allclose(found[many], torch.stack(image))
        assert found[~many].abs().sum() == 0


def test_small_segments_are_dropped_and_the_largest_kept():
    segment_ids = torch.tensor([[1] * 3 + [2] * 5 + [3] * 4 + [5]])
    features = segment_ids[..., None].float()
    means, exists = segment_means(
        features, segment_ids, torch.zeros_like(segment_ids), num_cams=1, min_rays=2, max_segments=2
    )
    assert exists.tolist() == [[True, True]]
    assert means[0, :, 0].tolist() == [2.0, 3.0]


def test_no_segments_give_an_empty_table():
    means, exists = segment_means(torch.ones(1, 5, 2), torch.zeros(1, 5).long(), torch.zeros(1, 5).long(), 6)
    assert means.shape == (6, 256, 2)
    assert not exists.any()


def test_means_have_right_gradients():
    features = torch.randn(1, 12, 2, dtype=torch.float64, requires_grad=True)
    ids, cams = torch.randint(0, 3, (1, 12)), torch.zeros(1, 12).long()
    options = {'num_cams': 1, 'min_rays': 2, 'max_segments': 4}
    assert torch.autograd.gradcheck(lambda f: segment_means(f, ids, cams, **options)[0], features)


def test_affinity_is_the_cosine():
    means = torch.randn(2, 5, 3)
    expected = F.cosine_similarity(means[:, :, None], means[:, None], dim=-1)
    assert torch.allclose(segment_affinity(means), expected, atol=1e-6)
    assert segment_affinity(torch.zeros(1, 2, 3)).abs().sum() == 0


def test_change_of_affinity_is_the_difference_of_both_affinities_with_its_gradient():
    means = torch.randn(2, 5, 2, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 5, 5, dtype=torch.float64)
    expected = segment_affinity(means[:, :, 0]) - segment_affinity(means[:, :, 1])
    found = affinity_change(means)
    torch.testing.assert_close(found, expected)
    grads = [torch.autograd.grad((value * weight).sum(), means)[0] for value in (found, expected)]
    torch.testing.assert_close(*grads)
    assert affinity_change(torch.zeros(1, 2, 2, 3)).abs().sum() == 0


def test_of_more_segments_than_fit_the_largest_are_kept_and_ties_go_to_the_smaller_id():
    segment_ids = torch.tensor([[7, 7, 7, 2, 2, 5, 5, 9, -3]])
    means, exists = segment_means(
        segment_ids[..., None].float(), segment_ids, torch.ones_like(segment_ids), 2, min_rays=1, max_segments=2
    )
    assert exists.tolist() == [[False, False], [True, True]]
    assert means[1, :, 0].tolist() == [7.0, 2.0]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match='segment_ids and cam_ids'):
        segment_means(torch.zeros(1, 5, 2), torch.zeros(1, 4).long(), torch.zeros(1, 5).long(), 1)
