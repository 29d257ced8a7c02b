"""Types of the values of command lines."""

import pytest

from projects.cli import ToolParser, output_file, positive_int


def test_whole_numbers_from_one_on_pass():
    assert [positive_int('1'), positive_int('12')] == [1, 12]


@pytest.mark.parametrize(('text', 'message'), [('0', 'must be at least 1, got 0'), ('2.5', 'invalid positive_int')])
def test_other_values_end_with_exit_code_2_and_the_flag(text, message, capsys):
    parser = ToolParser()
    parser.add_argument('--workers', type=positive_int)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(['--workers', text])
    assert stop.value.code == 2
    assert f'argument --workers: {message}' in capsys.readouterr().err


def test_file_to_write_cannot_be_a_folder_or_below_a_file(tmp_path, capsys):
    parser = ToolParser()
    parser.add_argument('--json', type=output_file)
    (tmp_path / 'file').write_text('')
    assert parser.parse_args(['--json', str(tmp_path / 'new/a.json')]).json == tmp_path / 'new/a.json'
    assert parser.parse_args(['--json', str(tmp_path / 'file')]).json == tmp_path / 'file'
    for name, message in (
        (tmp_path, 'is a folder; give the name of a file'),
        (tmp_path / 'file/a/b', 'is a file, not'),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args(['--json', str(name)])
        assert message in capsys.readouterr().err
