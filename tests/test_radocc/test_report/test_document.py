import json

from projects.radocc.report import RayScores, Scores, StudyResult, build_page, describe_gain, ray_table, result_table
from projects.reporting import RunLog


def _result(radocc_miou=22.5):
    scores = {
        'teacher': Scores(40.0, 60.0, {'car': 40.0, 'bus': float('nan')}),
        'baseline': Scores(20.0, 45.0, {'car': 20.0, 'bus': float('nan')}),
        'radocc': Scores(radocc_miou, 47.0, {'car': radocc_miou, 'bus': float('nan')}),
    }
    controls = {
        'baseline_blank_images': Scores(5.0, 20.0, {'car': 5.0}),
        'teacher_other_scene_lidar': Scores(8.0, 25.0, {'car': 8.0}),
    }
    plain = [
        {'step': 1, 'time': 1.0, 'loss': 3.0, 'loss_occ': 3.0},
        {'step': 2, 'time': 1.0, 'loss': 2.0, 'loss_occ': 2.0},
    ]
    distilled = [{**record, 'loss_rdc': record['loss']} for record in plain]
    logs = {
        'teacher': RunLog(plain),
        'baseline': RunLog(plain),
        'radocc': RunLog(distilled, [{'step': 1, 'occ/mIoU': 20.0}]),
    }
    same = dict.fromkeys(scores, 1.0)
    rays = {
        'teacher': RayScores(63.81, 0.76, 6.8, 9.1),
        'baseline': RayScores(42.35, 1.6, 6.0, float('nan')),
        'radocc': RayScores(52.66, 1.31, 7.0, 21.2),
        'baseline_free_raised': RayScores(47.61, 1.58, 8.2, 15.0),
    }
    return StudyResult(scores, controls, rays, same, same, logs, {'seed': '0'})


def test_gain_and_loss_are_both_said():
    assert 'it gained 2.50 points' in describe_gain(_result())
    assert 'it lost 1.00 points' in describe_gain(_result(19.0))
    assert 'IoU is 45.00 alone and 47.00 under the teacher' in describe_gain(_result())
    rays = (
        '42.4 % end within 25 % of the true depth alone and 52.7 % under the teacher, 63.8 % in the teacher and 47.6 %'
    )
    assert rays in describe_gain(_result())


def test_ray_table_has_a_row_for_each_model():
    table = ray_table(_result())
    assert table.rows[1] == ['Student alone (cameras)', '42.4', '1.60', '6.00', 'nan']
    assert table.rows[3][:2] == ['Student alone, best threshold', '47.6']
    assert table.best == {(2, 1)}
    assert table.rows[2] == ['Student + RadOcc', '52.7', '1.31', '7.00', '21.2']


def test_better_student_is_marked():
    assert result_table(_result()).best == {(2, 1)}
    assert result_table(_result(19.0)).best == {(1, 1)}


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
    assert report['controls']['teacher_other_scene_lidar']['miou'] == 8.0
    assert report['first_and_last_loss']['baseline'] == {'loss': [3.0, 2.0], 'loss_occ': [3.0, 2.0]}


def test_page_shows_what_distillation_adds_to_the_loss():
    html = build_page(_result(), []).to_html()
    assert 'What RadOcc adds to the loss of the student.' in html
    assert 'loss_rdc' in html
    assert 'Student alone, images blanked to grey' in html


def test_warning_of_the_work_directory_stands_on_the_page():
    result = _result()
    assert '<p role="alert">' not in build_page(result, []).to_html()
    result.warning = 'These numbers mean nothing.'
    assert '<p role="alert">These numbers mean nothing.</p>' in build_page(result, []).to_html()
