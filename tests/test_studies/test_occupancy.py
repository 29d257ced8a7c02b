import json
import re

import pytest
import torch
from mmengine.structures import BaseDataElement

from projects.studies.occupancy_controls import (
    HistoryOfAnotherScene,
    blank_images,
    frame_of_another_scene,
    swap_points,
)
from projects.studies.occupancy_result import (
    GAIN_NAMES,
    OccupancyResult,
    best_students,
    loss_curves,
    ray_table,
    result_table,
)
from projects.studies.occupancy_scores import Scores
from projects.studies.ray_depth import RayScores
from projects.studies.runs import RunLog
from projects.studies.statistics import Gain


def _result(radocc_miou=22.5):
    scores = {
        'teacher': Scores(40.0, 60.0, {'car': 40.0, 'bus': float('nan')}),
        'baseline': Scores(20.0, 45.0, {'car': 20.0, 'bus': float('nan')}),
        'labelled': Scores(21.0, 46.0, {'car': 21.0, 'bus': float('nan')}),
        'radocc': Scores(radocc_miou, 47.0, {'car': radocc_miou, 'bus': float('nan')}),
    }
    controls = {
        'radocc_blank_images': Scores(5.0, 20.0, {'car': 5.0}),
        'teacher_other_scene_lidar': Scores(8.0, 25.0, {'car': 8.0}),
    }
    plain = [
        {'step': 1, 'time': 1.0, 'loss': 3.0, 'loss_occ': 3.0},
        {'step': 2, 'time': 1.0, 'loss': 2.0, 'loss_occ': 2.0},
    ]
    distilled = [{**record, 'loss_rdc': record['loss']} for record in plain]
    logs = {
        'teacher': RunLog(plain, peak_mb=1.0),
        'baseline': RunLog(plain, peak_mb=1.0),
        'labelled': RunLog(plain, peak_mb=1.0),
        'radocc': RunLog(distilled, [{'step': epoch, 'occ/mIoU': 20.0} for epoch in (1, 2, 3)], 1.0),
    }
    rays = {
        'teacher': RayScores(63.81, 0.76, 6.8, 9.1),
        'baseline': RayScores(42.35, 1.6, 6.0, float('nan')),
        'labelled': RayScores(44.1, 1.5, 6.1, 11.0),
        'radocc': RayScores(52.66, 1.31, 7.0, 21.2),
        'alone_best_threshold': RayScores(47.61, 1.58, 8.2, 15.0),
        'radocc_best_threshold': RayScores(55.04, 1.29, 7.5, 24.0),
    }
    nan, classes = float('nan'), radocc_miou - 21.0
    gains = {name: Gain(7.43, nan, nan, 5.0, 9.0) for name in GAIN_NAMES}
    gains['miou'] = Gain(classes, nan, nan, classes - 1.6, classes + 1.6)
    return OccupancyResult(scores, controls, rays, gains, logs, 0.2)


def test_verdict_comes_first_with_its_noise_and_the_lead_has_five_sentences():
    text = ' '.join(_result().describe_gain())
    assert text.startswith(
        'Under the teacher the camera student finds surfaces better (+7.4 % of rays, 95 % over scenes +5.0 to +9.0) '
        'and classes no better (+1.50 mIoU, 95 % over scenes -0.10 to +3.10) than the better of two students alone in '
        'the same number of steps: 21.00 mIoU and 46.00 IoU alone, 22.50 and 47.00 under the teacher, 40.00 and 60.00 '
        'for the teacher itself.'
    )
    assert 'and classes worse (-2.00 mIoU' in ' '.join(_result(19.0).describe_gain())
    assert '20 % of the training scenes had labels' in text
    assert 'the teacher came from another data set' in text
    assert (
        '44.1 % end within 25 % of the true depth alone and 52.7 % under the teacher, 47.6 and 55.0 % when each takes '
        'the threshold of "free" that does most for it.'
    ) in text
    assert len(_result().describe_gain()) == 5


def test_ray_table_has_a_row_for_each_model():
    table = ray_table(_result())
    assert table.rows[1] == ['Student alone (cameras)', '42.4', '1.60', '6.00', 'nan']
    assert table.rows[3] == ['Student under the teacher', '52.7', '1.31', '7.00', '21.2']
    assert table.rows[4][:2] == ['The better student alone, best threshold', '47.6']
    assert table.rows[5][0] == 'Student under the teacher, best threshold'
    assert table.best == {(5, 1), (5, 2), (1, 3), (2, 4)}  # 55.0 %, 1.29 m, 6.0 m, 11.0 % (not NaN)


def test_best_student_of_every_number_is_marked():
    assert result_table(_result()).best == {(3, 1), (3, 2)}
    assert result_table(_result(19.0)).best == {(2, 1), (3, 2)}


def test_the_teacher_is_never_the_best_student_and_a_column_of_nan_has_none():
    numbers = {'teacher': (9.0, 0.0, 1.0), 'a': (1.0, 5.0, float('nan')), 'b': (2.0, 6.0, float('nan'))}
    assert best_students(numbers, (1, -1, 1)) == {(2, 1), (1, 2)}


