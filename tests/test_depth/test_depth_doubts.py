"""Predicted depth of another scale, or with holes, is scored with a warning that names what is wrong."""

import numpy as np
import pytest

from projects.depth_eval import encode_depth
from projects.depth_eval.doubts import depth_doubts
from projects.depth_eval.pairing import Pair
from projects.depth_eval.protocol import EigenProtocol, KittiProtocol

GT = np.array([[10, 20, 40, 0, 80, 5]])


def pairs_of(tmp_path, *preds):
    pairs = [Pair('none', None, '')]
    for i, pred in enumerate(preds):
        (tmp_path / f'gt{i}.png').write_bytes(encode_depth(GT))
        (tmp_path / f'pred{i}.png').write_bytes(encode_depth(pred))
        pairs.append(Pair(str(i), str(tmp_path / f'gt{i}.png'), str(tmp_path / f'pred{i}.png')))
    return pairs


def test_millimetres_are_named_by_the_scale_that_the_files_have(tmp_path):
    millimetres = np.minimum(GT * 1000 / 256, 255)
    (warning,) = depth_doubts(pairs_of(tmp_path, millimetres, millimetres), EigenProtocol())
    assert warning.startswith('predictions are 3.91 times as deep as the truth (median of 2 frames)')
    assert '(these: about metres * 1000)' in warning


@pytest.mark.parametrize('factor', [0.6, 1.9])
def test_wrong_but_likely_depth_raises_no_doubt(tmp_path, factor):
    assert depth_doubts(pairs_of(tmp_path, GT * factor + 0.1), EigenProtocol()) == []
    assert depth_doubts([Pair('none', None, '')], EigenProtocol()) == []


def test_holes_are_named_where_they_count(tmp_path):
    pairs = pairs_of(tmp_path, GT + 0.1, np.where(GT == 40, 0, GT + 0.1))
    (warning,) = depth_doubts(pairs, EigenProtocol())
    assert warning.startswith('predictions of 2 frames are 0 at 10 % of the pixels that have truth')
    assert depth_doubts(pairs, KittiProtocol()) == []  # fills them


def test_frames_of_another_size_are_left_to_the_scoring(tmp_path):
    assert depth_doubts(pairs_of(tmp_path, np.ones((2, 6))), EigenProtocol()) == []
