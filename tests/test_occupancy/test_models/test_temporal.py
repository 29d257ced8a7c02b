"""Students with memory: former frames lie where they stood, get no gradients, and are remembered in testing only."""

import pytest
import torch
from drives import FRAME, collate, label, make_drive, sample_of
from mmdet3d.registry import MODELS

from projects.occupancy.models import LSSOccModel, OccFlipTTAModel
from projects.occupancy.ops import VoxelBuffer, warp_to_key

KINDS = ('flashocc', 'bevdet_occ')


@pytest.fixture(params=KINDS)
def temporal(request, tiny_model_cfgs):
    """Function that builds a tiny temporal model in evaluation mode."""

    def make(history=1, frame_encoder=False, **options):
        cfg = tiny_model_cfgs()[request.param]
        encoder = cfg['grid_backbone']
        width = encoder['in_channels']
        if frame_encoder:
            options['frame_encoder'] = {
                'type': encoder['type'], 'in_channels': width, 'channels': [width], 'num_blocks': [1], 'strides': [1],
            }  # fmt: skip
        cfg['grid_backbone'] = {**encoder, 'in_channels': (1 + history) * width}
        torch.manual_seed(0)
        return MODELS.build({**cfg, 'type': 'TemporalLSSOccModel', 'num_history': history, **options}).eval()

    return make


@pytest.fixture
def passes(monkeypatch):
    """Frames of each image pass."""
    seen = []
    original = LSSOccModel.extract_img_feats

    def counted(self, inputs):
        seen.append(len(inputs['imgs']))
        return original(self, inputs)

    monkeypatch.setattr(LSSOccModel, 'extract_img_feats', counted)
    return seen


def run(model, *samples):
    data = model.data_preprocessor(collate(samples))
    with torch.no_grad():
        return model(**data)['occ_logits']


def joined(model, data):
    """What the grid encoder reads."""
    found = []
    model.grid_backbone.register_forward_pre_hook(lambda _, args: found.append(args[0].detach()))
    with torch.no_grad():
        model(data['inputs'])
    return found[0]


def test_the_former_feature_is_that_of_the_plain_model_in_the_former_frame_warped(temporal, make_calibration):
    model = temporal(history=2)
    drive = make_drive(make_calibration, 'a', 3)
    data = model.data_preprocessor(collate([sample_of(drive, 2, 2)]))
    inputs = data['inputs']
    inputs['bda_mat'] = torch.diag(torch.tensor([-1.0, 1, 1, 1]))[None]  # x is mirrored
    got = joined(model, data).chunk(3, 1)
    box = model.view_transform.point_cloud_range
    with torch.no_grad():
        present, _ = model.lift(model.extract_img_feats(inputs), inputs)
        torch.testing.assert_close(got[0], present)
        for age in (1, 2):
            former = {key: inputs[f'history_{key}'][:, age - 1] for key in FRAME}
            former['bda_mat'] = inputs['bda_mat']
            feature, _ = model.lift(model.extract_img_feats(former), former)
            way = (torch.linalg.inv(drive[2]['pose']) @ drive[2 - age]['pose']).float()[None]
            mirrored = inputs['bda_mat'] @ way @ inputs['bda_mat']
            expected = warp_to_key(feature, mirrored, box)
            torch.testing.assert_close(got[age], expected, atol=1e-5, rtol=1e-4)
            assert expected.abs().sum() > 0


def test_a_car_that_stands_sees_the_same_twice_and_the_present_stands_in_at_the_start(temporal, make_calibration):
    model = temporal()
    drive = make_drive(make_calibration, 'a', 2)
    drive[0] = {**drive[1], 'token': 'a-0'}
    for index in (1, 0):
        data = model.data_preprocessor(collate([sample_of(drive, index, 1)]))
        present, former = joined(model, data).chunk(2, 1)
        torch.testing.assert_close(former, present, atol=1e-5, rtol=1e-4)


