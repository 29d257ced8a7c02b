"""Types of the values of command lines."""

import pytest

from projects.cli import ToolParser, positive_int


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
