"""What is asked of all items of a data set at once: where the one of a name is, and which have labels."""

import pickle
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np


class _Notes(NamedTuple):
    source: Any  # the items that the notes are of, as the data set keeps them
    places: dict[str, int]
    labelled: np.ndarray


class NamedItemsMixin:
    """Mixin for a ``BaseDataset`` whose items have a name, for questions about all of them.

    MMEngine keeps each item as bytes, so whoever looks for a name there unpickles all items, and every DataLoader
    worker anew. Names and labels are noted while the data set is built, before workers are forked. A subset
    (``get_subset``), which MMEngine cuts out of the bytes, reads its items when it is first asked.

    Put it before the data set class.
    """

    ITEM: ClassVar[str] = 'sample'
    """What an item is called in messages."""
    NAME_KEY: ClassVar[str] = 'token'
    """Key of its name."""

    _notes: _Notes | None = None

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        # Copies that are made when the items are gone: a string that stays would hold the memory around it, a megabyte.
        notes = pickle.dumps(self._note(self.data_list, None))  # type: ignore[attr-defined]
        packed = super()._serialize_data()  # type: ignore[misc]
        self._notes = pickle.loads(notes)._replace(source=packed[1])
        return packed

    def _note(self, items: Iterable[dict], source: Any) -> _Notes:
        places, labelled = {}, []
        for index, item in enumerate(items):  # one after the other, since together they may take gigabytes
            places[item[self.NAME_KEY]] = index
            labelled.append(item.get('labelled', True))
        return _Notes(source, places, np.array(labelled, bool))

    def _noted(self) -> _Notes:
        self.full_init()  # type: ignore[attr-defined]
        packed = self.serialize_data  # type: ignore[attr-defined]
        source = self.data_address if packed else self.data_list  # type: ignore[attr-defined]
        if self._notes is None or self._notes.source is not source:
            read = super().get_data_info  # type: ignore[misc]
            items = map(read, range(len(self))) if packed else source  # type: ignore[arg-type]
            self._notes = self._note(items, source)
        return self._notes

    def holds(self, name: str) -> bool:
        """Whether an item is among those that the data set has, after all choices of a part."""
        return name in self._noted().places

    def index_of(self, name: str) -> int:
        """Index of the item of a name.

        Raises:
            KeyError: If the data set does not hold it.
        """
        places = self._noted().places
        if name not in places:
            raise KeyError(
                f'{self.ITEM} {name} is not in {self.ann_file}, or not among the '  # type: ignore[attr-defined]
                f'{len(places)} {self.ITEM}s that indices of the data set choose'
            )
        return places[name]

    def labelled_items(self) -> np.ndarray:
        """Which items have labels that are read; see :func:`keep_parts`. Bool, one for each item."""
        return self._noted().labelled
