"""Fewer scenes, or labels on some of them: which ones."""

import hashlib
import itertools

import pytest

from projects.engine import choose_scenes, keep_parts

SCENES = [f'scene-{i:04d}' for i in range(1, 9)]


def infos_of(*scenes):
    return [{'token': f'{scene}-{i}', 'scene': scene} for scene in scenes for i in range(2)]


def test_a_smaller_part_lies_in_every_larger_one():
    parts = [choose_scenes(SCENES, part) for part in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 2, 4, 8]
    assert all(small < large for small, large in itertools.pairwise(parts))


def test_scenes_are_chosen_by_their_hash_and_not_by_their_order():
    first = min(SCENES, key=lambda scene: hashlib.sha256(scene.encode()).digest())
    assert choose_scenes(SCENES, 0.01) == choose_scenes(reversed(SCENES), 0.01) == {first}


@pytest.mark.parametrize('part', [0.0, -0.5, 1.5, float('nan')])
def test_a_part_out_of_range_is_refused(part):
    with pytest.raises(ValueError, match='above 0 and at most 1'):
        choose_scenes(SCENES, part)


def test_labels_stay_on_the_scenes_of_their_part_and_the_infos_are_not_written_to():
    infos = infos_of(*SCENES)
    scenes = [info['scene'] for info in infos]
    kept = keep_parts(infos, scenes, 0.5, 0.25, 'infos.pkl', 'the command')
    labelled = {info['scene'] for info in kept if info.get('labelled', True)}
    assert {info['scene'] for info in kept} == choose_scenes(SCENES, 0.5)
    assert labelled == choose_scenes(SCENES, 0.25)
    assert not any('labelled' in info for info in infos)
    assert keep_parts(infos, scenes, 1, 1, 'infos.pkl', 'the command') is infos


def test_infos_without_scenes_are_refused():
    with pytest.raises(ValueError, match=r'infos\.pkl does not say the scene.*again with the command'):
        keep_parts([{'token': 'a'}], [''], 0.5, 1, 'infos.pkl', 'the command')
