"""The index of models: whole, consistent with the configs, and with no number that its page does not have."""

import re
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]
FILES = sorted(path.relative_to(REPO).as_posix() for path in REPO.glob('configs/*/metafile.yml'))
#: Configs that are no models of their own, and why.
NO_MODELS = {'*_tta.py': 'the model of the config without this ending, tested with flips'}
#: How the name of a config ends, and what it trains on; depth has MiniDrive in KITTI format.
DATA = {
    'occ3d-nus': 'Occ3D-nuScenes',
    'nus-lidarseg': 'nuScenes-lidarseg',
    'kitti-eigen': 'KITTI, Eigen split',
    'kitti-official': 'KITTI, official split',
    'drivingstereo': 'DrivingStereo',
}
MINIDRIVE = {True: 'MiniDrive-KITTI', False: 'MiniDrive'}


def read(name):
    return yaml.safe_load((REPO / name).read_text(encoding='utf-8'))


MODELS = [pytest.param(file, model, id=model['Name']) for file in FILES for model in read(file)['Models']]
MEASURED = [param for param in MODELS if 'Results' in param.values[1]]


def test_the_index_imports_every_metafile():
    assert read('model-index.yml') == {'Import': FILES}


@pytest.mark.parametrize('file', FILES)
def test_collection_is_the_folder(file):
    (collection,) = read(file)['Collections']
    assert set(collection) <= {'Name', 'Paper', 'README', 'Code'}
    assert collection['README'] == str(Path(file).with_name('README.md'))
    assert (REPO / collection['README']).is_file()
    assert (REPO / collection['Code']).exists()
    if 'Paper' in collection:
        assert re.fullmatch(r'https://arxiv\.org/abs/\d{4}\.\d{5}', collection['Paper']['URL'])


@pytest.mark.parametrize('file', FILES)
def test_models_are_the_configs_of_the_folder(file):
    folder = (REPO / file).parent
    left_out = {path for pattern in NO_MODELS for path in folder.rglob(pattern)}
    configs = [path.relative_to(REPO).as_posix() for path in set(folder.rglob('*.py')) - left_out]
    assert sorted(model['Config'] for model in read(file)['Models']) == sorted(configs)


@pytest.mark.parametrize(('file', 'model'), MODELS)
def test_model_is_named_after_its_config_and_trains_on_the_data_of_its_name(file, model):
    assert set(model) <= {'Name', 'In Collection', 'Config', 'Metadata', 'Results'}
    assert model['In Collection'] == read(file)['Collections'][0]['Name']
    assert model['Name'] == Path(model['Config']).stem
    depth = file.split('/')[1] in ('adudepth', 'mono_depth', 'stereo_depth')
    data = DATA | {'minidrive': MINIDRIVE[depth]}
    assert model['Metadata']['Training Data'] == data[model['Name'].rsplit('_', 1)[1]]


def test_names_of_models_and_collections_are_unique():
    names = [param.values[1]['Name'] for param in MODELS]
    collections = [read(file)['Collections'][0]['Name'] for file in FILES]
    assert len(set(names)) == len(names)
    assert len(set(collections)) == len(collections)


@pytest.mark.parametrize(('file', 'model'), MEASURED)
def test_measured_numbers_stand_together_in_the_page_that_is_named(file, model):
    """A trailing zero of the page is not in the YAML."""
    page = (REPO / model['Metadata']['Measured In']).read_text(encoding='utf-8')
    assert model['Metadata']['Run']
    for result in model['Results']:
        patterns = [rf'(?<![\d.]){re.escape(str(value))}0*(?![\d])' for value in result['Metrics'].values()]
        assert result['Task']
        assert result['Dataset'].startswith('MiniDrive')
        assert any(all(re.search(pattern, line) for pattern in patterns) for line in page.split('\n'))


def test_what_the_demos_measured_is_in_the_index():
    assert len(MEASURED) >= 10
