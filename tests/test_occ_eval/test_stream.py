"""Interrupted runs go on from finished frames, and changed files are scored again."""

import json
import os
import pickle
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from projects.occ_eval import stream
from projects.occ_eval.files import Frame
from projects.occ_eval.stream import Parts, score_frames


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(stream, 'CHUNK', 3)


@pytest.fixture
def frames(tmp_path):
    result = []
    for i in range(10):
        for kind in ('label', 'pred'):
            (tmp_path / f'{kind}{i}').write_text(str(i))
        result.append(Frame(f't{i}', str(tmp_path / f'label{i}'), str(tmp_path / f'pred{i}')))
    return result


class Score:
    """Number in the file of the prediction; remembers what it was asked for."""

    def __init__(self, stop_at=None, bad=()):
        self.seen, self.stop_at, self.bad = [], stop_at, bad

    def __call__(self, frame):
        if frame.token == self.stop_at:
            raise KeyboardInterrupt
        self.seen.append(frame.token)
        if frame.token in self.bad:
            raise ValueError(f'{frame.pred} is bad')
        number = int(Path(frame.pred).read_text())
        return {'sum': np.array([number, 1]), 'value': float(number)}


def score(frames, parts, **kwargs):
    return score_frames(frames, parts=parts, progress=False, **kwargs)


def test_interrupted_run_goes_on_from_its_finished_chunks(frames, tmp_path):
    parts = Parts(tmp_path / 'parts', {'a': 1})
    with pytest.raises(KeyboardInterrupt):
        score(frames, parts, score=Score(stop_at='t7'))
    rest = Score()
    totals = score(frames, parts, score=rest)
    assert rest.seen == ['t6', 't7', 't8', 't9']
    assert totals.resumed == 6
    assert totals.frames == 10
    assert totals.sums['sum'].tolist() == [45, 10]
    assert sorted(totals.values['value']) == list(range(10))


def test_other_options_and_changed_files_are_scored_again(frames, tmp_path):
    score(frames, Parts(tmp_path / 'parts', {'a': 1}), score=Score())
    (tmp_path / 'pred4').write_text('100')
    again = Score()
    totals = score(frames, Parts(tmp_path / 'parts', {'a': 1}), score=again)
    assert again.seen == ['t3', 't4', 't5']
    assert totals.sums['sum'].tolist() == [141, 10]
    os.utime(tmp_path / 'label0', ns=(1, 1))
    again = Score()
    score(frames, Parts(tmp_path / 'parts', {'a': 1}), score=again)
    assert again.seen == ['t0', 't1', 't2']
    other = Score()
    score(frames, Parts(tmp_path / 'parts', {'a': 2}), score=other)
    assert len(other.seen) == 10
    moved = Score()
    changed = [frame._replace(origins=[[0.0, 0.0, 1.0]]) for frame in frames]
    score(changed, Parts(tmp_path / 'parts', {'a': 2}), score=moved)
    assert len(moved.seen) == 10


def test_frames_with_errors_are_tried_again_and_the_others_are_not(frames, tmp_path):
    parts = Parts(tmp_path / 'parts', 0)
    totals = score(frames, parts, score=Score(bad=('t4',)))
    assert [error['token'] for error in totals.errors] == ['t4']
    assert totals.frames == 9
    again = Score()
    totals = score(frames, parts, score=again)
    assert again.seen == ['t4']
    assert (totals.frames, totals.errors) == (10, [])


@pytest.mark.parametrize('content', ['', '{', '[]', '{"done": [["t0"]]}', '{"done": 3}'])
def test_damaged_parts_are_scored_again(frames, tmp_path, content):
    parts = Parts(tmp_path / 'parts', 0)
    score(frames[:3], parts, score=Score())
    (path,) = (tmp_path / 'parts').iterdir()
    path.write_text(content)
    again = Score()
    assert score(frames[:3], parts, score=again).frames == 3
    assert len(again.seen) == 3


def changed(record, key, value):
    return {**record, key: value(record[key]) if callable(value) else value}


@pytest.mark.parametrize(
    'change',
    [
        lambda r: changed(r, 'sums', {**r['sums'], 'sum': [r['sums']['sum'][0] + 1000, 3]}),
        lambda r: changed(r, 'values', {'value': [9.0, 1.0, 2.0]}),
        lambda r: changed(r, 'done', lambda done: done[:2]),
        lambda r: changed(r, 'done', lambda done: done * 2),
        lambda r: changed(r, 'errors', 'x'),
        lambda r: changed(r, 'sha256', '0' * 64),
        lambda r: {key: value for key, value in r.items() if key != 'sha256'},  # of an earlier version
    ],
    ids=['a count', 'a value', 'fewer frames', 'frames twice', 'errors', 'checksum', 'no checksum'],
)
def test_parts_that_are_not_as_they_were_written_are_named_and_scored_again(frames, tmp_path, change):
    parts = Parts(tmp_path / 'parts', 0)
    score(frames[:3], parts, score=Score())
    (path,) = (tmp_path / 'parts').iterdir()
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    again = Score()
    with pytest.warns(UserWarning, match=rf'{path.name} is not as it was written; its frames are scored again'):
        totals = score(frames[:3], parts, score=again)
    assert again.seen == ['t0', 't1', 't2']
    assert (totals.frames, totals.resumed, totals.sums['sum'].tolist()) == (3, 0, [3, 3])
    resumed = Score()
    assert score(frames[:3], parts, score=resumed).resumed == 3
    assert resumed.seen == []


def test_strict_stops_at_the_first_error(frames):
    ordered = Score(bad=('t4', 't5', 't8'))
    totals = score(frames, None, score=ordered, strict=True)
    assert ordered.seen == ['t0', 't1', 't2', 't3', 't4']
    assert [error['token'] for error in totals.errors] == ['t4']
    assert totals.stopped


def test_missing_and_unexpected_problems_of_a_frame_are_named(frames):
    os.remove(frames[1].pred)
    Path(frames[2].pred).write_text('x')

    def fail(frame):
        if frame.token == 't3':
            raise RuntimeError('odd')
        return Score()(frame)

    errors = {e['token']: e['error'] for e in score(frames, None, score=fail).errors}
    assert set(errors) == {'t1', 't2', 't3'}
    assert 'No such file' in errors['t1']
    assert errors['t3'] == 'RuntimeError: odd'


def test_parts_hold_no_frame_twice(frames, tmp_path):
    parts = Parts(tmp_path / 'parts', 0)
    score(frames, parts, score=Score())
    states = [json.loads(path.read_text())['done'] for path in (tmp_path / 'parts').iterdir()]
    assert sorted(state[0] for done in states for state in done) == [frame.token for frame in frames]
    parts.clear()
    assert not (tmp_path / 'parts').exists()


def test_what_is_sent_with_a_chunk_does_not_hold_the_scorer(frames, monkeypatch):
    """A scorer that knows a file for every frame would be pickled once for each chunk: with their square in all."""
    sent = []

    class Pool:
        def __init__(self, workers, mp_context, initializer, initargs):
            monkeypatch.setattr(stream, 'start_worker', lambda: None)
            initializer(*initargs)

        def submit(self, task, *args):
            sent.append(pickle.dumps((task, args)))
            done = Future()
            done.set_result(task(*args))
            return done

        def shutdown(self, **kwargs):
            pass

    monkeypatch.setattr(stream, 'ProcessPoolExecutor', Pool)
    large = Score(bad=[f'{i:064d}' for i in range(1000)])
    assert score(frames, None, score=large, workers=2).frames == 10
    assert len(sent) == 4  # chunks of three
    assert max(map(len, sent)) < 1000
