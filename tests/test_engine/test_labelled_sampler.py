"""How often frames with labels are drawn."""

from collections import Counter
from itertools import chain

import mmengine.dataset.sampler as mmengine_sampler
import pytest
from mmdet3d.registry import DATA_SAMPLERS

from projects.engine import LabelledShareSampler


class Frames:
    """Twenty frames, of which 3, 7 and 11 have labels."""

    def __init__(self, labelled=(3, 7, 11), size=20):
        self.labelled, self.size = labelled, size

    def __len__(self):
        return self.size

    def get_data_info(self, idx):
        return {} if self.labelled is None else {'labelled': idx in self.labelled}


def epochs(sampler, count):
    drawn = []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        drawn.append(list(sampler))
    return drawn


def test_half_of_the_draws_of_each_epoch_are_labelled_frames():
    for drawn in epochs(LabelledShareSampler(Frames(), 0.5, seed=4), 6):
        assert len(drawn) == 20
        assert sum(i in (3, 7, 11) for i in drawn) == 10


def test_over_the_epochs_frames_of_a_kind_are_drawn_equally_often():
    """Ten epochs: 100 labelled draws for 3 frames, 33 or 34 each; 100 others for 17 frames, 5 or 6 each."""
    counts = Counter(chain(*epochs(LabelledShareSampler(Frames(), 0.5, seed=4), 10)))
    assert {counts[i] for i in (3, 7, 11)} == {33, 34}
    assert {counts[i] for i in range(20) if i not in (3, 7, 11)} == {5, 6}


def test_a_share_of_one_draws_labelled_frames_alone_in_epochs_of_the_same_length():
    (drawn,) = epochs(LabelledShareSampler(Frames(), 1.0, seed=0), 1)
    assert len(drawn) == 20
    assert set(drawn) == {3, 7, 11}


def test_where_all_frames_are_labelled_an_epoch_holds_each_of_them_once():
    for frames in (Frames(labelled=range(20)), Frames(labelled=None)):
        first, second = epochs(LabelledShareSampler(frames, 0.25, seed=0), 2)
        assert sorted(first) == sorted(second) == list(range(20))
        assert first != second


def test_order_mixes_the_kinds_and_depends_on_seed_and_epoch_alone():
    sampler = LabelledShareSampler(Frames(), 0.5, seed=4)
    first, second = epochs(sampler, 2)
    assert not all(i in (3, 7, 11) for i in first[:10])
    assert first != second
    resumed = LabelledShareSampler(Frames(), 0.5, seed=4)
    resumed.set_epoch(1)
    assert list(resumed) == second
    assert epochs(LabelledShareSampler(Frames(), 0.5, seed=5), 1) != [first]


def test_two_processes_share_the_draws_of_an_epoch(monkeypatch):
    (together,) = epochs(LabelledShareSampler(Frames(), 0.5, seed=4), 1)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(mmengine_sampler, 'get_dist_info', lambda rank=rank: (rank, 2))
        sampler = LabelledShareSampler(Frames(), 0.5, seed=4)
        parts.append(list(sampler))
        assert len(sampler) == len(parts[-1]) == 10
    assert sorted(chain(*parts)) == sorted(together)


def test_a_sampler_of_the_base_configs_is_changed_by_its_type_and_share_alone():
    base = {'type': 'DefaultSampler', 'shuffle': True}
    config = {**base, 'type': 'LabelledShareSampler', 'labelled_share': 0.5, 'dataset': Frames(), 'seed': 0}
    assert isinstance(DATA_SAMPLERS.build(config), LabelledShareSampler)


@pytest.mark.parametrize(
    ('frames', 'options', 'message'),
    [
        (Frames(), {'labelled_share': 0.0}, 'above 0 and at most 1, got 0.0'),
        (Frames(), {'labelled_share': 1.5}, 'above 0 and at most 1, got 1.5'),
        (Frames(()), {'labelled_share': 0.5}, 'none of the 20 frames has labels'),
        (Frames(), {'labelled_share': 0.5, 'shuffle': False}, 'leave shuffle=True'),
    ],
)
def test_what_cannot_be_drawn_is_refused(frames, options, message):
    with pytest.raises(ValueError, match=message):
        LabelledShareSampler(frames, seed=0, **options)
