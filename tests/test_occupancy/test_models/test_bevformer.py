"""BEV queries see what the calibration says, and nothing else."""

import math

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS

from projects.occupancy.models.view_transforms.deformable_attention import DeformableAttention
from projects.occupancy.models.view_transforms.pillars import FAR, find_views, pillar_points, project_pillars
from projects.occupancy.ops import deformable_sample

RANGE = (-40.0, -40.0, -1.0, 40.0, 40.0, 5.4)


def augmented(make_calibration, B=2, N=6, H=32, W=64):
    """Cameras of 90 degrees under a resize, a flip, a turn and a crop of their own; BEV flipped and turned."""
    torch.manual_seed(3)
    inputs = make_calibration(B, N, H, W)
    for b in range(B):
        for n in range(N):
            angle, scale = 0.1 * n - 0.2, 0.8 + 0.1 * n
            c, s = scale * math.cos(angle), scale * math.sin(angle)
            sign = -1.0 if n % 2 else 1.0
            inputs['img_aug_matrix'][b, n] = torch.tensor([[sign * c, -s, 3.0 * n], [sign * s, c, -2.0], [0, 0, 1]])
        turn = 0.3 * b
        c, s = math.cos(turn), math.sin(turn)
        inputs['bda_mat'][b, :2, :2] = torch.tensor([[-c, -s], [-s, c]])
    return inputs


def one_pixel(point, b, n, inputs):
    """A point of the augmented ego frame in the raw image, then in that of the network; None behind the camera."""
    bda, cam2ego = (inputs[key].double().numpy() for key in ('bda_mat', 'cam2ego'))
    in_ego = np.linalg.inv(bda[b]) @ np.array([*point, 1.0])
    in_cam = (np.linalg.inv(cam2ego[b, n]) @ in_ego)[:3]
    if in_cam[2] <= 1e-5:
        return None
    raw = inputs['cam2img'][b, n].double().numpy() @ (in_cam / in_cam[2])
    u, v, _ = inputs['img_aug_matrix'][b, n].double().numpy() @ raw
    return u, v


def test_points_of_a_pillar_are_the_middles_of_its_slices():
    """Box of 4 x 2 x 3 m: cells of 2 x 1 m, slices of 1.5 m."""
    points = pillar_points((0.0, 0.0, 0.0, 4.0, 2.0, 3.0), (2, 2), 2)
    assert points[:, 0].tolist() == [[1, 0.5, 0.75], [3, 0.5, 0.75], [1, 1.5, 0.75], [3, 1.5, 0.75]]
    assert points[0, :, 2].tolist() == [0.75, 2.25]


def test_points_project_onto_the_pixels_of_a_slow_loop_under_augmentation(make_calibration):
    inputs, (height, width) = augmented(make_calibration), (32, 64)
    points = pillar_points(RANGE, (8, 8), 3)
    locations, seen = project_pillars(points, inputs, (height, width))
    assert 100 < seen.sum() < seen.numel() / 2
    for b, n, q, p in np.ndindex(*seen.shape):
        pixel = one_pixel(points[q, p].tolist(), b, n, inputs)
        if pixel is None:
            assert not seen[b, n, q, p]
            assert locations[b, n, q, p].tolist() == [-FAR, -FAR]
            continue
        u, v = pixel
        assert bool(seen[b, n, q, p]) == (-0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5)
        expected = np.clip([(u + 0.5) / width, (v + 0.5) / height], -FAR, 1 + FAR)
        assert locations[b, n, q, p].numpy() == pytest.approx(expected, abs=1e-4)


def test_a_point_ahead_lies_where_it_does_by_hand(make_calibration):
    """Camera 1 looks ahead, 1.5 m above ground, focal length 32: 10 m ahead, 2.5 m left, 1 m below it."""
    inputs = make_calibration(1, 2, 32, 64)
    locations, seen = project_pillars(torch.tensor([[[10.0, 2.5, 0.5]]]), inputs, (32, 64))
    u, v = 31.5 - 32 * 0.25, 15.5 + 32 * 0.1
    assert locations[0, 1, 0, 0].tolist() == pytest.approx([(u + 0.5) / 64, (v + 0.5) / 32])
    assert seen[0, 1, 0, 0]


def test_cells_of_a_camera_are_listed_in_order_and_filled_up():
    """Camera 0 sees cells 1 and 3 of sample 1, camera 1 cell 2: its second place is not valid."""
    seen = torch.zeros(2, 2, 4, 2, dtype=torch.bool)
    seen[1, 0, 1, 0] = seen[1, 0, 3] = seen[1, 1, 2, 1] = True
    locations = torch.arange(64.0).view(2, 2, 4, 2, 2)
    views = find_views(locations, seen)
    assert views.rows[1].tolist() == [[5, 7], [6, 4]]
    assert views.valid.tolist() == [[[False, False]] * 2, [[True, True], [True, False]]]
    assert torch.equal(views.locations[1, 0], locations[1, 0, [1, 3]])


