"""Tokens become file names only below the folder that was given."""

import os

import pytest

from projects.fileio import file_below, list_names, name_problem


def test_tokens_and_frame_ids_of_the_data_sets_are_file_names():
    assert file_below('out', 'c1f86ac1fb4e4a1e8d0b3c0a7d9e5f21', '.npz') == 'out/c1f86ac1fb4e4a1e8d0b3c0a7d9e5f21.npz'
    frame = '2011_09_26_drive_0002_sync/0000000069'
    assert file_below('out', frame, '.png', parts=2) == f'out/{frame}.png'
    assert name_problem('2018-07-16-15-18-53_2018-07-16-15-19-01-045', 2) is None
    assert name_problem('Straße 5 (Nord)') is None


@pytest.mark.parametrize(
    'name',
    [
        '../evil', 'a/../evil', 'a/..', '..', '.', '/etc/passwd', '//host/share', '', 'a//b', 'a/', './a', '.hidden',
        'a/.hidden', '..\\evil', 'a\\b', 'C:evil', 'C:\\evil', 'file:stream', 'nul\0byte', 'new\nline', 'a\x7f',
        'x' * 201, 'é' * 101, 'a/' + 'x' * 300, '\udc80', 'a/b/c', None, 5, b'a', ['a'],
    ],
)  # fmt: skip
def test_names_that_could_leave_the_folder_are_refused_with_their_source(tmp_path, name):
    with pytest.raises(ValueError, match=r'infos\.pkl: token .* cannot be a file name'):
        file_below(tmp_path, name, '.npz', source='infos.pkl', parts=2)


def test_a_name_that_passes_stays_below_the_folder(tmp_path):
    for name in ('a', 'a/b', 'x' * 200, 'a..b/c..', '~root', '-rf', '%2e%2e', '$HOME', 'a b'):
        path = os.path.realpath(file_below(tmp_path, name, '.bin', parts=2))
        assert path.startswith(os.path.realpath(tmp_path) + os.sep)


def test_slashes_are_refused_where_a_token_has_none():
    assert 'expected no slash' in name_problem('a/b')
    assert name_problem('a/b', 2) is None


def test_a_long_list_names_the_first_and_counts_the_others():
    assert list_names(['a', 'b', 'c', 'd'], shown=2) == 'a, b and 2 more'
    assert list_names(['a', 'b'], shown=2) == 'a, b'
