"""Students with memory: former frames lie where they stood, get no gradients, and are remembered in testing only."""

import pytest
import torch
from drives import collate, label, make_drive, sample_of
from mmdet3d.registry import MODELS

from projects.occupancy.models import OccFlipTTAModel
from projects.occupancy.models.networks import temporal_lss_occ_model
from projects.occupancy.ops import VoxelBuffer, warp_to_key

KINDS = ('flashocc', 'bevdet_occ', 'stereo_flashocc', 'stereo_bevdet_occ')


@pytest.fixture(params=KINDS)
def temporal(request, tiny_model_cfgs):
    """Function that builds a tiny temporal model in evaluation mode."""
    *stereo, kind = request.param.split('_', 1) if request.param.startswith('stereo') else [request.param]

    def make(history=1, frame_encoder=False, **options):
        cfg = tiny_model_cfgs()[kind]
        encoder = cfg['grid_backbone']
        width = encoder['in_channels']
        if frame_encoder:
            options['frame_encoder'] = {
                'type': encoder['type'], 'in_channels': width, 'channels': [width], 'num_blocks': [1], 'strides': [1],
            }  # fmt: skip
        cfg['grid_backbone'] = {**encoder, 'in_channels': (1 + history) * width}
        if stereo:
            view = cfg['view_transform']
            depth_net = {**view['depth_net'], 'type': 'StereoDepthNet'}
            cfg['view_transform'] = {**view, 'type': 'StereoLSSViewTransform', 'depth_net': depth_net}
            cfg['img_backbone'] = {**cfg['img_backbone'], 'out_indices': (0, 1, 2)}
        torch.manual_seed(0)
        name = 'StereoLSSOccModel' if stereo else 'TemporalLSSOccModel'
        return MODELS.build({**cfg, 'type': name, 'num_history': history, **options}).eval()

    return make


