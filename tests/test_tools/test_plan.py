"""What a plan counts: by hand for small parts, against published numbers, and for every config."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'analysis_tools'))

from planning import formulas
from planning.parts import Meter, count_parameters
from planning.plan import describe_plan, duration, make_plan

from projects.engine import read_config

REPO = Path(__file__).parents[2]
CONFIGS = sorted(
    str(path.relative_to(REPO / 'configs'))
    for path in REPO.glob('configs/*/**/*.py')
    if not {'_base_', 'studies'} & set(path.parts)
)
R50 = '8xb4-24e_occ3d-nus.py'
QUERIES = 'bevformer_occ/bevformer-occ_lite0_1xb1-6e_minidrive.py'
PLANES = 'tpvformer_occ/tpvformer-occ_lite0_1xb1-6e_minidrive.py'


def plan_of(name):
    return make_plan(read_config(REPO / 'configs' / name))


def test_a_convolution_costs_two_flops_for_each_weight_and_place():
    """3 x 3 weights of 2 -> 4 channels at 6 x 5 places; the input of 2 x 8 x 7 floats is kept."""
    with torch.device('meta'):
        conv = nn.Conv2d(2, 4, 3, bias=False)
    meter = Meter()
    out = meter.measure('conv', [conv], lambda: conv(torch.empty(1, 2, 8, 7, device='meta')), flops=5, kept=7)
    (part,) = meter.parts
    assert out.shape == (1, 4, 6, 5)
    assert (part.parameters, part.flops, part.kept) == (72, 2 * 72 * 30 + 5, 2 * 8 * 7 * 4 + 7)
    assert part.step_flops == 3 * part.flops


def test_what_two_parts_keep_is_counted_once_and_a_copy_goes_on_alone():
    with torch.device('meta'):
        first, second = nn.Sequential(nn.Linear(3, 5), nn.ReLU()), nn.Linear(5, 2)
    meter = Meter()
    x = meter.measure('first', [first], lambda: first(torch.empty(7, 3, device='meta')))
    twin = meter.copy()
    twin.measure('second', [second], lambda: second(x))
    assert [part.kept for part in twin.parts] == [(7 * 3 + 7 * 5) * 4, 0]
    assert len(meter.parts) == 1


def test_frozen_parts_and_teachers_keep_nothing_and_go_through_once():
    with torch.device('meta'):
        frozen, free = nn.Linear(3, 5).requires_grad_(False), nn.Linear(3, 5)
    meter = Meter()
    meter.measure('frozen', [frozen], lambda: frozen(torch.empty(7, 3, device='meta')))
    with torch.no_grad():
        meter.measure('teacher', [free], lambda: free(torch.empty(7, 3, device='meta')))
    assert [(part.kept, part.passes) for part in meter.parts] == [(0, 1), (0, 1)]
    assert count_parameters(free, free, nn.ModuleList([free])) == 20


def test_formulas_by_hand():
    assert formulas.pooling_flops(6, 88, 16, 44, 64) == 2 * 6 * 88 * 16 * 44 * 64
    assert formulas.sampling_flops(7, 16) == 7 * 16 * (8 + 2)
    assert formulas.pillar_flops(1000, 11, 64) == 1000 * 64 * 25
    assert formulas.pieces_per_ray(287, 0.2, 0.4, 'trilinear') == 287
    assert formulas.pieces_per_ray(120, 0.4, 0.4, 'voxel') == pytest.approx(152.8, abs=0.1)
    assert formulas.render_flops(10, 20, 18, 'trilinear') == 200 * (288 + 36 + 10)
    assert formulas.render_flops(10, 20, 18, 'voxel') == 200 * (36 + 36 + 10)
    assert formulas.render_bytes(10, 20, 20, 18) == 2 * 10 * 37 * 4 + 200 * 24
    assert formulas.weight_bytes(100, 50) == 4 * 450
    assert formulas.epoch_steps(28130, 4, 8) == 879
    assert formulas.epoch_steps(3, 4, 8) == 1
    assert formulas.step_seconds(3e12, 10, 0.5) == pytest.approx(0.6)
    assert [duration(t) for t in (0.5, 90, 5400)] == ['0.5 s', '1.5 min', '1.5 h']


def test_level_rays_meet_four_over_pi_faces_a_voxel():
    """By counting: mean of |cos| + |sin| over all directions."""
    angles = torch.linspace(0, 2 * torch.pi, 10001)[:-1]
    faces = (angles.cos().abs() + angles.sin().abs()).mean().item()
    assert formulas.pieces_per_ray(100, 0.4, 0.4, 'voxel') == pytest.approx(100 * faces, rel=1e-4)


@pytest.mark.parametrize(
    ('name', 'parameters', 'gmacs'),
    [
        ('flashocc/flashocc_r50_' + R50, 39.94, 154.1),
        ('flashocc/flashocc_r50-m1_' + R50, 44.74, 248.57),
        ('bevdet_occ/bevdet-occ_r50_' + R50, 29.02, None),
        ('flashocc/flashocc_swin-b-4d-stereo_8xb2-24e_occ3d-nus.py', 144.99, None),
    ],
)
def test_published_sizes_of_full_models(name, parameters, gmacs):
    """README of FlashOcc; its GFLOPs are multiplications with additions, and leave pooling out."""
    plan = plan_of(name)
    assert plan.parameters / 1e6 == pytest.approx(parameters, rel=0.01)
    if gmacs is not None:
        assert sum(part.flops for part in plan.parts) / 2e9 == pytest.approx(gmacs, rel=0.01)


def test_the_larger_head_costs_its_convolutions_at_every_voxel():
    """Two FLOPs for each weight and voxel: 3x3x3 and 1x1x1 convolutions, and the two linear layers."""
    plans = {kind: plan_of(f'bevdet_occ/bevdet-occ_{kind}_{R50}') for kind in ('r50', 'r50-ssc')}
    plain, ours = ({part.name: part.flops for part in plan.parts} for plan in plans.values())
    blocks = 27 * 128 * (32 + 7 * 128) + 32 * 128
    merge, predictor = 3 * 128 * 128 + 128 * 32, 32 * 64 + 64 * 18
    assert ours['head'] == pytest.approx(2 * 200 * 200 * 16 * (blocks + merge + predictor), rel=0.01)
    assert {name: flops for name, flops in ours.items() if name != 'head'} == {
        name: flops for name, flops in plain.items() if name != 'head'
    }


def test_a_distillation_adds_a_teacher_and_rays_to_the_student_alone():
    alone = plan_of('flashocc/flashocc_r50_' + R50)
    distilled = plan_of('radocc/radocc_bevfusion-r50_flashocc-r50_' + R50)
    assert distilled.parameters == alone.parameters == distilled.trained
    assert distilled.parts[: len(alone.parts)] == alone.parts
    assert [part.name for part in distilled.parts[len(alone.parts) :]] == ['teacher', 'rendering']
    text = describe_plan(distilled, 8, 100.0, 0.5, None)
    assert text.startswith('parameters: 39.94 M\n')
    assert 'rays: 80,000 a step on all GPUs, 2,500 a sample, 287 bins' in text
    flops = 4 * (3 * sum(part.flops for part in alone.parts) + distilled.parts[-2].flops)
    flops += 4 * 4 * 2500 * 287 * (16 * 18 + 36 + 10)
    assert distilled.step_flops == pytest.approx(flops)
    assert f'{1000 * flops / 50e12:.1f} ms at 50% of 100 TFLOP/s a GPU' in text


def test_connectors_with_weights_are_trained_but_are_not_of_the_student():
    plan = plan_of('adudepth/adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py')
    assert plan.trained > plan.parameters
    assert [part.name for part in plan.parts if part.name.startswith('connector')] == [
        'connector adapted_8',
        'connector adapted_16',
        'connector adapted_32',
    ]


def test_history_costs_what_its_frames_cost_and_keeps_nothing():
    """Each former frame is seen as the present one is, but learns nothing; its warp reads four cells of 80 channels."""
    plans = {kind: plan_of(f'flashocc/flashocc_r50-{kind}_8xb4-24e_occ3d-nus.py') for kind in ('4d', '4d-longterm')}
    short, long = ({part.name: part for part in plan.parts} for plan in plans.values())
    frame = sum(short[name].flops for name in ('images', 'view transform', 'frame encoder'))
    assert short['history'].flops == pytest.approx(frame + 2 * 200 * 200 * 80 * 4)
    assert long['history'].flops == pytest.approx(8 * short['history'].flops)
    assert (short['history'].kept, short['history'].passes, short['history'].parameters) == (0, 1, 0)


def test_bev_queries_cost_their_projections_and_what_they_read():
    """Two layers of 100 x 100 cells, 64 channels, 4 heads, 3056 cells a camera, feature maps of 16 x 28."""
    (part,) = [part for part in plan_of(QUERIES).parts if part.name == 'BEV queries']
    cells, read, pixels = 10_000, 6 * 3056, 6 * 16 * 28
    layer = cells * 64 * (3 * 64 + 4 * 4 * 3 + 2 * 128) + read * 64 * 4 * 8 * 3 + pixels * 64 * 64
    sampling = 10 * 16 * (cells * 4 * 4 + read * 4 * 8)
    assert part.flops == pytest.approx(2 * (2 * layer + sampling))
    embeddings = (10_000 + 1) * 64 + 200 * 32
    weights = 4 * 65 * 64 + 65 * 4 * (4 + 8) * 3 + (65 * 128 + 129 * 64) + 3 * 128
    assert part.parameters == embeddings + 2 * weights


def test_queries_of_three_planes_cost_their_projections_and_what_they_read():
    """Two layers of 100 x 100 and twice 100 x 8 cells, 64 channels, 4 heads; cameras see 3056 cells from above, and all
    of the others.
    """
    (part,) = [part for part in plan_of(PLANES).parts if part.name == 'plane queries']
    cells, read, pixels = 11_600, 6 * (3056 + 2 * 800), 6 * 16 * 28
    projections = cells * 64 * (2 * 64 + 2 * 128) + 3 * cells * 64 * 64 + 3 * pixels * 64 * 64
    layer = projections + cells * 64 * 3 * 4 * 4 * 3 + read * 64 * 4 * 8 * 3
    sampling = 10 * 16 * (cells * 3 * 4 * 4 + read * 4 * 8)
    assert part.flops == pytest.approx(2 * (2 * layer + sampling))
    embeddings = (11_600 + 1) * 64 + 208 * 32
    weights = 3 * (4 * 65 * 64 + 65 * 4 * (3 * 4 + 8) * 3) + (65 * 128 + 129 * 64) + 3 * 128
    assert part.parameters == embeddings + 2 * weights


@pytest.mark.parametrize('name', CONFIGS)
def test_every_config_has_a_plan(name):
    plan = plan_of(name)
    text = describe_plan(plan, 8, 125.0, 0.3, None)
    assert text.startswith(f'parameters: {plan.parameters / 1e6:.2f} M\n')
    assert 'unknown' not in text
    assert all(part.flops > 0 for part in plan.parts)
    assert plan.kept > 0


def test_a_training_set_of_unknown_size_is_asked_for(tmp_path):
    base = REPO / 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'
    (tmp_path / 'own.py').write_text(f"_base_ = '{base}'\ntrain_dataloader = dict(dataset=dict(data_root='mine'))\n")
    plan = make_plan(read_config(tmp_path / 'own.py'))
    assert describe_plan(plan, 2, 125.0, 0.3, None).endswith('unknown; give the size of the training set, --samples N')
    assert 'epoch: 50 steps of 100 samples' in describe_plan(plan, 2, 125.0, 0.3, 100)
