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


def test_another_draw_chooses_other_scenes_by_their_hash_behind_its_number():
    first = min(SCENES, key=lambda scene: hashlib.sha256(f'3 {scene}'.encode()).digest())
    assert choose_scenes(SCENES, 0.01, 3) == {first} != choose_scenes(SCENES, 0.01)
    parts = [choose_scenes(SCENES, part, 3) for part in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 2, 4, 8]
    assert all(small < large for small, large in itertools.pairwise(parts))


def test_another_draw_labels_as_many_of_the_scenes_that_are_kept():
    infos = infos_of(*SCENES)
    scenes = [info['scene'] for info in infos]
    kept = choose_scenes(SCENES, 0.5)
    drawn = []
    for draw in range(8):
        found = keep_parts(infos, scenes, 0.5, 0.25, 'infos.pkl', 'the command', draw)
        assert {info['scene'] for info in found} == kept
        drawn.append(frozenset(info['scene'] for info in found if info.get('labelled', True)))
        assert len(drawn[-1]) == 2
    assert set().union(*drawn) == kept


@pytest.mark.parametrize('draw', [-1, 0.5, True])
def test_a_draw_that_is_no_number_is_refused(draw):
    with pytest.raises(ValueError, match='must be an integer of at least 0'):
        choose_scenes(SCENES, 0.5, draw)


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