def test_curves_are_drawn_of_the_runs_that_have_logs():
    logs = _result().logs
    assert len(loss_curves({'teacher': logs['teacher']})) == 1
    assert len(loss_curves({name: logs[name] for name in ('baseline', 'radocc')})) == 3


def test_two_validations_are_no_curve():
    logs = _result().logs
    logs['radocc'].validations.pop()
    assert len(loss_curves({name: logs[name] for name in ('baseline', 'radocc')})) == 2


def test_page_ends_with_commands_that_make_knows(repo):
    html = _result().page([]).to_html()
    targets = re.findall(r'<pre>make ([a-z-]+)', html)
    makefile = (repo / 'Makefile').read_text()
    assert targets == ['study', 'demo']
    assert all(f'\n{target}:' in makefile for target in targets)


def test_json_holds_every_field():
    report = json.loads(json.dumps(_result().as_json()))
    assert report['results']['radocc'] == {
        'miou': 22.5,
        'iou': 47.0,
        'per_class': {'car': 22.5, 'bus': None},
        'step_s': 1.0,
        'peak_mb': 1.0,
    }
    assert report['rays']['radocc'] == {'within': 52.66, 'median_error': 1.31, 'rmse': 7.0, 'false_ends': 21.2}
    assert report['rays']['baseline']['false_ends'] is None
    assert report['gains']['miou'] == {'mean': 1.5, 'spread': None, 'p_seeds': None, 'low': -0.1, 'high': 3.1}
    assert report['controls']['teacher_other_scene_lidar']['miou'] == 8.0
    assert report['first_and_last_loss']['baseline'] == {'loss': [3.0, 2.0], 'loss_occ': [3.0, 2.0]}


def test_page_shows_what_distillation_adds_to_the_loss():
    html = _result().page([]).to_html()
    assert 'What the teacher adds to the loss of the student.' in html
    assert 'loss_rdc' in html
    assert 'Student under the teacher, images blanked to grey' in html
    assert '>gain (percentage points)<' in html


class _Scenes:
    """A data set of which only the scenes matter."""

    ann_file = 'infos.pkl'

    def __init__(self, scenes):
        self.scenes = scenes

    def __len__(self):
        return len(self.scenes)

    def get_data_info(self, index):
        return {'scene_token': self.scenes[index]}


def test_control_takes_its_lidar_from_another_scene():
    assert frame_of_another_scene(_Scenes(['a', 'a', 'a', 'b']), 0) == 3
    assert frame_of_another_scene(_Scenes(['a', 'b']), 1) == 0
    with pytest.raises(ValueError, match='one scene; the control needs two'):
        frame_of_another_scene(_Scenes(['a', 'a']), 0)


def test_controls_leave_the_sample_as_it_was():
    sample = {'inputs': {'imgs': torch.arange(3, dtype=torch.uint8), 'points': torch.zeros(2, 5)}}
    other = {'inputs': {'points': torch.ones(1, 5)}}
    assert blank_images(sample)['inputs']['imgs'].tolist() == [114, 114, 114]
    assert swap_points(sample, other)['inputs']['points'].tolist() == [[1.0] * 5]
    assert sample['inputs']['imgs'].tolist() == [0, 1, 2]
    assert sample['inputs']['points'].shape == (2, 5)


class _Frames(_Scenes):
    """Frames that hold their index as image, as former image and as pose; the former frame is called 'before'."""

    metainfo, spec = {}, None

    def __getitem__(self, index):
        data = BaseDataElement(metainfo={'token': str(index), 'history_tokens': ['before']})
        inputs = {name: torch.tensor([index]) for name in ('imgs', 'history_imgs', 'history_ego2key')}
        return {'inputs': inputs, 'data_samples': data}


def test_history_of_another_scene_changes_former_images_alone_and_names_no_frame_that_a_model_may_recall():
    frames = _Frames(['a', 'a', 'b'])
    changed = HistoryOfAnotherScene(frames)
    sample = changed[0]
    assert {name: int(value) for name, value in sample['inputs'].items()} == {
        'imgs': 0,
        'history_imgs': 2,
        'history_ego2key': 0,
    }
    assert sample['data_samples'].token == '0'
    assert 'history_tokens' not in sample['data_samples']
    assert 'history_tokens' in frames[0]['data_samples']
    assert (len(changed), changed.ann_file) == (3, 'infos.pkl')


def test_the_page_begins_with_the_answer_and_explains_the_names_of_its_columns():
    html = _result().page([]).to_html()
    lead, *points = _result().describe_gain()
    assert f'<p class="lead">{lead}</p>' in html
    assert html.count('<li>') == len(points) == 4
    words = html.split('<h2>What the words mean</h2>')[1]
    assert all(f'<dt>{name}' in words for name in (*result_table(_result()).header[1:4], 'within 25 %', 'open rays'))


def test_every_axis_of_the_page_has_a_label_with_its_unit():
    """Counts have none: steps and epochs."""
    html = _result().page([]).to_html()
    texts = re.findall(r'<text[^>]*>([^<]+)</text>', html)
    for label in ('weighted cross-entropy (nats)', 'loss times its weight (no unit)', 'gain (percentage points)'):
        assert label in texts
    assert {'training step', 'epoch', 'mIoU (%)'} <= set(texts)
