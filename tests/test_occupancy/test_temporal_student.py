"""A student with memory, outside of the repository: the module and the configs of docs/temporal_student.md."""

import sys

import pytest
import torch
from docs_blocks import blocks
from mmdet3d.registry import DATASETS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.utils import import_modules_from_strings

from projects.engine import read_config

MODULE, STUDENT, RADOCC = (block.text for block in blocks('docs/temporal_student.md') if block.language == 'python')
BOX = (-40.0, -40.0, -1.0, 40.0, 40.0, 5.4)


def lines(text):
    """Lines of code, without comments, imports and empty lines."""
    found = [line.strip() for line in text.split('\n')]
    return [line for line in found if line and not line.startswith(('#', 'import ', 'from '))]


@pytest.fixture
def student_module(tmp_path, monkeypatch):
    """The module of the page, imported; its classes are registered for one test."""
    (tmp_path / 'temporal_student.py').write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import_modules_from_strings('temporal_student')
    yield sys.modules['temporal_student']
    for registry, name in ((DATASETS, 'Dataset'), (MODELS, 'Model')):
        registry.module_dict.pop(f'TemporalOcc{name}')
    TRANSFORMS.module_dict.pop('LoadFormerFrame')
    sys.modules.pop('temporal_student')


@pytest.fixture
def configs(student_module, nuscenes_root, tmp_path, repo):
    """Function that reads a config of the page for the tiny data set."""
    teacher = tmp_path / 'teacher.pth'
    for name, text in (('temporal_mini', STUDENT), ('radocc_temporal_mini', RADOCC)):
        text = text.replace("'../", f"'{repo}/configs/")
        text = text.replace('work_dirs/bevfusion-occ_mini_1xb1-7e_minidrive/epoch_7.pth', str(teacher))
        (tmp_path / f'{name}.py').write_text(text)

    def read(name):
        loaders = ('train', 'val', 'test')
        return read_config(
            tmp_path / f'{name}.py', {f'{key}_dataloader.dataset.data_root': str(nuscenes_root) for key in loaders}
        )

    return read


def moved(student_module, cells, former2key, box=BOX):
    """Places (x, y) and values of the cells that are not 0 after the warp of a 1 in one cell (x, y)."""
    shape, (x, y) = cells
    bev = torch.zeros(1, 1, shape[1], shape[0])
    bev[0, 0, y, x] = 1
    out = student_module.warp(bev, former2key[None], box)[0, 0]
    places = (out > 1e-4).nonzero().tolist()
    return {(column, row): pytest.approx(out[row, column].item(), abs=1e-4) for row, column in places}


def pose(x=0.0, y=0.0, turn=None):
    matrix = torch.eye(4)
    if turn is not None:
        matrix[:2, :2] = torch.tensor(turn)
    matrix[0, 3], matrix[1, 3] = x, y
    return matrix


def test_module_has_at_most_forty_lines_and_the_config_some_ten():
    assert len(lines(MODULE)) <= 40
    assert len(lines(STUDENT)) <= 11


def test_a_cell_moves_to_where_the_pose_says(student_module):
    """Cells are 0.8 m wide, and the car drives along x: what stood still is behind where it was by its way."""
    mini = ((100, 100), (70, 20))
    assert moved(student_module, mini, pose()) == {(70, 20): 1}
    assert moved(student_module, mini, pose(x=-4.0)) == {(65, 20): 1}
    # 5 m are 6.25 cells: a quarter lies one cell farther.
    assert moved(student_module, mini, pose(x=-5.0)) == {(64, 20): 0.75, (63, 20): 0.25}
    assert moved(student_module, mini, pose(x=-60.0)) == {}
    # The car has turned left by 90 degrees: what was ahead (x) is on its right (-y), what was on the left (y) ahead.
    turned = pose(turn=[[0.0, 1.0], [-1.0, 0.0]])
    assert moved(student_module, mini, turned) == {(20, 99 - 70): 1}
    # It drove 4 m and turned then: in the new frame these 4 m lie along y.
    assert moved(student_module, mini, turned @ pose(x=-4.0)) == {(20, 99 - 65): 1}


def test_a_box_with_other_sides_is_warped_in_metres(student_module):
    """Four cells of 4 m from 0 along x, eight of 2 m from -8 along y: the centre of the cell (1, 5) is (6, 3).

    Moved by (4, -2) it is at (10, 1), which is the cell (2, 4). Turned right by 90 degrees the centre (2, y) of column
    0 was at (-y, 2), half way between rows 4 and 5; for the rows 0, 1 and 2 its x was 7, 5 and 3, so 1, 1 and 3 m from
    the centre of column 1, of 4 m.
    """
    box, cell = (0.0, -8.0, -1.0, 16.0, 8.0, 5.4), ((4, 8), (1, 5))
    assert moved(student_module, cell, pose(4.0, -2.0), box) == {(2, 4): 1}
    turned = pose(turn=[[0.0, 1.0], [-1.0, 0.0]])
    assert moved(student_module, cell, turned, box) == {
        (0, 0): 0.5 * 0.75,
        (0, 1): 0.5 * 0.75,
        (0, 2): 0.5 * 0.25,
    }


