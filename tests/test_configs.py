"""Every config loads, holds nothing but literals, and builds its model; misspelt keys are errors."""

import ast
import copy
import functools
import re
from pathlib import Path

import pytest
import torch
from mmdet3d.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from torch.overrides import TorchFunctionMode

from projects.engine import read_config
from projects.occ_eval.classes import OCC3D, SPARSE

REPO = Path(__file__).resolve().parents[1]
CONFIGS = sorted(
    str(p.relative_to(REPO)) for p in REPO.glob('configs/*/**/*.py') if not {'_base_', 'studies'} & set(p.parts)
)
DEPTH_CONFIGS = [name for name in CONFIGS if name.split('/')[1] in ('mono_depth', 'stereo_depth', 'adudepth')]
OCC_CONFIGS = [name for name in CONFIGS if name not in DEPTH_CONFIGS]


@functools.cache
def read(name):
    cfg = Config.fromfile(str(REPO / name))
    import_modules_from_strings(**cfg.custom_imports)
    return cfg


def load(name):
    """A copy of a config, which is read once."""
    cfg = copy.deepcopy(read(name))
    init_default_scope(cfg.default_scope)
    return cfg


class LinspaceOnCpu(TorchFunctionMode):
    """mmdet's Swin reads the values of a ``linspace`` when it is built, which tensors without memory do not have."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.linspace:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


def build(cfg):
    """Build a model without memory for its weights, and without its teacher's checkpoint."""
    with torch.device('meta'), LinspaceOnCpu():
        return MODELS.build(cfg)


def plain_models(model):
    """The models a config trains or uses; a Distiller is opened, as its teacher needs a checkpoint to be built."""
    return [model.student, model.teacher] if model.type == 'Distiller' else [model]


def transform_types(pipeline):
    return [step['type'] for step in pipeline]


def test_there_are_configs():
    assert len(CONFIGS) >= 15


@pytest.mark.parametrize('name', CONFIGS)
def test_config_is_accepted_and_holds_nothing_but_literals(name):
    read_config(REPO / name)
    content = load(name).to_dict()
    assert ast.literal_eval(repr(content)) == content


@pytest.mark.parametrize('name', {name.split('/')[1]: name for name in CONFIGS}.values())
def test_config_dumps_and_reloads(name, tmp_path):
    """One of each method: a dump is the literals, laid out at length."""
    cfg = load(name)
    cfg.dump(str(tmp_path / 'dumped.py'))
    assert Config.fromfile(str(tmp_path / 'dumped.py')).to_dict() == cfg.to_dict()


@pytest.mark.parametrize('name', CONFIGS)
def test_config_builds_its_models(name):
    for model in plain_models(load(name).model):
        built = build(model)
        assert callable(built.extract_outputs)
        assert callable(built.loss_by_outputs)


@pytest.mark.parametrize('name', CONFIGS)
def test_classes_of_the_data_side_exist(name):
    cfg = load(name)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert DATASETS.get(loader.dataset.type) is not None
        for kind in transform_types(loader.dataset.pipeline):
            assert TRANSFORMS.get(kind) is not None, kind
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert METRICS.get(evaluator.type) is not None
    for hook in [*cfg.default_hooks.values(), *cfg.get('custom_hooks', [])]:
        assert HOOKS.get(hook.type) is not None, hook.type


@pytest.mark.parametrize('name', OCC_CONFIGS)
def test_labels_are_loaded_for_training_and_lidar_only_where_it_is_used(name):
    cfg = load(name)
    model = cfg.model.student if cfg.model.type == 'Distiller' else cfg.model
    rays = model.get('ray_supervision')
    makers = {'LoadOccupancyLabels', 'VoxelizePointClasses'}
    loads_labels = not makers.isdisjoint(transform_types(cfg.train_dataloader.dataset.pipeline))
    assert loads_labels == (rays is None or rays.voxel_losses)
    tests_read_lidar = 'LoadLidarPoints' in transform_types(cfg.test_dataloader.dataset.pipeline)
    assert tests_read_lidar == ('pts_encoder' in model)
    assert cfg.test_dataloader.dataset.modality.use_lidar == tests_read_lidar
    trains_on_depth = model.get('view_transform', {}).get('loss_depth') is not None
    if trains_on_depth:
        assert 'LiDARDepthMap' in transform_types(cfg.train_dataloader.dataset.pipeline)


@pytest.mark.parametrize('name', DEPTH_CONFIGS)
def test_depth_is_loaded_and_a_right_image_only_where_it_is_used(name):
    cfg = load(name)
    distilled = cfg.model.type == 'Distiller'
    model = cfg.model.student if distilled else cfg.model
    stereo = model.type == 'StereoDepthModel'
    assert 'LoadDepthMap' in transform_types(cfg.train_dataloader.dataset.pipeline)
    if stereo or distilled:
        assert cfg.train_dataloader.dataset.stereo
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.get('stereo', False) == stereo


@pytest.mark.parametrize('name', CONFIGS)
def test_name_rate_schedule_and_average_are_made_for_the_same_steps(name):
    """8xb4-24e: 8 GPUs with batches of 4 and 24 epochs, the rate made for 32 samples, or more where some accumulate."""
    cfg = load(name)
    gpus, batch, epochs = map(int, re.search(r'_(\d+)xb(\d+)-(\d+)e_', name).groups())
    counts = cfg.optim_wrapper.get('accumulative_counts', 1)
    assert cfg.train_dataloader.batch_size == batch
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.auto_scale_lr.base_batch_size == gpus * batch * counts
    assert {entry['end'] for entry in cfg.param_scheduler if entry.get('by_epoch', True)} <= {epochs}
    averages = [hook for hook in cfg.custom_hooks if hook['type'] == 'EMAHook']
    assert all(hook.get('interval', 1) == counts for hook in averages)