def bilinear(image, x, y):
    """Value at (x, y) in cells, zeros outside; slow."""
    height, width = image.shape
    total, left, top = 0.0, math.floor(x), math.floor(y)
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                total += image[row, column].item() * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


def test_sampling_is_a_weighted_sum_of_interpolated_features():
    torch.manual_seed(0)
    shapes, B, Q, H, P = [(3, 5), (2, 4)], 2, 3, 2, 2
    value = torch.randn(B, 23, H, 2, dtype=torch.float64)
    locations, weights = torch.rand(B, Q, H, 2, P, 2) * 1.4 - 0.2, torch.rand(B, Q, H, 2, P)
    found = deformable_sample(value, shapes, locations, weights)
    levels = [value[:, :15].unflatten(1, (3, 5)), value[:, 15:].unflatten(1, (2, 4))]
    for b, q, h, c in np.ndindex(B, Q, H, 2):
        expected = 0.0
        for level, (height, width) in enumerate(shapes):
            for p in range(P):
                x, y = locations[b, q, h, level, p].double().tolist()
                read = bilinear(levels[level][b, ..., h, c], x * width - 0.5, y * height - 0.5)
                expected += weights[b, q, h, level, p].item() * read
        assert found[b, q, 2 * h + c].item() == pytest.approx(expected, abs=1e-5)


def test_fresh_attention_reads_a_ring_around_each_anchor():
    """Four heads look right, down, left and up; two points an anchor lie one and two cells away, all weigh the same."""
    attention = DeformableAttention(8, 4, 1, 4, num_anchors=2)
    with torch.no_grad():
        attention.value_proj.weight.copy_(torch.eye(8))
    value = torch.arange(49.0).view(1, 49, 1).expand(-1, -1, 8)  # 7 * row + column
    anchors = torch.tensor([[[[3.5 / 7, 3.5 / 7], [2.5 / 7, 4.5 / 7]]]])  # cells (3, 3) and (2, 4), as (x, y)
    found = attention(torch.randn(1, 1, 8), value, [(7, 7)], anchors)
    middle = (24 + 30) / 2
    expected = [middle + 1.5, middle + 7 * 1.5, middle - 1.5, middle - 7 * 1.5]
    assert found[0, 0, ::2].tolist() == pytest.approx(expected, abs=1e-3)


def encoder_of(num_layers=1, **changes):
    cfg = {
        'type': 'BEVFormerEncoder', 'embed_dims': 8, 'point_cloud_range': RANGE, 'bev_size': [10, 6],
        'num_layers': num_layers, 'num_levels': 1, 'num_heights': 2, 'num_points': 2, 'num_heads': 2, 'dropout': 0.0,
    }  # fmt: skip
    return MODELS.build({**cfg, **changes}).eval()


def scene(make_calibration, N=6):
    inputs = augmented(make_calibration, 1, N)
    return {**inputs, 'imgs': torch.zeros(1, N, 3, 32, 64)}, torch.randn(1, N, 8, 4, 8)


def test_a_query_reads_only_the_cameras_in_whose_image_it_lies(make_calibration):
    encoder, (inputs, feats) = encoder_of(), scene(make_calibration)
    views = encoder.find(inputs)
    with torch.no_grad():
        before = encoder([feats], inputs).flatten(2)[0]
        for camera in range(6):
            other = feats.clone()
            other[0, camera] += 5 * torch.randn(8, 4, 8)
            changed = (encoder([other], inputs).flatten(2)[0] != before).any(0)
            seen = torch.zeros(60, dtype=torch.bool)
            seen[views.rows[0, camera][views.valid[0, camera]]] = True
            assert not changed[~seen].any()
            assert changed[seen].float().mean() > 0.8
            assert 0 < seen.sum() < 40


def test_cells_that_no_camera_sees_are_trained_through(make_calibration):
    encoder, (inputs, feats) = encoder_of(num_layers=2), scene(make_calibration, N=2)
    inputs['cam2ego'][..., 2, 3] = 1000.0  # far above, level
    feats.requires_grad_()
    bev = encoder([feats], inputs)
    assert not encoder.find(inputs).valid.any()
    bev.square().sum().backward()
    assert torch.isfinite(bev).all()
    assert feats.grad.eq(0).all()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters())


