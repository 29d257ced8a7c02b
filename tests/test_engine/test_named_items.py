"""Names and labels of items are known without unpickling the items."""

import pickle

import pytest
from mmengine.dataset import BaseDataset

from projects.engine import LabelledShareSampler, NamedItemsMixin


class Items(NamedItemsMixin, BaseDataset):
    """Items t0, t1, ..., of which every third has labels."""

    def __init__(self, size, **kwargs):
        self.size = size
        super().__init__(ann_file='items.pkl', **kwargs)

    def load_data_list(self):
        return [{'token': f't{i}', **({} if i % 3 == 0 else {'labelled': False})} for i in range(self.size)]


@pytest.fixture
def reads(monkeypatch):
    """Indices of the items that were unpickled."""
    seen, read = [], BaseDataset.get_data_info
    monkeypatch.setattr(BaseDataset, 'get_data_info', lambda self, idx: seen.append(idx) or read(self, idx))
    return seen


def test_a_data_set_knows_names_and_labels_without_reading_an_item(reads):
    dataset = Items(100)
    for known in (dataset, pickle.loads(pickle.dumps(dataset))):  # as a spawned worker gets it
        assert known.index_of('t70') == 70
        assert known.holds('t99')
        assert not known.holds('t100')
        assert known.labelled_items().sum() == 34
    assert LabelledShareSampler(dataset, 0.5, seed=0).labelled == list(range(0, 100, 3))
    assert reads == []
    with pytest.raises(KeyError, match=r'sample t100 is not in items\.pkl, or not among the 100 samples'):
        dataset.index_of('t100')


def test_names_that_are_kept_are_not_those_of_the_items():
    """A string of each item would hold the memory around it, all of what the info file takes when it is read."""
    names = [f't{i}' for i in range(20)]

    class Named(Items):
        def load_data_list(self):
            return [{'token': name} for name in names]

    places = Named(20)._noted().places
    assert list(places) == names
    assert not {id(name) for name in places} & {id(name) for name in names}


def test_a_subset_reads_each_of_its_items_once(reads):
    dataset = Items(10)
    subset = dataset.get_subset([5, 3])
    assert subset.index_of('t3') == 1
    assert not subset.holds('t7')
    assert subset.labelled_items().tolist() == [False, True]
    assert reads == [0, 1]
    assert dataset.index_of('t7') == 7
    dataset.get_subset_(list(range(9, -1, -1)))
    assert dataset.index_of('t7') == 2
    assert len(reads) == 12
    assert Items(10, indices=[4, 2]).index_of('t2') == 1
    assert len(reads) == 12


def test_items_that_are_not_kept_as_bytes_are_found_as_well(reads):
    dataset = Items(10, serialize_data=False, lazy_init=True)
    assert dataset.index_of('t7') == 7
    dataset.get_subset_([8, 9])
    assert dataset.index_of('t9') == 1
    assert dataset.labelled_items().tolist() == [False, True]
    assert reads == []