def test_only_the_present_frame_gets_gradients(temporal, make_calibration):
    model = temporal(history=2, frame_encoder=True).train()
    drive = make_drive(make_calibration, 'a', 3)
    data = model.data_preprocessor(collate([sample_of(drive, index, 2) for index in (1, 2)]))
    images = data['inputs']['imgs'].requires_grad_(), data['inputs']['history_imgs'].requires_grad_()
    losses = model.loss_by_outputs(model.extract_outputs(data['inputs']), label(data['data_samples']))
    assert set(losses) == {'loss_occ', 'loss_lovasz', 'loss_depth'}
    sum(losses.values()).backward()
    assert images[0].grad.abs().sum() > 0
    assert images[1].grad is None
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_every_parameter_gets_a_gradient_under_autocast(temporal, make_calibration):
    """Autocast keeps a weight's bfloat16 copy: one that was made without gradients would cut the present frame off."""
    model = temporal(frame_encoder=True).train()
    data = model.data_preprocessor(collate([sample_of(make_drive(make_calibration, 'a', 2), 1, 1)]))
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(data['inputs'], label(data['data_samples']), mode='loss')
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('batch', [1, 2])
def test_in_the_order_of_a_scene_a_frame_costs_one_image_pass_and_gives_the_same(
    temporal, make_calibration, passes, batch
):
    first, second = make_drive(make_calibration, 'a', 4), make_drive(make_calibration, 'b', 2)
    samples = [sample_of(first, i, 2) for i in range(4)] + [sample_of(second, i, 2) for i in range(2)]
    model = temporal(history=2, frame_encoder=True)
    with_memory = [run(model, *samples[i : i + batch]) for i in range(0, 6, batch)]
    assert sum(passes) == 6
    model.remember = False
    passes.clear()
    without = [run(model, *samples[i : i + batch]) for i in range(0, 6, batch)]
    assert sum(passes) == 6 + (0 + 1 + 2 + 2) + (0 + 1)
    torch.testing.assert_close(torch.cat(with_memory), torch.cat(without), atol=1e-5, rtol=1e-5)


def test_another_order_a_gap_and_another_scene_forget_and_give_the_same(temporal, make_calibration, passes):
    first, second = make_drive(make_calibration, 'a', 5), make_drive(make_calibration, 'b', 2)
    model, plain = temporal(), temporal(remember=False)
    plain.load_state_dict(model.state_dict())
    steps = [
        (first, 0, 1), (first, 1, 1),  # in order
        (first, 3, 2), (first, 2, 2),  # two were left out; then backwards
        (second, 0, 1), (first, 1, 2), (first, 1, 2), (first, 2, 1),
    ]  # fmt: skip
    for drive, index, expected in steps:
        sample = sample_of(drive, index, 1)
        passes.clear()
        got = run(model, sample)
        assert sum(passes) == expected, (drive[index]['token'], passes)
        assert len(model.memory) <= 2
        torch.testing.assert_close(got, run(plain, sample), atol=1e-5, rtol=1e-5)


def test_training_a_change_of_mode_and_new_weights_remember_nothing(temporal, make_calibration):
    drive = make_drive(make_calibration, 'a', 2)
    model = temporal()
    run(model, sample_of(drive, 0, 1))
    assert len(model.memory) == 1
    model.load_state_dict(model.state_dict())
    assert len(model.memory) == 0
    run(model, sample_of(drive, 0, 1))
    model.eval()
    assert len(model.memory) == 0
    data = model.data_preprocessor(collate([sample_of(drive, 0, 1)]))
    model(**data)  # with gradients
    model.train()
    run(model, sample_of(drive, 1, 1))
    assert len(model.memory) == 0
    with torch.no_grad():
        model.eval()(data['inputs'])  # no samples, so no names
    assert len(model.memory) == 0


def test_mirrored_grids_are_remembered_apart(temporal, make_calibration, passes):
    drive = make_drive(make_calibration, 'a', 3)
    model, plain = temporal(history=2), temporal(history=2, remember=False)
    plain.load_state_dict(model.state_dict())
    averaged = [OccFlipTTAModel(module).eval() for module in (model, plain)]
    for index in range(3):
        passes.clear()
        data = model.data_preprocessor(collate([sample_of(drive, index, 2)]))
        with torch.no_grad():
            got, expected = (each.mean_probabilities(data['inputs'], data['data_samples']) for each in averaged)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    assert sum(passes) == 4 + 4 * 3  # in the last round: once for each mirrored grid, and three frames without memory


def test_a_shared_buffer_of_the_view_transform_does_not_mix_frames(temporal, make_calibration):
    sample = sample_of(make_drive(make_calibration, 'a', 3), 2, 2)
    model, shared = temporal(history=2), temporal(history=2)
    shared.load_state_dict(model.state_dict())
    shared.view_transform.buffer = VoxelBuffer()
    torch.testing.assert_close(run(shared, sample), run(model, sample))


def test_a_history_that_is_too_short_is_named(temporal, make_calibration):
    model = temporal(history=2)
    data = model.data_preprocessor(collate([sample_of(make_drive(make_calibration, 'a', 2), 1, 1)]))
    with pytest.raises(ValueError, match='num_history=2 needs 2 former frames, got 1; set history=2'):
        model(**data)
    del data['inputs']['history_imgs']
    with pytest.raises(ValueError, match=r"TemporalLSSOccModel needs inputs \['history_imgs'\]"):
        model(**data)
    with pytest.raises(ValueError, match='num_history must be at least 1, got 0'):
        temporal(history=0)
