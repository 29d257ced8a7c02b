"""Every command of the documentation about occupancy, run in order on the smallest MiniDrive."""

import pytest
from docs_blocks import blocks
from docs_plan import OCCUPANCY, small
from docs_walk import predict_first_frame

TASK = OCCUPANCY
DISTILLED = 'radocc_my_student'
RADOCC_LOSSES = {'loss_rdc', 'loss_rsc', 'loss_rsc_kl'}


@pytest.fixture(scope='module', autouse=True)
def evaluation_md(walk):
    """The evaluators of docs/evaluation.md as a config; two of them write what the page scores."""
    (block,) = [block for block in blocks('docs/evaluation.md') if block.first_line.startswith('test_evaluator')]
    base = "_base_ = './flashocc/flashocc_mini_1xb1-7e_minidrive.py'\n"
    folders = "test_evaluator[0].update(submission_dir='work_dirs/predictions')\n"
    folders += "test_evaluator[2].update(submission_dir='work_dirs/lidarseg')\n"
    walk.write('configs/evaluation_md.py', base + small('docs/evaluation.md', block.text) + folders)


def test_command_runs(succeeds, place):
    succeeds(place)


def test_student_of_the_page_trains_validates_and_is_distilled(trained):
    alone, distilled, with_loss = (trained(name) for name in ('my_student', DISTILLED, 'radocc_my_loss'))
    for scalars in (alone, distilled, with_loss):
        assert 0 < scalars['loss_occ'] < 10
        assert 0 <= scalars['occ/IoU'] <= 100
    assert not RADOCC_LOSSES & set(alone)
    assert all(distilled[name] > 0 for name in RADOCC_LOSSES)
    assert 'loss_mine' not in distilled
    assert with_loss['loss_mine'] > 0


def test_teacher_of_the_page_trains_and_teaches(trained):
    alone, distilled = trained('my_teacher'), trained('radocc_my_teacher')
    assert 0 < alone['loss_occ'] < 10
    assert all(distilled[name] > 0 for name in RADOCC_LOSSES)


@pytest.mark.parametrize(
    'name', [DISTILLED, 'my_teacher', 'flashocc_mini_1xb1-7e_minidrive', 'bevfusion-occ_mini_1xb1-7e_minidrive']
)
def test_trained_model_predicts_after_init_model(walk, trained, name):
    trained(name)
    (config,) = walk.folder.glob(f'configs/*/{name}.py')
    model, sample = predict_first_frame(config, f'work_dirs/{name}/epoch_1.pth')
    assert len(model.dataset_meta['classes']) == 18
    assert sample.pred_occ.shape == (200, 200, 16)