@pytest.mark.parametrize(
    ('name', 'published', 'tolerance'),
    [
        ('configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py', 39.94, 0.005),
        ('configs/flashocc/flashocc_r50-m1_8xb4-24e_occ3d-nus.py', 44.74, 0.006),
        ('configs/bevdet_occ/bevdet-occ_r50_8xb4-24e_occ3d-nus.py', 29.02, 0.03),
        ('configs/flashocc/flashocc_swin-b-4d-stereo_8xb2-24e_occ3d-nus.py', 144.99, 0.06),
        # As released weights want it: exactly the parameters of the authors' models.
        ('configs/flashocc/flashocc_r50-legacy_8xb4-24e_occ3d-nus.py', 39.938892, 0),
        ('configs/flashocc/flashocc_r50-m1-legacy_8xb4-24e_occ3d-nus.py', 44.744312, 0),
        ('configs/bevdet_occ/bevdet-occ_r50-legacy_8xb4-24e_occ3d-nus.py', 29.021482, 0),
        ('configs/flashocc/flashocc_swin-b-4d-stereo-legacy_8xb2-24e_occ3d-nus.py', 144.98911, 0),
    ],
)
def test_full_size_students_have_the_published_number_of_parameters(name, published, tolerance):
    """Millions of parameters in FlashOcc's README."""
    count = sum(p.numel() for p in build(load(name).model).parameters()) / 1e6
    assert count == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(
    'path', ['model', 'model.view_transform', 'model.occ_head', 'model.grid_neck', 'model.occ_head.loss_occ']
)
def test_misspelt_model_key_is_named(path):
    cfg = load('configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py')
    cfg.merge_from_dict({f'{path}.grid_sise': [1]})
    with pytest.raises(TypeError, match='grid_sise'):
        build(cfg.model)


def test_misspelt_model_type_is_named():
    cfg = load('configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py')
    cfg.model.occ_head.type = 'FlashOccHed'
    with pytest.raises(KeyError, match='FlashOccHed'):
        build(cfg.model)


NUMBER_END = r'(\.0)?, *'


@pytest.mark.parametrize(
    'literal',
    [
        rf'-40{NUMBER_END}-40',
        rf'[^-]40{NUMBER_END}40{NUMBER_END}5\.4',
        r'200, *200, *16[\])]',
        r'-51\.2, *-51\.2',
        r'256, *256, *20',
        r"'bicycle',\s*'bus',\s*'car'",
        r"'trailer',\s*'truck'",
        r"'CAM_FRONT_LEFT',\s*'CAM_FRONT'",
    ],
)
def test_ranges_grids_classes_and_cameras_stand_in_one_module(literal):
    """Docstrings may give the shape of an array; configs import the module, MiniDrive as well."""
    files = [path for folder in ('configs', 'projects', 'tools', 'demo') for path in REPO.glob(f'{folder}/**/*.py')]
    found = {str(path.relative_to(REPO)) for path in files if re.search(literal, without_docstrings(path))}
    assert found == {'projects/occ_eval/classes.py'}


def without_docstrings(path):
    """Text of a file without the strings that stand alone, and without the help of options."""
    text = path.read_text(encoding='utf-8')
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        alone = node.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else None
        told = node.value if isinstance(node, ast.keyword) and node.arg == 'help' else None
        for string in (alone, told):
            if string is not None:
                lines[string.lineno - 1 : string.end_lineno] = [''] * (string.end_lineno - string.lineno + 1)
    return '\n'.join(lines)


@pytest.mark.parametrize('name', ['grids/occ3d-nus.py', 'datasets/sparse-nus.py'])
def test_the_grid_of_the_configs_is_that_of_the_data_set(name):
    spec = OCC3D if name.startswith('grids') else SPARSE
    cfg = Config.fromfile(REPO / 'configs/_base_' / name)
    found = (cfg.point_cloud_range, cfg.grid_size, cfg.class_names)
    assert tuple(map(tuple, found)) == (spec.point_cloud_range, spec.grid_size, spec.classes)
    assert not [name for name in cfg if name.startswith('_')]


def test_sizes_of_the_two_tasks():
    """As the papers and the authors' code have them."""
    assert (OCC3D.point_cloud_range, OCC3D.grid_size) == ((-40, -40, -1, 40, 40, 5.4), (200, 200, 16))
    assert (SPARSE.point_cloud_range, SPARSE.grid_size) == ((-51.2, -51.2, -3, 51.2, 51.2, 5), (256, 256, 20))
    assert len(OCC3D.classes) == 18
    assert OCC3D.classes == SPARSE.classes


@pytest.mark.parametrize('name', OCC_CONFIGS)
def test_models_and_rays_see_the_box_of_the_data_set(name):
    cfg = load(name)
    names, grid = ('view_transform', 'pts_encoder'), DATASETS.get(cfg.train_dataloader.dataset.type).METAINFO
    parts = [model.get(name) for model in plain_models(cfg.model) for name in names]
    if cfg.model.type == 'Distiller' and cfg.model.shared:
        geometry = cfg.model.shared.rays.geometry
        boxed = [geometry, *(part for part in cfg.model.connectors.values() if 'point_cloud_range' in part)]
        assert all(tuple(part.grid_size) == grid['grid_size'] for part in boxed)
        parts += boxed
    parts += [model.ray_supervision.geometry for model in plain_models(cfg.model) if 'ray_supervision' in model]
    boxes = [tuple(part.point_cloud_range) for part in parts if part is not None]
    assert boxes == [grid['point_cloud_range']] * len(boxes) != []
