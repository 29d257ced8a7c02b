"""Predictions with another free class or other axes are scored with a warning that names what is wrong."""

import numpy as np
import pytest

from projects.occ_eval.doubts import occ_doubts, other_axes, other_free_class
from projects.occ_eval.files import Frame

LABEL = np.full((200, 200, 16), 17, np.uint8)
LABEL[120:180, 90:110, 2:5] = 4
LABEL[20:60, 140:190, 1:9] = 15
PRED = np.where(np.random.default_rng(0).random(LABEL.shape) < 0.01, 16, LABEL).astype(np.uint8)


def frames_of(tmp_path, *preds):
    np.savez_compressed(tmp_path / 'labels.npz', semantics=LABEL)
    for i, pred in enumerate(preds):
        np.savez_compressed(tmp_path / f'{i}.npz', pred)
    return [Frame(str(i), str(tmp_path / 'labels.npz'), str(tmp_path / f'{i}.npz')) for i in range(len(preds))]


@pytest.mark.parametrize(
    ('done', 'undone'),
    [
        (lambda p: p.transpose(1, 0, 2), 'pred.transpose(1, 0, 2)'),
        (lambda p: p[::-1], 'pred[::-1]'),
        (lambda p: p[:, ::-1], 'pred[:, ::-1]'),
        (lambda p: np.rot90(p), 'pred.transpose(1, 0, 2)[:, ::-1]'),
        (lambda p: p[..., ::-1], 'pred[:, :, ::-1]'),
    ],
)
def test_turned_axes_are_named_with_the_expression_that_turns_them_back(done, undone):
    turned = done(PRED)
    np.testing.assert_array_equal(eval(undone, {'pred': turned}), PRED)
    assert f' % with {undone}: the axes of the predictions' in other_axes([(turned, LABEL)])


def test_right_and_empty_predictions_raise_no_doubt(tmp_path):
    assert occ_doubts(frames_of(tmp_path, PRED, np.full_like(PRED, 17))) == []
    assert occ_doubts([]) == []


def test_free_space_as_class_0_is_named():
    message = other_free_class([((PRED.astype(int) + 1) % 18).astype(np.uint8)])
    share = round(100 * (PRED == 17).mean())
    assert message.startswith(f'{share} % of the voxels of 1 predictions are 0 (others), but free space is 17')


def test_files_that_cannot_be_read_are_left_to_the_scoring(tmp_path):
    frames = frames_of(tmp_path, PRED[::-1], PRED)
    (tmp_path / '1.npz').write_bytes(b'PK')
    (warning,) = occ_doubts(frames)
    assert warning.startswith('on 1 frames the IoU of occupied voxels is ')
