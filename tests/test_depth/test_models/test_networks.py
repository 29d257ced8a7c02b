import pytest
import torch

from projects.depth.models import MonoDepthModel, StereoDepthModel, blend_flipped


def _stereo(parts, fuser, **options):
    return {'type': 'StereoDepthModel', 'fuser': fuser, **parts, **options}


def _mono(parts, **options):
    return {'type': 'MonoDepthModel', **parts, **options}


def test_student_trains_every_parameter(build, parts, stereo_inputs, labelled_samples):
    model = build(_mono(parts)).train()
    losses = model(stereo_inputs, labelled_samples, mode='loss')
    assert set(losses) == {'loss_depth', 'loss_scale'}
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('fuser', ['concat', 'epipolar', 'correlation'])
def test_teachers_train_every_parameter(build, parts, fuser_configs, stereo_inputs, labelled_samples, fuser):
    loss_match = {'type': 'DisparityMatchLoss'} if fuser == 'correlation' else None
    model = build(_stereo(parts, fuser_configs[fuser], loss_match=loss_match)).train()
    losses = model(stereo_inputs, labelled_samples, mode='loss')
    assert ('loss_match' in losses) == (fuser == 'correlation')
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('fuser', ['concat', 'epipolar', 'correlation'])
@torch.no_grad()
def test_teacher_uses_the_right_image_and_the_control_does_not(build, parts, fuser_configs, stereo_inputs, fuser):
    other = {**stereo_inputs, 'right_img': torch.randn(2, 3, 64, 96)}
    teacher = build(_stereo(parts, fuser_configs[fuser])).eval()
    assert not torch.allclose(teacher(stereo_inputs)['depth'], teacher(other)['depth'], atol=1e-6)
    control = build(_stereo(parts, fuser_configs[fuser], right_from_left=True)).eval()
    assert torch.equal(control(stereo_inputs)['depth'], control(other)['depth'])
    left_only = {key: value for key, value in stereo_inputs.items() if key != 'right_img'}
    assert torch.equal(control(left_only)['depth'], control(other)['depth'])
    twice = {**stereo_inputs, 'right_img': stereo_inputs['img']}
    assert torch.equal(teacher(twice)['depth'], control(left_only)['depth'])


def test_student_and_teacher_features_have_one_shape(build, parts, fuser_configs, stereo_inputs):
    student, teacher = build(_mono(parts)).eval(), build(_stereo(parts, fuser_configs['correlation'])).eval()
    outputs, guide = student(stereo_inputs), teacher(stereo_inputs)
    for name in ('feat_4', 'feat_8', 'feat_16', 'feat_32', 'depth', 'log_scale'):
        assert outputs[name].shape == guide[name].shape


def test_prediction_has_the_size_of_the_image_without_padding(build, parts, stereo_inputs, labelled_samples):
    inputs = {**stereo_inputs, 'valid_mask': stereo_inputs['valid_mask'].clone()}
    inputs['valid_mask'][0, 50:] = False
    inputs['valid_mask'][0, :, 90:] = False
    first, second = build(_mono(parts)).eval()(inputs, labelled_samples, mode='predict')
    assert first.pred_depth.shape == first.pred_log_scale.shape == (50, 90)
    assert second.pred_depth.shape == (64, 96)
    assert first.pred_depth.dtype == torch.float32


@torch.no_grad()
def test_flip_averaging_is_symmetric(build, parts, stereo_inputs):
    model = build(_mono(parts, flip_tta='mean')).eval()
    plain = model.predict_outputs(stereo_inputs)['depth']
    mirrored = model.predict_outputs({**stereo_inputs, 'img': stereo_inputs['img'].flip(-1)})['depth']
    assert torch.allclose(plain, mirrored.flip(-1), atol=1e-4)
    expected = 0.5 * (model(stereo_inputs)['depth'] + model({'img': stereo_inputs['img'].flip(-1)})['depth'].flip(-1))
    assert torch.allclose(plain, expected, atol=1e-4)


def test_blend_takes_each_side_from_one_pass():
    """101 columns: 0-5 of the flipped pass, 95-100 of the plain one, the mean from 10 to 90."""
    blended = blend_flipped(torch.zeros(101), torch.ones(101))
    assert torch.allclose(blended[:6], torch.ones(6), atol=1e-4)
    assert torch.allclose(blended[10:91], torch.full((81,), 0.5), atol=1e-4)
    assert torch.allclose(blended[95:], torch.zeros(6), atol=1e-4)


def test_flip_of_padded_images_is_refused(build, parts, stereo_inputs):
    inputs = {**stereo_inputs, 'valid_mask': stereo_inputs['valid_mask'].clone()}
    inputs['valid_mask'][0, :, 90:] = False
    with pytest.raises(ValueError, match='flip_tta needs images whose width'):
        build(_mono(parts, flip_tta='blend')).eval().predict_outputs(inputs)


def test_missing_right_image_is_named(build, parts, fuser_configs, stereo_inputs):
    del stereo_inputs['right_img']
    with pytest.raises(ValueError, match=r"needs inputs \['right_img'\]"):
        build(_stereo(parts, fuser_configs['concat']))(stereo_inputs)


def test_match_loss_without_a_volume_is_refused(build, parts, fuser_configs):
    with pytest.raises(ValueError, match='ConcatStereoFuser has none'):
        build(_stereo(parts, fuser_configs['concat'], loss_match={'type': 'DisparityMatchLoss'}))


@pytest.mark.parametrize('fuser', ['concat', 'epipolar', 'correlation'])
def test_teachers_train_under_bfloat16(build, parts, fuser_configs, stereo_inputs, labelled_samples, fuser):
    parts['decoder'] = {
        'type': 'WindowCRFDecoder',
        'in_channels': [8, 16, 32, 64],
        'channels': [16, 16, 32, 64],
        'num_heads': [2, 2, 4, 8],
        'pool_channels': 16,
    }
    loss_match = {'type': 'DisparityMatchLoss'} if fuser == 'correlation' else None
    model = build(_stereo(parts, fuser_configs[fuser], loss_match=loss_match)).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(stereo_inputs, labelled_samples, mode='loss')
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@torch.no_grad()
@pytest.mark.parametrize('parent', [MonoDepthModel, StereoDepthModel])
def test_a_child_works_between_backbone_and_decoder_without_a_copy_of_the_rest(
    build, parts, fuser_configs, stereo_inputs, parent
):
    class Halves(parent):
        def encode(self, inputs):
            levels, extra = super().encode(inputs)
            return [0.5 * level for level in levels], extra

    cfg = _mono(parts) if parent is MonoDepthModel else _stereo(parts, fuser_configs['correlation'])
    plain = build(dict(cfg)).eval()
    child = Halves(**{key: value for key, value in cfg.items() if key != 'type'}).eval()
    child.load_state_dict(plain.state_dict())
    levels, extra = plain.encode(stereo_inputs)
    feats = plain.decoder([0.5 * level for level in levels])
    prior = extra or None
    got = child(stereo_inputs)
    assert list(got) == list(plain(stereo_inputs))
    assert torch.equal(got['depth'], plain.depth_head(feats, (64, 96), prior)['depth'])
    assert all(torch.equal(got[name], extra[name]) for name in extra)


def test_a_head_that_waits_for_a_prior_is_refused_without_one(build, parts, stereo_inputs):
    parts['depth_head']['with_prior'] = True
    with pytest.raises(ValueError, match='with_prior=True, but a prior was not given'):
        build(_mono(parts))(stereo_inputs)
