import pytest
import torch
from mmdet3d.registry import MODELS

from projects.occupancy.models import FusionOccModel, LSSOccModel

KINDS = ('flashocc', 'bevdet_occ', 'bevformer', 'tpvformer', 'lidar', 'fusion')
WITHOUT_DEPTH = ('bevformer', 'tpvformer', 'lidar')


def build(cfg, batch, train=True):
    model = MODELS.build(cfg)
    model.init_weights()
    return model.train(train), model.data_preprocessor(batch)


@pytest.mark.parametrize('kind', KINDS)
def test_outputs_meet_the_contract(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch(), train=False)
    with torch.no_grad():
        outputs = model(**data, mode='tensor')
    assert outputs['occ_logits'].shape == (2, 20, 20, 4, 18)
    if kind in ('bevdet_occ', 'tpvformer'):
        assert outputs['voxel_feat'].shape == (2, 8, 10, 10, 2)
    else:
        assert outputs['bev_feat'].shape == (2, 8, 10, 10)
    if kind != 'lidar':
        assert outputs['img_feats'].shape == (2, 2, 8 if kind in ('bevformer', 'tpvformer') else 16, 4, 8)
    if kind not in WITHOUT_DEPTH:
        assert outputs['depth_logits'].shape == (4, 11, 4, 8)


@pytest.mark.parametrize('kind', KINDS)
def test_every_parameter_gets_a_gradient(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch())
    losses = model(**data, mode='loss')
    expected = {'loss_occ', 'loss_lovasz'} | (set() if kind in WITHOUT_DEPTH else {'loss_depth'})
    assert set(losses) == expected
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('kind', KINDS)
def test_outputs_need_no_labels(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch(), train=False)
    outputs = model.extract_outputs(data['inputs'])
    assert torch.isfinite(outputs['occ_logits']).all()


@pytest.mark.parametrize('kind', KINDS)
def test_prediction_is_stored_in_the_samples(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch(), train=False)
    with torch.no_grad():
        samples = model(**data, mode='predict')
        logits = model(**data)['occ_logits']
    assert samples[1].pred_occ.dtype == torch.uint8
    assert torch.equal(samples[1].pred_occ, logits[1].argmax(-1).byte())


@pytest.mark.parametrize('kind', KINDS)
def test_training_under_bfloat16_autocast_stays_close_to_float32(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch())
    exact = model(**data, mode='loss')
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(**data, mode='loss')
    sum(losses.values()).backward()
    for name, value in losses.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(exact[name].item(), rel=0.05)


@pytest.mark.parametrize('kind', ['lidar', 'fusion'])
def test_empty_clouds_are_trained_through(kind, tiny_model_cfgs, make_batch):
    batch = make_batch()
    batch['inputs']['points'] = [torch.zeros(0, 5), torch.zeros(0, 5)]
    model, data = build(tiny_model_cfgs()[kind], batch)
    losses = model(**data, mode='loss')
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize('kind', ['flashocc', 'bevdet_occ', 'bevformer', 'tpvformer', 'fusion'])
def test_tiny_model_overfits_one_batch(kind, tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()[kind], make_batch())
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    history = []
    for _ in range(25):
        optimizer.zero_grad()
        losses = model(**data, mode='loss')
        sum(losses.values()).backward()
        optimizer.step()
        history.append(losses['loss_occ'].item())
    assert history[-1] < 0.2 * history[0]


def test_camera_model_reads_no_points(tiny_model_cfgs, make_batch):
    batch = make_batch()
    del batch['inputs']['points']
    model, data = build(tiny_model_cfgs()['flashocc'], batch, train=False)
    assert 'occ_logits' in model(**data)


def test_missing_input_is_named(tiny_model_cfgs, make_batch):
    batch = make_batch()
    del batch['inputs']['points']
    model, data = build(tiny_model_cfgs()['fusion'], batch)
    with pytest.raises(ValueError, match=r"FusionOccModel needs inputs \['points'\]"):
        model(**data)


def test_unknown_mode_is_refused(tiny_model_cfgs, make_batch):
    model, data = build(tiny_model_cfgs()['lidar'], make_batch())
    with pytest.raises(ValueError, match="mode must be 'loss'"):
        model(**data, mode='train')
    with pytest.raises(ValueError, match='needs data_samples'):
        model(data['inputs'], mode='loss')


@pytest.mark.parametrize(('kind', 'parent'), [('bevdet_occ', LSSOccModel), ('fusion', FusionOccModel)])
def test_a_child_works_on_the_lifted_feature_without_a_copy_of_the_rest(kind, parent, tiny_model_cfgs, make_batch):
    seen = []

    class Doubles(parent):
        def lift(self, img_feats, inputs):
            lifted, depth_logits = super().lift(img_feats, inputs)
            seen.append(lifted)
            return 2 * lifted, depth_logits

    cfg = tiny_model_cfgs()[kind]
    plain, data = build(dict(cfg), make_batch(), train=False)
    child = Doubles(**{key: value for key, value in cfg.items() if key != 'type'}).eval()
    child.load_state_dict(plain.state_dict())
    with torch.no_grad():
        expected, got = plain(**data), child(**data)
        grid = plain.encode_grid(2 * seen[0], data['inputs'])
    name = 'bev_feat' if kind == 'fusion' else 'voxel_feat'
    assert list(got) == ['img_feats', 'depth_logits', name, 'occ_logits'] == list(expected)
    assert torch.equal(got['depth_logits'], expected['depth_logits'])
    assert torch.equal(got[name], grid)
    assert torch.equal(got['occ_logits'], plain.occ_head(grid))
    assert not torch.allclose(got['occ_logits'], expected['occ_logits'])


@pytest.mark.parametrize(('voxel_losses', 'free'), [(True, 0.8), (False, 0.5)])
def test_logits_that_rays_alone_train_have_no_class_weights_to_take_off(tiny_model_cfgs, voxel_losses, free):
    """One matter of weight 1, free space of 1/4: logits that are equal say 4 : 1 to who trained with these weights."""
    cfg = tiny_model_cfgs()['flashocc']
    loss = {'type': 'MaskedCrossEntropyLoss', 'class_weight': [1.0, 0.25]}
    cfg['occ_head'] = {**cfg['occ_head'], 'num_classes': 2, 'loss_occ': loss}
    model = MODELS.build(cfg)
    model.ray_supervision = torch.nn.Identity()
    model.ray_supervision.voxel_losses = voxel_losses
    found = model.derive_outputs({'occ_logits': torch.zeros(2)})['calibrated_logits']
    torch.testing.assert_close(found.softmax(-1), torch.tensor([1 - free, free]))
