"""extract_student.py and publish_model.py on a distilled toy checkpoint."""

import pytest
import torch
from mmdet3d.registry import MODELS

import projects.distillation  # noqa: F401 - registers the Distiller
from projects.engine import load_checkpoint_safe, save_checkpoint_atomic


@pytest.fixture
def distilled(toys, tmp_path):
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet(channels=6).state_dict()}, tmp_path / 'teacher.pth')
    model = MODELS.build(toys.distiller_config(tmp_path / 'teacher.pth'))
    raw = {f'module.{key}': value + 1 for key, value in model.state_dict().items()}
    checkpoint = {
        'meta': {'epoch': 3, 'cfg': 'x', 'teacher': {'sha256': 'ab'}},
        'state_dict': model.state_dict(),
        'ema_state_dict': {'steps': torch.tensor(4), **raw},
        'optimizer': {},
    }
    save_checkpoint_atomic(checkpoint, tmp_path / 'distilled.pth')
    return model, tmp_path / 'distilled.pth'


def test_plain_student_predicts_like_the_distilled_model(distilled, toys, run_python, tmp_path):
    model, path = distilled
    out = tmp_path / 'out/student.pth'
    result = run_python('tools/model_converters/extract_student.py', path, out)
    assert f'{out}: 9 tensors of the student' in result.stdout
    plain = toys.ToyNet()
    plain.load_state_dict(load_checkpoint_safe(out)['state_dict'], strict=True)
    inputs = {'x': torch.randn(5, 4)}
    assert torch.equal(plain.eval()(inputs)['logits'], model.eval()(inputs)['logits'])
    assert load_checkpoint_safe(out)['meta'] == {'epoch': 3, 'teacher': {'sha256': 'ab'}}


def test_raw_takes_the_weights_without_averaging(distilled, run_python, tmp_path):
    model, path = distilled
    run_python('tools/model_converters/extract_student.py', path, tmp_path / 's.pth', '--raw')
    state = load_checkpoint_safe(tmp_path / 's.pth')['state_dict']
    assert torch.equal(state['head.bias'], model.student.head.bias.detach() + 1)


def test_a_checkpoint_without_student_is_refused(distilled, run_python, tmp_path):
    result = run_python(
        'tools/model_converters/extract_student.py', tmp_path / 'teacher.pth', tmp_path / 's.pth', check=False
    )
    assert result.returncode
    assert 'not the checkpoint of a distillation' in result.stderr
    assert not (tmp_path / 's.pth').exists()


def test_publish_names_the_file_after_its_content(distilled, run_python, tmp_path):
    result = run_python('tools/model_converters/publish_model.py', distilled[1], tmp_path / 'model.pth')
    path = next(tmp_path.glob('model-*.pth'))
    assert str(path) in result.stdout
    assert len(path.stem) == len('model-') + 8
    assert set(load_checkpoint_safe(path)) == {'meta', 'state_dict'}


def test_two_publications_of_one_name_at_once_are_named_after_their_own_content(tmp_path, monkeypatch, repo):
    monkeypatch.syspath_prepend(str(repo / 'tools/model_converters'))
    import publish_model

    for number in (1, 2):
        save_checkpoint_atomic({'meta': {}, 'state_dict': {'a': torch.tensor(number)}}, tmp_path / f'{number}.pth')
    real = publish_model.file_sha256

    def while_another_publishes(path):
        monkeypatch.setattr(publish_model, 'file_sha256', real)
        publish_model.publish(tmp_path / '2.pth', tmp_path / 'out/model.pth')
        return real(path)

    monkeypatch.setattr(publish_model, 'file_sha256', while_another_publishes)
    first = publish_model.publish(tmp_path / '1.pth', tmp_path / 'out/model.pth')
    assert load_checkpoint_safe(first)['state_dict']['a'] == 1
    found = list((tmp_path / 'out').iterdir())
    assert len(found) == 2
    assert all(path.stem == f'model-{real(path)[:8]}' for path in found)
