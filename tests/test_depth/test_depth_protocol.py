import numpy as np
import pytest

from projects.depth_eval import encode_depth
from projects.depth_eval.pairing import Pair
from projects.depth_eval.protocol import EigenProtocol, KittiProtocol, score_pairs
from projects.depth_eval.report import format_errors, format_report


@pytest.fixture
def pairs(tmp_path):
    """Two frames that are 10 % and 30 % too far, one without truth, one whose file is missing."""
    (tmp_path / 'gt.png').write_bytes(encode_depth(np.full((4, 6), 10.0)))
    for name, metres in (('a', 11.0), ('b', 13.0)):
        (tmp_path / f'{name}.png').write_bytes(encode_depth(np.full((4, 6), metres)))
    gt, a, b, lost = (str(tmp_path / f'{name}.png') for name in ('gt', 'a', 'b', 'lost'))
    return [Pair('a', gt, a), Pair('b', gt, b), Pair('c', None, a), Pair('d', gt, lost)]


def test_report_averages_scored_frames_and_counts_the_others(pairs):
    report = score_pairs(pairs, EigenProtocol(crop='none'), workers=2)
    assert report['abs_rel'] == pytest.approx(0.2)
    assert report['d1'] == pytest.approx(0.5)  # 1.1 is below 1.25, 1.3 is not
    assert (report['frames'], report['skipped']) == (2, 1)
    assert [error.split(':')[0] for error in report['errors']] == ['d']


def test_kitti_report_counts_skipped_frames_only_where_there_are_some(pairs):
    assert score_pairs(pairs[:2], KittiProtocol(), workers=1)['abs_error_rel'] == pytest.approx(20.0)
    assert 'skipped' not in score_pairs(pairs[:2], KittiProtocol(), workers=1)
    assert score_pairs(pairs[:3], KittiProtocol(), workers=1)['skipped'] == 1


def test_frames_without_any_truth_give_a_report_without_metrics(pairs):
    assert score_pairs(pairs[2:3], EigenProtocol(), workers=1) == {'frames': 0, 'skipped': 1}


def test_table_names_protocol_units_and_counts():
    table = format_report({'rmse': 2.5, 'frames': 3, 'errors': ['x']}, EigenProtocol(use_kb_crop=True)).split('\n')
    assert table[0] == 'Eigen protocol: 352x1216, crop garg, cap 80 m, mean over images'
    assert table[1].split() == ['rmse', '2.500000', 'm']
    assert table[2] == '3 frames scored, 0 skipped without ground truth, 1 errors'


def test_no_more_than_twenty_errors_are_shown():
    lines = format_errors([f'frame {index}' for index in range(25)]).split('\n')
    assert (lines[0], len(lines), lines[-1]) == ('error: frame 0', 21, '... and 5 more errors')
