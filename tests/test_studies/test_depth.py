import json
import re

import numpy as np
import pytest

from projects.studies.calibration import calibrate
from projects.studies.depth_result import COLUMNS, DepthResult, checks, score_table, seed_table
from projects.studies.runs import RunLog
from projects.studies.statistics import Gain


def _scores(abs_rel):
    return {
        'abs_rel': abs_rel,
        'sq_rel': 1.0,
        'rmse': 5.0,
        'rmse_log': 0.3,
        'silog': 20.0,
        'd1': 1 - abs_rel,
        'd2': 0.9,
    }


def _result(adudepth=0.18, seeds=(0,)):
    scores = {
        'teacher': _scores(0.1),
        'control': _scores(0.25),
        'baseline': _scores(0.2),
        'adudepth': _scores(adudepth),
        'prior': _scores(0.4),
    }
    trained = ('teacher', 'control', 'baseline', 'adudepth')
    plain = [{'step': i, 'time': 1.0, 'loss': 3.0 / i, 'loss_depth': 3.0 / i} for i in (1, 2)]
    logs = {name: RunLog(plain, peak_mb=1.0) for name in trained}
    logs['adudepth'] = RunLog([{**record, 'loss_resp': -0.1} for record in plain], peak_mb=1.0)
    calibration = calibrate(np.linspace(0.1, 1, 40), np.linspace(0.1, 1, 40))
    return DepthResult(
        scores,
        {},
        dict.fromkeys(trained, calibration),
        logs,
        {seed: {'baseline': _scores(0.2 + 0.02 * seed), 'adudepth': _scores(adudepth)} for seed in seeds},
        dict.fromkeys(COLUMNS, Gain(10.0, float('nan'), float('nan'), 2.0, 14.0)),
        label_part=0.1,
    )


def test_checks_are_shares_of_abs_rel():
    assert checks(_result()) == {
        'teacher_below_baseline': 0.5,
        'teacher_below_control': 0.6,
        'baseline_below_prior': 0.5,
        'adudepth_below_baseline': 0.1,
    }


def test_verdict_comes_first_with_its_noise_and_says_how_many_seeds_it_is_of():
    text = 'Under the teacher the student estimates depth better than alone (+10.0 % of AbsRel saved{}, 95 % over '
    assert ' '.join(_result().describe_gain()).startswith(text.format(''))
    assert ' '.join(_result(seeds=(0, 1, 2)).describe_gain()).startswith(text.format(', mean of 3 seeds'))


def test_gain_and_loss_are_both_said():
    assert 'under the teacher 0.180 (-10.0 %)' in ' '.join(_result().describe_gain())
    assert 'under the teacher 0.220 (+10.0 %)' in ' '.join(_result(0.22).describe_gain())
    assert 'all 3 seeds' in ' '.join(_result(seeds=(0, 1, 2)).describe_gain())


def test_text_says_how_few_labels_there_were_and_where_the_teacher_comes_from():
    text = ' '.join(_result().describe_gain())
    assert '10 % of the training drives had LiDAR, the others two cameras alone' in text
    assert 'the teacher came from another data set' in text


def test_better_student_is_marked_by_the_direction_of_each_metric():
    best = score_table(_result().scores, '').best
    assert (3, 1) in best
    assert (3, 6) in best
    assert (2, 1) in score_table(_result(0.22).scores, '').best


def test_seeds_have_a_mean_and_a_deviation():
    """Baselines 0.20, 0.22, 0.24: mean 0.22, standard deviation 0.02."""
    rows = seed_table(_result(seeds=(0, 1, 2))).rows
    assert rows[0] == ['0', '0.2000', '0.1800', '-10.0 %']
    assert rows[-1][:2] == ['mean', '0.2200 ± 0.0200']
    assert len(seed_table(_result()).rows) == 1


def test_json_holds_every_field():
    report = json.loads(json.dumps(_result().as_json()))
    assert report['results']['adudepth']['abs_rel'] == 0.18
    assert report['results']['adudepth']['step_s'] == 1.0
    assert 'step_s' not in report['results']['prior']
    assert report['seeds']['0']['baseline']['abs_rel'] == 0.2
    assert len(report['calibration']['baseline']['predicted']) == 20
    assert report['first_and_last_loss']['baseline'] == {'loss': [3.0, 1.5], 'loss_depth': [3.0, 1.5]}
    assert report['checks']['teacher_below_baseline'] == pytest.approx(0.5)


def test_page_shows_what_distillation_adds_and_the_calibration():
    html = _result().page([]).to_html()
    assert 'What ADU-Depth adds to the loss of the student' in html
    assert 'loss_resp' in html
    assert 'predicted scale of the log-depth error' in html
    assert '>gain (% of the student alone)<' in html
    assert 'Prior: mean training depth of each pixel' in html


def test_every_axis_of_the_page_has_a_label_with_its_unit_and_every_column_is_explained():
    html = _result().page([]).to_html()
    texts = re.findall(r'<text[^>]*>([^<]+)</text>', html)
    labels = {
        'SILog loss (no unit)',
        'loss times its weight (no unit)',
        'gain (% of the student alone)',
        'predicted scale of the log-depth error (no unit)',
        'mean absolute log-depth error (no unit)',
    }
    assert labels <= set(texts)
    words = html.split('<h2>What the words mean</h2>')[1]
    assert all(name in words for name in COLUMNS.values())