def count_passes(model):
    """List to which every image pass of a model adds its number of frames."""
    found = []
    model.img_backbone.register_forward_pre_hook(lambda _, args: found.append(len(args[0]) // 2))
    return found


def sample_at(model, drive, index):
    return sample_of(drive, index, model.num_history + model.REFERENCES)


def run(model, *samples):
    data = model.data_preprocessor(collate(samples))
    with torch.no_grad():
        return model(**data)['occ_logits']


MIRROR = torch.diag(torch.tensor([-1.0, 1, 1, 1]))[None]


def joined(model, drive, index, bda_mat=MIRROR):
    """What the grid encoder reads of each frame."""
    found = []
    data = model.data_preprocessor(collate([sample_at(model, drive, index)]))
    hook = model.grid_backbone.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    with torch.no_grad():
        model({**data['inputs'], 'bda_mat': bda_mat})
    hook.remove()
    return found[0].chunk(1 + model.num_history, 1)


def test_a_former_feature_is_that_of_the_former_time_warped_in_the_mirrored_frame(temporal, make_calibration):
    model = temporal(history=2, frame_encoder=True)
    drive = make_drive(make_calibration, 'a', 5)
    got = joined(model, drive, 3)
    for age in (1, 2):
        way = (torch.linalg.inv(drive[3]['pose']) @ drive[3 - age]['pose']).float()
        former = joined(model, drive, 3 - age)[0]
        expected = warp_to_key(former, MIRROR @ way @ MIRROR, model.view_transform.point_cloud_range)
        torch.testing.assert_close(got[age], expected, atol=1e-5, rtol=1e-4)
        assert (expected - former).abs().mean() > 0.1 * former.abs().mean()


def test_the_present_feature_stands_in_at_the_start_of_a_scene(temporal, make_calibration):
    model = temporal(history=2)
    drive = make_drive(make_calibration, 'a', 2)
    present, first, second = joined(model, drive, 0)
    torch.testing.assert_close(first, present, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(second, present, atol=1e-5, rtol=1e-4)
    present, first, second = joined(model, drive, 1)
    torch.testing.assert_close(second, present, atol=1e-5, rtol=1e-4)
    assert (first - present).abs().mean() > 0.1 * present.abs().mean()


def test_only_the_present_frame_gets_gradients(temporal, make_calibration):
    model = temporal(history=2, frame_encoder=True).train()
    drive = make_drive(make_calibration, 'a', 3)
    data = model.data_preprocessor(collate([sample_at(model, drive, index) for index in (1, 2)]))
    images = data['inputs']['imgs'].requires_grad_(), data['inputs']['history_imgs'].requires_grad_()
    losses = model.loss_by_outputs(model.extract_outputs(data['inputs']), label(data['data_samples']))
    assert set(losses) == {'loss_occ', 'loss_lovasz', 'loss_depth'}
    sum(losses.values()).backward()
    assert images[0].grad.abs().sum() > 0
    assert images[1].grad is None
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_training_makes_the_same_passes_whatever_frames_are_missing(temporal, make_calibration):
    """Processes of one step would wait for each other in synchronised BatchNorm."""
    model = temporal(history=2, frame_encoder=True).train()
    passes, lifts = count_passes(model), []
    model.view_transform.register_forward_pre_hook(lambda _, args: lifts.append(len(args[0])))
    drive = make_drive(make_calibration, 'a', 4)
    for indices in ((0, 0), (0, 1), (3, 2)):
        passes.clear()
        lifts.clear()
        model(**model.data_preprocessor(collate([sample_at(model, drive, index) for index in indices])))
        assert passes == [2] * (3 + model.REFERENCES)
        assert lifts == [2] * 3


def test_every_parameter_gets_a_gradient_under_autocast(temporal, make_calibration):
    """Autocast keeps a weight's bfloat16 copy: one that was made without gradients would cut the present frame off."""
    model = temporal(frame_encoder=True).train()
    data = model.data_preprocessor(collate([sample_at(model, make_drive(make_calibration, 'a', 2), 1)]))
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(data['inputs'], label(data['data_samples']), mode='loss')
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_poses_are_not_rounded_under_autocast(temporal, make_calibration, monkeypatch):
    """In bfloat16 a turn by 5 degrees is off by up to 0.002, which is 8 cm at the edge of a grid of 40 m."""
    model, drive, poses = temporal(), make_drive(make_calibration, 'a', 2), []
    data = model.data_preprocessor(collate([sample_at(model, drive, 1)]))
    monkeypatch.setattr(temporal_lss_occ_model, 'warp_to_key', lambda feature, pose, box: poses.append(pose) or feature)
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        model(data['inputs'])
    way = torch.linalg.inv(drive[1]['pose']) @ drive[0]['pose']
    torch.testing.assert_close(poses[0][0], way.float(), rtol=0, atol=1e-5)


@pytest.mark.parametrize('batch', [1, 2])
def test_in_the_order_of_a_scene_a_frame_costs_one_image_pass_and_gives_the_same(temporal, make_calibration, batch):
    model = temporal(history=2, frame_encoder=True)
    drives = [make_drive(make_calibration, 'a', 4), make_drive(make_calibration, 'b', 2)]
    samples = [sample_at(model, drive, i) for drive in drives for i in range(len(drive))]
    passes = count_passes(model)
    with_memory = [run(model, *samples[i : i + batch]) for i in range(0, 6, batch)]
    assert sum(passes) == 6
    model.remember = False
    passes.clear()
    without = [run(model, *samples[i : i + batch]) for i in range(0, 6, batch)]
    reach = model.num_history + model.REFERENCES
    assert sum(passes) == 6 + sum(min(i, reach) for drive in drives for i in range(len(drive)))
    torch.testing.assert_close(torch.cat(with_memory), torch.cat(without), atol=1e-5, rtol=1e-5)


def test_another_order_a_gap_and_another_scene_forget_and_give_the_same(temporal, make_calibration):
    first, second = make_drive(make_calibration, 'a', 9), make_drive(make_calibration, 'b', 2)
    model, plain = temporal(), temporal(remember=False)
    plain.load_state_dict(model.state_dict())
    passes, reach = count_passes(model), 1 + model.REFERENCES
    steps = [
        (first, 0, 1), (first, 1, 1),  # in order
        (first, 6, 1 + reach), (first, 3, 1 + reach),  # four were left out; then backwards
        (second, 0, 1), (first, 1, 2), (first, 1, 2), (first, 2, reach),
    ]  # fmt: skip
    for drive, index, expected in steps:
        sample = sample_at(model, drive, index)
        passes.clear()
        got = run(model, sample)
        assert sum(passes) == expected, (drive[index]['token'], passes)
        assert len(model.memory) <= 1 + reach
        torch.testing.assert_close(got, run(plain, sample), atol=1e-5, rtol=1e-5)


def test_training_a_change_of_mode_and_new_weights_remember_nothing(temporal, make_calibration):
    drive = make_drive(make_calibration, 'a', 2)
    model = temporal()
    run(model, sample_at(model, drive, 0))
    assert len(model.memory) == 1
    model.load_state_dict(model.state_dict())
    assert len(model.memory) == 0
    run(model, sample_at(model, drive, 0))
    model.eval()
    assert len(model.memory) == 0
    data = model.data_preprocessor(collate([sample_at(model, drive, 0)]))
    model(**data)  # with gradients
    model.train()
    run(model, sample_at(model, drive, 1))
    assert len(model.memory) == 0
    with torch.no_grad():
        model.eval()(data['inputs'])  # no samples, so no names
    assert len(model.memory) == 0


def test_mirrored_grids_are_remembered_apart(temporal, make_calibration):
    drive = make_drive(make_calibration, 'a', 3)
    model, plain = temporal(history=2), temporal(history=2, remember=False)
    plain.load_state_dict(model.state_dict())
    passes = [*map(count_passes, (model, plain))]
    averaged = [OccFlipTTAModel(module).eval() for module in (model, plain)]
    for index in range(3):
        for found in passes:
            found.clear()
        data = model.data_preprocessor(collate([sample_at(model, drive, index)]))
        with torch.no_grad():
            got, expected = (each.mean_probabilities(data['inputs'], data['data_samples']) for each in averaged)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    assert [sum(found) for found in passes] == [4, 4 * 3]  # of the last frame; one pass for each mirrored grid


def test_a_frame_that_was_seen_with_other_images_is_seen_again(temporal, make_calibration):
    """The same keyframe, cropped 9 pixels further to the right, as when a teacher sees images of training."""
    drive = make_drive(make_calibration, 'a', 2)
    model, plain = temporal(), temporal(remember=False)
    plain.load_state_dict(model.state_dict())
    run(model, sample_at(model, drive, 0))
    sample = sample_at(model, drive, 1)
    for name in ('img_aug_matrix', 'history_img_aug_matrix'):
        sample[0][name] = sample[0][name].clone()
        sample[0][name][..., 0, 2] -= 9
    passes = count_passes(model)
    torch.testing.assert_close(run(model, sample), run(plain, sample), atol=1e-5, rtol=1e-5)
    assert sum(passes) == 2


def test_a_shared_buffer_of_the_view_transform_does_not_mix_frames(temporal, make_calibration):
    model, shared = temporal(history=2), temporal(history=2)
    sample = sample_at(model, make_drive(make_calibration, 'a', 3), 2)
    shared.load_state_dict(model.state_dict())
    shared.view_transform.buffer = VoxelBuffer()
    torch.testing.assert_close(run(shared, sample), run(model, sample))


def test_a_history_that_is_too_short_is_named(temporal, make_calibration):
    model = temporal(history=2)
    wanted = 2 + model.REFERENCES
    data = model.data_preprocessor(collate([sample_of(make_drive(make_calibration, 'a', 2), 1, 1)]))
    with pytest.raises(ValueError, match=f'num_history=2 needs {wanted} former frames, got 1; set history={wanted}'):
        model(**data)
    del data['inputs']['history_imgs']
    with pytest.raises(ValueError, match=r"OccModel needs inputs \['history_imgs'\]"):
        model(**data)
    with pytest.raises(ValueError, match='num_history must be at least 1, got 0'):
        temporal(history=0)
