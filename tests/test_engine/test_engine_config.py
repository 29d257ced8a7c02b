"""Config keys, the choice of mixed precision, and process groups without a GPU."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, OPTIM_WRAPPERS

from projects.engine import (
    RUNNER_KEYS,
    ConfigError,
    CpuAutocastOptimWrapper,
    SafeRunner,
    check_config_keys,
    enable_amp,
    explain_unknown_argument,
    find_config,
    naming_config_keys,
    read_config,
    setup_cpu_process_group,
)
from projects.transforms.sizes import checked_size


def test_keys_of_the_runner_and_private_names_pass(toys):
    check_config_keys(Config(toys.toy_config('w', _helper=1)))


def test_misspelt_key_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"'optim_wraper' is read by nothing: did you mean 'optim_wrapper'\?"):
        check_config_keys(Config({'optim_wraper': {}}))
    with pytest.raises(ConfigError, match='zzzzzz'):
        check_config_keys(Config({'zzzzzz': 1}))


OCC = 'configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py'
DEPTH = 'configs/mono_depth/mono-depth_mini_1xb4-12e_minidrive.py'
RADOCC = 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'


@pytest.mark.parametrize(
    ('config', 'option', 'meant'),
    [
        (OCC, 'max_epochs', 'train_cfg.max_epochs'),
        (OCC, 'max_epoch', 'train_cfg.max_epochs'),
        (DEPTH, 'batch_size', 'train_dataloader.batch_size, val_dataloader.batch_size, test_dataloader.batch_size'),
        (DEPTH, 'lr', 'optim_wrapper.optimizer.lr'),
        (OCC, 'num_workers', 'train_dataloader.num_workers'),
        (DEPTH, 'data_root', 'train_dataloader.dataset.data_root'),
        (OCC, 'point_cloud_range', 'model.view_transform.point_cloud_range'),
        (RADOCC, 'grid_size', 'model.student.view_transform.grid_size'),
        (OCC, 'input_size', 'train_dataloader.dataset.pipeline[1].final_dim'),
        (DEPTH, 'crop_size', 'train_dataloader.dataset.pipeline[2].size'),
        (RADOCC, 'sweeps_num', 'train_dataloader.dataset.pipeline[5].num_sweeps'),
        (OCC, 'train_pipeline', 'train_dataloader.dataset.pipeline'),
        (RADOCC, 'student.occ_head.in_channels', 'model.student.occ_head.in_channels'),
        (OCC, 'train_dataloder.batch_size', "did you mean 'train_dataloader.batch_size'"),
        (OCC, 'class_names', 'no key of this config'),
        (DEPTH, 'cams', 'no key of this config'),
    ],
)
def test_an_option_that_would_change_nothing_names_the_key_that_was_meant(repo, config, option, meant):
    with pytest.raises(ConfigError) as error:
        read_config(repo / config, {option: 1})
    assert f'--cfg-options {option} would change nothing' in str(error.value)
    assert meant in str(error.value)


def test_options_below_keys_of_the_runner_count(repo):
    cfg = read_config(repo / RADOCC, {'train_cfg.max_epochs': 1, 'model.student.occ_head.in_channels': 3})
    assert (cfg.train_cfg.max_epochs, cfg.model.student.occ_head.in_channels) == (1, 3)


def test_a_config_that_was_read_holds_only_what_the_runner_reads(repo, tmp_path):
    cfg = read_config(repo / RADOCC)
    assert set(cfg) <= RUNNER_KEYS
    cfg.dump(tmp_path / 'merged.py')
    assert read_config(tmp_path / 'merged.py').model == cfg.model


def write(path, text):
    path.write_text(text)
    return path


def test_a_variable_of_a_child_counts_only_where_it_is_read(repo, tmp_path):
    base = f"_base_ = '{repo / OCC}'\n"
    model = 'model = dict(view_transform=dict(out_channels=numC_Trans))\n'
    read = write(tmp_path / 'read.py', base + 'numC_Trans = 80\n' + model)
    assert read_config(read).model.view_transform.out_channels == 80
    unread = write(tmp_path / 'unread.py', base + "data_root = '/mnt/nuscenes'\n")
    with pytest.raises(ConfigError, match=r"'data_root' of .*unread\.py is read by nothing: set train_dataloader"):
        read_config(unread)
    # Read by a child of its own, the same name counts.
    loader = 'train_dataloader = dict(dataset=dict(data_root=_base_.data_root))\n'
    assert (
        read_config(write(tmp_path / 'grandchild.py', "_base_ = './unread.py'\n" + loader)).train_dataloader.dataset[
            'data_root'
        ]
        == '/mnt/nuscenes'
    )
    with pytest.raises(ConfigError, match=r"'data_root' of .*unread\.py"):
        read_config(write(tmp_path / 'other.py', "_base_ = './unread.py'\n"))


def test_bases_may_offer_names_that_a_child_does_not_take_but_no_misspelt_keys(tmp_path):
    write(tmp_path / 'base.py', 'width = 3\nfusion_pipeline = []\nmodel = dict(width=width)\n')
    assert read_config(write(tmp_path / 'child.py', "_base_ = './base.py'\n")).model.width == 3
    write(tmp_path / 'base.py', 'optim_wraper = dict()\n')
    with pytest.raises(ConfigError, match=r"'optim_wraper' of .*base\.py .*optim_wrapper"):
        read_config(tmp_path / 'child.py')


@pytest.mark.parametrize('suffix', ['json', 'yml'])
def test_variables_of_json_and_yaml_configs_are_checked(tmp_path, suffix):
    write(tmp_path / 'base.py', 'width = 3\nmodel = dict(width=width)\n')
    child = write(tmp_path / f'child.{suffix}', '{"_base_": "./base.py", "train_cfg": {"max_epochs": 2}}')
    assert read_config(child).train_cfg.max_epochs == 2
    write(child, '{"_base_": "./base.py", "width": 4, "train_cfg": {"max_epochs": 2}}')
    with pytest.raises(ConfigError, match=r"'width' of .* is read by nothing: set model\.width"):
        read_config(child)


def test_a_mistyped_path_names_the_nearest_config(repo, monkeypatch):
    monkeypatch.chdir(repo)
    with pytest.raises(ConfigError, match=r'nearest are\n    configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus\.py'):
        read_config('configs/flashocc/flashocc_r50_8xb4-24e_occ3dnus.py')


def test_an_error_in_a_config_names_the_file_and_the_line(tmp_path):
    write(tmp_path / 'base.py', 'width = 3\nmodel = dict(width=not_a_name)\n')
    child = write(tmp_path / 'child.py', "_base_ = './base.py'\n")
    with pytest.raises(ConfigError, match=r"base\.py, line 2: NameError: name 'not_a_name' is not defined"):
        read_config(child)


@MODELS.register_module()
class KeyedPart:
    """Something that is built from two keys."""

    def __init__(self, width=1, depth=1):
        self.size = (width, depth)


def test_misspelt_model_key_is_named_with_its_place_and_the_known_keys():
    cfg = {'type': 'Outer', 'parts': [{'type': 'KeyedPart', 'widht': 1}]}
    with pytest.raises(TypeError) as error:
        MODELS.build(cfg['parts'][0])
    message = explain_unknown_argument(error.value, cfg, 'model')
    assert message == "unknown config key model.parts[0].widht (did you mean 'width'?); KeyedPart takes width, depth"
    assert explain_unknown_argument(error.value, {'type': 'KeyedPart'}) is None
    assert explain_unknown_argument(TypeError('another fault'), cfg) is None


@pytest.mark.parametrize(
    ('name', 'advice'),
    [
        ('KeyedPrat', r"did you mean 'KeyedPart'\? Else import the module"),
        ('Elsewhere', r'\); import the module that registers it: custom_imports = .*on PYTHONPATH'),
    ],
)
def test_a_type_that_is_not_registered_is_named_with_its_place(name, advice):
    cfg = {'type': 'Outer', 'parts': [{'type': 'KeyedPart', 'width': 1}, {'type': name}]}
    named = pytest.raises(ConfigError, match=rf"model\.parts\[1\]\.type: '{name}' is not registered .*{advice}")
    with named, naming_config_keys(cfg, 'model'):
        MODELS.build(cfg['parts'][1])
    with pytest.raises(KeyError, match='another'), naming_config_keys(cfg, 'model'):
        raise KeyError('another')


def test_a_hook_that_is_not_registered_is_named_with_its_place(toys, tmp_path):
    config = changed(toys.toy_config(tmp_path), 'custom_hooks', [{'type': 'NoSuchHook'}])
    with pytest.raises(ConfigError, match=r"custom_hooks\[0\]\.type: 'NoSuchHook' is not registered"):
        SafeRunner.from_cfg(Config(config))


def test_torchvision_weights_without_torchvision_name_the_key_and_the_way_round():
    cfg = {'model': {'backbone': {'init_cfg': {'type': 'Pretrained', 'checkpoint': 'torchvision://resnet50'}}}}
    named = pytest.raises(ConfigError, match=r'model\.backbone\.init_cfg\.checkpoint.*imagenet://resnet50')
    with named, naming_config_keys(cfg):
        raise ModuleNotFoundError('No module named torchvision', name='torchvision')
    with pytest.raises(ModuleNotFoundError, match='numpy'), naming_config_keys(cfg):
        raise ModuleNotFoundError('numpy', name='numpy')


BFLOAT16 = {'type': 'AmpOptimWrapper', 'dtype': 'bfloat16', 'loss_scale': {'enabled': False}}


@pytest.mark.parametrize(
    ('supported', 'after'),
    [(True, BFLOAT16), (False, {'type': 'AmpOptimWrapper', 'dtype': 'float16', 'loss_scale': 'dynamic'})],
)
def test_amp_is_bfloat16_on_gpus_that_have_it_and_scaled_float16_on_others(supported, after, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: supported)
    cfg = {'type': 'OptimWrapper'}
    enable_amp(cfg, amp=True, cuda=True)
    assert cfg == after


def test_bfloat16_on_a_gpu_leaves_no_step_out_whose_gradient_is_infinite(monkeypatch):
    """A scaler would do so, and the training would go on without a word."""
    monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)
    weight = torch.nn.Parameter(torch.ones(1))
    wrapper = OPTIM_WRAPPERS.build({**BFLOAT16, 'optimizer': torch.optim.SGD([weight], lr=0.5)})
    wrapper.update_params(2 * weight.sum())
    assert weight.item() == 0
    wrapper.update_params(float('inf') * weight.sum())
    assert not weight.isfinite()


@pytest.mark.parametrize(
    ('before', 'amp', 'cuda', 'after'),
    [
        ('OptimWrapper', False, True, {'type': 'OptimWrapper'}),
        ('OptimWrapper', True, False, {'type': 'CpuAutocastOptimWrapper'}),
        ('AmpOptimWrapper', False, False, {'type': 'CpuAutocastOptimWrapper'}),
        ('AmpOptimWrapper', True, True, {'type': 'AmpOptimWrapper'}),
    ],
)
def test_wrapper_for_mixed_precision(before, amp, cuda, after):
    cfg = {'type': before}
    if (before, cuda) == ('AmpOptimWrapper', False):
        cfg['loss_scale'] = 'dynamic'
    enable_amp(cfg, amp, cuda)
    assert cfg == after


def test_amp_refuses_a_wrapper_it_cannot_replace():
    with pytest.raises(ValueError, match='ApexOptimWrapper'):
        enable_amp({'type': 'ApexOptimWrapper'}, amp=True, cuda=True)


def test_cpu_autocast_computes_in_bfloat16_and_updates_in_float32(toys):
    net = toys.ToyNet(dropout=0.0)
    wrapper = OPTIM_WRAPPERS.build(
        {'type': 'CpuAutocastOptimWrapper', 'optimizer': torch.optim.SGD(net.parameters(), lr=0.1)}
    )
    assert isinstance(wrapper, CpuAutocastOptimWrapper)
    before = net.head.weight.detach().clone()
    with wrapper.optim_context(net):
        logits = net({'x': torch.randn(4, 4)})['logits']
    assert logits.dtype == torch.bfloat16
    wrapper.update_params(logits.float().square().mean())
    assert net.head.weight.dtype == torch.float32
    assert not torch.equal(net.head.weight, before)


def test_process_group_without_launcher_names_the_script(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('MASTER_PORT', '29500')
    with pytest.raises(RuntimeError, match=r'RANK.*dist_train\.sh'):
        setup_cpu_process_group('pytorch')
    with pytest.raises(ValueError, match='launcher must be one of'):
        setup_cpu_process_group('torch')


def test_no_worker_needs_no_persistence(toys):
    loader = toys.toy_config('w', workers=2)['train_dataloader']
    assert SafeRunner.build_dataloader(loader).persistent_workers
    loader.update(num_workers=0, prefetch_factor=2)
    assert not SafeRunner.build_dataloader(loader).persistent_workers


def test_a_loop_without_a_batch_names_the_key_and_the_counts(toys, tmp_path):
    config = toys.toy_config(tmp_path)
    config['train_dataloader']['dataset']['indices'] = 2
    runner = SafeRunner.from_cfg(Config(config))
    with pytest.raises(ValueError, match=r'train_dataloader gives no batch: its data set has 2 samples.*batch of 3'):
        runner.train()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r"c\.py has no 'model'"),
        ('_base_ = []\n', r"c\.py has no 'model'"),
        ('model = None\n', r"c\.py has no 'model'"),
        ('raise SystemExit(0)\n', r'c\.py, line 1: SystemExit: 0'),
        ('model = dict(\n', r"c\.py: SyntaxError: '\(' was never closed"),
        ('model = dict(width=nothing)\n', r"c\.py, line 1: NameError: name 'nothing' is not defined"),
        ("_base_ = './c.py'\n", r'c\.py: RecursionError'),
    ],
)
def test_a_file_that_is_no_config_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_config(write(tmp_path / 'c.py', text))


PIXELS = {'type': 'ImgDataPreprocessor', 'mean': 5, 'std': 5}


def changed(config, path, value):
    """Set a value below a dotted path."""
    *parents, last = path.split('.')
    part = config
    for name in parents:
        part = part[name]
    part[last] = value
    return config


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        ('optim_wrapper.optimizer.lr', 'fast', r"optim_wrapper of the config .* with .*lr='fast'.*TypeError"),
        ('optim_wrapper.optimizer.type', 'NoSuchOptimizer', r"optim_wrapper\.optimizer\.type 'NoSuchOptimizer' is no"),
        (
            'param_scheduler',
            {'type': 'ConstantLR', 'factor': 'x'},
            r"param_scheduler of the config .* with .*factor='x'",
        ),
        ('train_cfg.max_epochs', -2, r'train_cfg\.max_epochs must be an integer of at least 1, got -2'),
        ('train_cfg.max_epochs', None, r'train_cfg\.max_epochs must be an integer .* got None'),
        ('train_cfg.max_epochs', 'two', r"train_cfg\.max_epochs must be an integer .* got 'two'"),
        ('train_dataloader.dataset.length', 'many', r"cannot be built with .*length='many'.*TypeError"),
        ('randomness', {'seed': 'a'}, r"randomness\.seed must be an integer of at least 0, got 'a'"),
        ('randomness', {'seed': -1}, r'randomness\.seed must be an integer of at least 0, got -1'),
        ('model', {'type': 'ToyNet', 'channels': 'eight'}, r"model of the config .* with .*channels='eight'"),
        ('model', {'type': 'ToyNet', 'channels': -8}, r'model of the config .* with .*channels=-8'),
        ('model', {'type': 'ToyNet', 'data_preprocessor': PIXELS}, r'model of the config .* with .*mean=5'),
    ],
)
def test_values_that_nothing_can_be_built_with_are_named_by_their_part(toys, tmp_path, path, value, message):
    config = changed(toys.toy_config(tmp_path), path, value)
    with pytest.raises(ConfigError, match=message):
        SafeRunner.from_cfg(Config(config)).train()


@pytest.mark.parametrize('size', ['big', (4,), (4, 5, 6), (-64, 128), (0, 4), (4.5, 4), 7, None])
def test_sizes_that_are_none_are_refused_by_the_class_that_has_them(size):
    with pytest.raises(ValueError, match='size of StereoCrop must be two positive integers'):
        checked_size(size, 'size of StereoCrop')
    assert checked_size([64, 128], 'x') == (64, 128)


def test_a_config_is_found_by_its_name_from_anywhere(tmp_path, monkeypatch, repo):
    monkeypatch.chdir(tmp_path)
    assert find_config('flashocc_mini_1xb1-7e_minidrive') == str(
        repo / 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'
    )
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/mine.py').write_text('model = dict()\n')
    assert find_config('mine') == 'configs/mine.py'
    assert find_config('elsewhere/mine.py') == 'elsewhere/mine.py'
    with pytest.raises(
        ConfigError, match=r'config not found: flashocc_mimi_1xb1-7e_minidrive.py. The nearest are\n.*min'
    ):
        find_config('flashocc_mimi_1xb1-7e_minidrive')
