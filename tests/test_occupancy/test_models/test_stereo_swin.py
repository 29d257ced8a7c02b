"""Swin with features to match, and the depth network of BEVDet4D-Stereo's code."""

import pytest
import torch
from mmdet.models.backbones import SwinTransformer

from projects.occupancy.models import BEVStereoDepthNet, StereoLSSViewTransform, StereoSwinTransformer
from projects.occupancy.models.view_transforms.atrous_pyramid import AtrousPyramid
from projects.occupancy.models.view_transforms.bevstereo_depth_net import raw_camera_parameters

SMALL = {
    'embed_dims': 8,
    'depths': (1, 1, 2, 1),
    'num_heads': (1, 1, 2, 2),
    'window_size': 4,
    'drop_path_rate': 0.0,
    'out_indices': (0, 2, 3),
}


@torch.no_grad()
def test_the_first_output_is_the_first_stage_before_its_normalisation_and_the_others_are_those_of_mmdet():
    theirs, ours = SwinTransformer(**SMALL), StereoSwinTransformer(**SMALL)
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert (missing, unexpected) == ([], ['norm0.weight', 'norm0.bias'])
    imgs = torch.randn(2, 3, 64, 96)
    expected, found = theirs(imgs), ours(imgs)
    assert [tuple(feat.shape) for feat in found] == [(2, 8, 16, 24), (2, 32, 4, 6), (2, 64, 2, 3)]
    torch.testing.assert_close(found[1:], expected[1:])
    normalised = theirs.norm0(found[0].movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(normalised, expected[0])


def test_blocks_that_are_computed_twice_give_the_same_gradients():
    kept, again = StereoSwinTransformer(**SMALL), StereoSwinTransformer(**SMALL, with_cp=True)
    again.load_state_dict(kept.state_dict())
    imgs = torch.randn(1, 3, 64, 64)
    for model in (kept, again):
        model.train()
        sum(feat.square().sum() for feat in model(imgs)[1:]).backward()
    assert [name for name, p in again.named_parameters() if p.grad is None] == []
    torch.testing.assert_close([p.grad for p in again.parameters()], [p.grad for p in kept.parameters()])


def test_swin_without_a_stage_to_match_is_refused():
    with pytest.raises(ValueError, match=r'stage 0, which is matched, in front, got \(2, 3\)'):
        StereoSwinTransformer(**{**SMALL, 'out_indices': (2, 3)})


def test_cameras_are_described_by_27_numbers_in_the_order_of_bevdet():
    cam2img = torch.tensor([[1.0, 0, 3], [0, 2, 4], [0, 0, 1]])
    aug = torch.tensor([[5.0, 6, 7], [8, 9, 10], [0, 0, 1]])
    bda = torch.eye(4)
    bda[:2, :2], bda[2, 2] = torch.tensor([[11.0, 12], [13, 14]]), 15
    cam2ego = torch.cat([torch.arange(16.0, 28).view(3, 4), torch.tensor([[0.0, 0, 0, 1]])])
    found = raw_camera_parameters(*(matrix[None, None] for matrix in (cam2img, cam2ego, aug)), bda[None], width=704)
    assert found.tolist() == [list(range(1, 28))]


def test_a_view_transform_hands_the_network_the_numbers_that_it_asks_for(make_calibration):
    calibration = make_calibration(1, 2, 64, 128)
    for kind, numbers in (('StereoDepthNet', 18), ('BEVStereoDepthNet', 27)):
        view = StereoLSSViewTransform(
            in_channels=4,
            out_channels=2,
            point_cloud_range=[-40.0, -40.0, -1.0, 40.0, 40.0, 5.4],
            grid_size=[20, 20, 1],
            depth_range=(4.0, 24.0, 4.0),
            depth_net={'type': kind, 'mid_channels': 8},
        )
        assert view.camera(torch.zeros(2, 4, 4, 8), calibration).shape == (2, numbers)
        matching = torch.full((1, 2, 5, 16, 32), 0.2)
        feats = torch.randn(1, 2, 4, 4, 8, requires_grad=True)
        bev, logits = view(feats, {**calibration, 'matching': matching})
        (bev.square().sum() + logits.square().sum()).backward()
        assert logits.shape == (2, 5, 4, 8)
        assert [name for name, p in view.named_parameters() if p.grad is None] == []


def test_a_cell_sees_as_far_as_the_longest_branch_and_by_the_mean_all_cells():
    """One impulse at (40, 40): without the mean it is seen 3 cells away and no farther; with it, everywhere."""
    pyramid = AtrousPyramid(1, 2, dilations=(1, 3)).eval()
    for parameter in pyramid.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    impulse = torch.zeros(1, 1, 80, 80)
    impulse[0, 0, 40, 40] = 1e4

    def seen():
        with torch.no_grad():
            rows, columns = torch.where((pyramid(impulse) != pyramid(0 * impulse))[0, 0])
        return len(rows), (rows - 40).abs().max().item(), (columns - 40).abs().max().item()

    assert seen()[0] == 80 * 80
    torch.nn.init.zeros_(pyramid.mean.conv.weight)
    assert seen() == (9, 3, 3)


def test_the_depth_network_refuses_a_matching_that_it_cannot_halve():
    with pytest.raises(ValueError, match='match_downsample must be a power of 2, got 3'):
        BEVStereoDepthNet(4, 6, 2, match_downsample=3)
