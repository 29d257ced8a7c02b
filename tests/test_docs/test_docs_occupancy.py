"""Every command of the documentation about occupancy, run in order on the smallest MiniDrive."""

import json
import pickle

import numpy as np
import pytest
from docs_blocks import blocks
from docs_plan import BEFORE, OCCUPANCY, small
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


def test_research_student_outside_the_repository_is_distilled_by_two_processes(walk, trained):
    trained(DISTILLED)  # docs/add_a_student.md in a folder of its own; leaves the trained teacher
    command = f'bash tools/dist_train.sh configs/my_student/{DISTILLED}.py 2 --work-dir work_dirs/two'
    result = walk.run(command)
    assert result.returncode == 0, result.stderr[-4000:]
    assert (walk.folder / 'work_dirs/two/epoch_1.pth').is_file()
    (log,) = walk.folder.glob('work_dirs/two/*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert any('loss_rdc' in record for record in records)  # the one step of two processes has the weight zero


def test_leaderboard_predictions_in_the_layout_of_flashocc_are_scored_packed_and_checked(walk, trained):
    """The files of the walk's own model, written once more as FlashOcc writes them, get the same score."""
    assert walk.run(BEFORE['docs/evaluation.md'][0]).returncode == 0
    infos = walk.folder / 'data/minidrive/occ3d-nus_infos_val.pkl'
    frames = pickle.loads(infos.read_bytes())['data_list']
    for frame in frames:
        folder = walk.folder / 'foreign' / frame['scene_name'] / frame['token']
        folder.mkdir(parents=True)
        with np.load(walk.folder / f'work_dirs/predictions/{frame["token"]}.npz') as file:
            np.savez_compressed(folder / 'pred.npz', pred=file['arr_0'])
    scores = []
    for place in ('foreign', 'work_dirs/predictions'):
        out = f'{place.replace("/", "_")}.json'
        command = (
            f'python tools/eval_occ.py data/minidrive/gts {place} --metrics miou rayiou --infos {infos} --json {out}'
        )
        assert walk.run(command).returncode == 0
        scores.append(json.loads((walk.folder / out).read_text()))
    assert scores[0]['frames'] == len(frames)
    assert scores[0]['confusion'] == scores[1]['confusion']
    assert scores[0]['rayiou'] == scores[1]['rayiou']
    for command in (f'pack foreign --infos {infos} --out foreign.zip', f'check foreign.zip --infos {infos}'):
        result = walk.run(f'python tools/submission.py occ3d {command}')
        assert result.returncode == 0, result.stdout + result.stderr