def permuted(data, order):
    names = ('imgs', 'cam2img', 'cam2ego', 'img_aug_matrix')
    return {key: value[:, order] if key in names else value for key, value in data.items()}


def prepared(tiny_model_cfgs, make_batch, make_calibration, N=6):
    torch.manual_seed(0)
    model = MODELS.build(tiny_model_cfgs()['bevformer'])
    model.init_weights()
    data = model.data_preprocessor(make_batch(N=N))
    data['inputs'].update(augmented(make_calibration, 2, N))
    return model, data


def test_the_order_of_the_cameras_does_not_count(tiny_model_cfgs, make_batch, make_calibration):
    model, data = prepared(tiny_model_cfgs, make_batch, make_calibration)
    order = [3, 0, 5, 1, 2, 4]
    with torch.no_grad():
        first = model.eval().extract_outputs(data['inputs'])
        second = model.extract_outputs(permuted(data['inputs'], order))
    assert torch.allclose(second['img_feats'], first['img_feats'][:, order], atol=1e-5)
    assert torch.allclose(second['bev_feat'], first['bev_feat'], atol=1e-4)
    assert torch.allclose(second['occ_logits'], first['occ_logits'], atol=1e-4)


def test_five_cameras_are_enough_and_the_sixth_matters(tiny_model_cfgs, make_batch, make_calibration):
    model, data = prepared(tiny_model_cfgs, make_batch, make_calibration)
    assert model.FEWER_CAMERAS
    with torch.no_grad():
        six = model.eval().extract_outputs(data['inputs'])['bev_feat']
        five = model.extract_outputs(permuted(data['inputs'], [0, 1, 2, 3, 4]))
    assert five['occ_logits'].shape == (2, 20, 20, 4, 18)
    assert not torch.allclose(five['bev_feat'], six, atol=1e-3)


def test_gradients_reach_images_queries_and_offsets(tiny_model_cfgs, make_batch, make_calibration):
    model, data = prepared(tiny_model_cfgs, make_batch, make_calibration)
    encoder = model.view_transform
    for layer in encoder.layers:  # zero at first: positions get gradients from the second step on
        torch.nn.init.normal_(layer.self_attn.sampling_offsets.weight, std=0.1)
    sum(model.train()(**data, mode='loss').values()).backward()
    parts = [model.img_backbone.conv1, encoder.query_embed, encoder.row_embed, encoder.column_embed]
    parts += [encoder.level_embed, *(layer.cross_attn.sampling_offsets for layer in encoder.layers)]
    assert all(part.weight.grad.abs().sum() > 0 for part in parts)


def test_both_maps_of_a_pyramid_are_read(make_calibration):
    encoder, (inputs, feats) = encoder_of(num_levels=2), scene(make_calibration)
    coarse = torch.randn(1, 6, 8, 2, 4)
    with torch.no_grad():
        before = encoder([feats, coarse], inputs)
        assert before.shape == (1, 8, 6, 10)
        assert not torch.allclose(encoder([feats, coarse + 1], inputs), before)
        assert not torch.allclose(encoder([feats + 1, coarse], inputs), before)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'num_points': 3}, 'num_points=3 must be a multiple of the 2 points of a pillar'),
        ({'num_heads': 3}, 'num_heads=3 does not divide embed_dims=8'),
        ({'embed_dims': 7, 'num_heads': 1}, 'embed_dims must be even'),
        ({'bev_size': [10, 10, 1]}, 'bev_size 2'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        encoder_of(**changes)


def test_feature_maps_of_another_number_or_width_are_named(make_calibration):
    encoder, (inputs, feats) = encoder_of(), scene(make_calibration)
    with pytest.raises(ValueError, match=r'expects 1 feature maps of 8 channels, got 2 of \[8\]; see num_levels'):
        encoder([feats, feats], inputs)
    with pytest.raises(ValueError, match=r'got 1 of \[4\]'):
        encoder([feats[:, :, :4]], inputs)


def test_a_missing_input_and_another_box_are_named(tiny_model_cfgs, make_batch, make_calibration):
    model, data = prepared(tiny_model_cfgs, make_batch, make_calibration)
    outputs = model.extract_outputs(data['inputs'])
    data['data_samples'][0].set_metainfo({'point_cloud_range': (-50.0, *RANGE[1:])})
    with pytest.raises(ValueError, match='point_cloud_range of view_transform'):
        model.loss_by_outputs(outputs, data['data_samples'])
    del data['inputs']['bda_mat']
    with pytest.raises(ValueError, match=r"BEVFormerOccModel needs inputs \['bda_mat'\]"):
        model(**data)