def test_memory_is_moved_in_the_mirrored_frame(student_module, configs, monkeypatch):
    """The car drove 4 m, and x is mirrored: what stood still moves by five cells towards larger x."""
    model = MODELS.build(configs('temporal_mini').model)
    bev = torch.zeros(1, 128, 100, 100)
    bev[:, :, 20, 70] = 1
    monkeypatch.setattr(model.view_transform, 'forward', lambda _, inputs: (bev * ('ego2key' in inputs), None))
    monkeypatch.setattr(model, 'extract_img_feats', lambda inputs: inputs['imgs'])
    monkeypatch.setattr(model.fuser, 'forward', lambda feats: torch.stack(feats))
    inputs = {f'former_{key}': None for key in student_module.FORMER}
    inputs.update(bda_mat=torch.diag(torch.tensor([-1.0, 1, 1, 1]))[None], former_ego2key=pose(x=-4.0)[None])
    (now, before), _ = model.lift(None, inputs)
    assert now.sum() == 0
    assert before[0, 0].nonzero().tolist() == [[20, 75]]


def test_warped_memory_is_what_the_former_cameras_see_from_here(student_module, configs):
    """Five cells back and two to the left, x mirrored: lifting with cameras that stand there gives the same cells."""
    view = MODELS.build(configs('temporal_mini').model).view_transform.eval()
    (sample,) = samples_of(configs('temporal_mini').val_dataloader, 1)
    inputs = {key: value[None] for key, value in sample['inputs'].items()}
    inputs['bda_mat'] = torch.diag(torch.tensor([-1.0, 1, 1, 1]))[None]
    ego2key = pose(x=-4.0, y=1.6)[None]
    depth, context = torch.rand(6, view.num_depths, 16, 28).softmax(1), torch.rand(6, 32, 16, 28)
    with torch.no_grad():
        there = view.splat(depth, context, inputs)
        here = view.splat(depth, context, {**inputs, 'cam2ego': ego2key[:, None] @ inputs['cam2ego']})
        mirrored = inputs['bda_mat'] @ ego2key @ inputs['bda_mat']
        got = student_module.warp(there, mirrored, view.point_cloud_range)[:, :, 5:-5, 8:-8]
    # Points at the edge of a cell may fall to either side.
    assert (got - here[:, :, 5:-5, 8:-8]).abs().mean() < 0.01 * here.mean()
    assert (got - there[:, :, 5:-5, 8:-8]).abs().mean() > 0.5 * here.mean()


def samples_of(loader, count):
    dataset = DATASETS.build(loader.dataset)
    return [dataset[index] for index in range(count)]


def test_student_trains_alone_and_predicts(configs):
    cfg = configs('temporal_mini')
    first, second = samples_of(cfg.train_dataloader, 2)
    assert second['inputs']['former_imgs'].shape == second['inputs']['imgs'].shape == (6, 3, 128, 224)
    # The car of the data drives 5 m between keyframes; the first one has none before it.
    assert torch.equal(first['inputs']['former_ego2key'], torch.eye(4))
    assert torch.allclose(second['inputs']['former_ego2key'], pose(x=-5.0), atol=1e-5)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    before = model.fuser.conv.conv.weight.detach().clone()
    losses = [model.train_step(pseudo_collate([second]), optimizer)['loss_occ'].item() for _ in range(3)]
    assert losses[2] < losses[0]
    changed = (model.fuser.conv.conv.weight != before).flatten(2).any(2)
    assert changed[:, :128].any()
    assert changed[:, 128:].any()
    (found,) = model.eval().val_step(pseudo_collate(samples_of(cfg.val_dataloader, 1)))
    assert found.pred_occ.shape == (200, 200, 16)


def test_student_is_distilled_by_the_losses_of_radocc(configs, tmp_path):
    teacher = Config.fromfile(tmp_path / 'radocc_temporal_mini.py').teacher
    torch.save({'state_dict': MODELS.build(teacher).state_dict()}, tmp_path / 'teacher.pth')
    cfg = configs('radocc_temporal_mini')
    model = MODELS.build(cfg.model)
    model.init_weights()
    _, second = samples_of(cfg.train_dataloader, 2)
    optimizer = OptimWrapper(torch.optim.Adam(model.student.parameters(), lr=1e-3))
    before = model.student.fuser.conv.conv.weight.detach().clone()
    losses = model.train().train_step(pseudo_collate([second]), optimizer)
    assert all(losses[name] > 0 for name in ('loss_occ', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    assert not torch.equal(before, model.student.fuser.conv.conv.weight)


def test_a_matrix_that_the_pipeline_does_not_give_is_named(configs):
    cfg = configs('temporal_mini')
    (sample,) = samples_of(cfg.train_dataloader, 1)
    model = MODELS.build(cfg.model)
    del sample['inputs']['former_ego2key']
    data = model.data_preprocessor(pseudo_collate([sample]), True)
    with pytest.raises(ValueError, match=r"TemporalOccModel needs inputs \['former_ego2key'\]"):
        model(**data, mode='loss')
