"""A device that is not the CPU, without a GPU: tensors that say "fakegpu" and keep their values on the CPU.

Code takes its paths for devices on them, with real numbers and real shapes, forward and backward; an operation on
tensors of both devices raises. ``Count`` counts what is asked of the device, and where the host would wait for it.
``register`` acts on the whole process: use it in a process of its own.
"""

import traceback
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = 'fakegpu:0'
REPO = Path(__file__).resolve().parents[1]

# What the host cannot launch, or cannot go on after, before it has seen values: sizes of results, errors, scalars.
WAITS = {
    '_local_scalar_dense': 'value read',
    '_linalg_check_errors': 'check for errors',
    'nonzero': 'nonzero',
    'masked_select': 'masked_select',
    '_unique2': 'unique',
    'unique_dim': 'unique',
    'unique_consecutive': 'unique',
    'bincount': 'bincount',
    'equal': 'equal',
}
INDEXING = ('index', 'index_put', 'index_put_', '_index_put_impl_')
# No kernel: views are left out as well.
FREE = {
    '_local_scalar_dense', '_linalg_check_errors', '_unsafe_view', 'alias', 'detach', 'empty', 'empty_like',
    'empty_strided', 'lift_fresh', 'new_empty', 'new_empty_strided',
}  # fmt: skip


def register():
    """Make the device known to this process, with a device guard for the backward pass."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend('fakegpu')
    torch.fakegpu.get_amp_supported_dtype = lambda: [torch.bfloat16]
    torch.fakegpu.is_available = lambda: False
    torch._C._set_only_lift_cpu_tensors(True)  # so that a dispatch mode sees constants on their way to the device


class StandIn(Tensor):
    """Tensor of the device; ``values`` are what it holds, on the CPU."""

    @staticmethod
    def __new__(cls, values):
        layout = {'strides': values.stride(), 'storage_offset': values.storage_offset(), 'dtype': values.dtype}
        made = Tensor._make_wrapper_subclass(cls, values.size(), **layout, device=DEVICE)
        made.values = values
        return made

    def __repr__(self):
        return f'StandIn({self.values!r})'

    def tolist(self):
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


def is_there(device):
    """Whether an argument ``device`` names the device."""
    return device is not None and torch.device(device).type == 'fakegpu'


def run(func, args, kwargs):
    """Run an operation on the values; the result lives where PyTorch would put it."""
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    ours = {id(x.values): x for x in tensors if isinstance(x, StandIn)}
    name, device = func.overloadpacket.__name__, kwargs.get('device')
    if ours and name not in ('copy_', *INDEXING):
        strangers = [tuple(x.shape) for x in tensors if not isinstance(x, StandIn) and x.dim()]
        if strangers:
            raise RuntimeError(f'{func} got tensors of {DEVICE} and tensors of the device cpu, of shapes {strangers}')
    if device is not None:
        kwargs = {**kwargs, 'device': 'cpu'}
    args, kwargs = tree_map(lambda x: x.values if isinstance(x, StandIn) else x, (args, kwargs))
    result = func(*args, **kwargs)
    if not (ours if device is None else is_there(device)):
        return result
    # What is written in place stays the tensor that it was.
    return tree_map(
        lambda x: ours.get(id(x), None if x is None else StandIn(x)) if isinstance(x, Tensor) else x, result
    )


class Count(TorchDispatchMode):
    """Counts operations of the device by name, and waits by kind and place, while it is on."""

    def __init__(self):
        super().__init__()
        self.operations, self.waits = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        ours = any(isinstance(x, StandIn) for x in tree_leaves((args, kwargs)))
        if ours or is_there(kwargs.get('device')):
            wait = wait_of(name, args, kwargs, ours)
            if wait is not None:
                self.waits[f'{wait} at {place()}'] += 1
            if not func.is_view and name not in FREE:
                self.operations[name] += 1
        return run(func, args, kwargs)


def wait_of(name, args, kwargs, ours):
    """Kind of the wait for the device in an operation, None for none; ``ours``: whether tensors of the device go in."""
    if name == 'repeat_interleave' and kwargs.get('output_size') is None:
        return name
    if name in INDEXING:
        indices = [x for x in args[1] if x is not None]
        if any(x.dtype in (torch.bool, torch.uint8) for x in indices):
            return 'boolean index'
        return None if all(isinstance(x, StandIn) for x in indices) else 'copy to the device'
    target = None
    if name == '_to_copy' and kwargs.get('device') is not None:
        target, source = is_there(kwargs['device']), ours
    elif name == 'copy_':
        target, source = (isinstance(x, StandIn) for x in args[:2])
    if target is None or target == source:
        return WAITS.get(name)
    return 'copy to the device' if target else 'copy to the host'


def place():
    """File and line of ours that the operation comes from."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(REPO / 'projects'):
            return f'{path.relative_to(REPO)}:{frame.lineno}'
    return 'another library'


def move(module):
    """Put a module on the device, in place."""
    for child in module.modules():
        for name, value in child._parameters.items():
            if value is not None:
                child._parameters[name] = nn.Parameter(StandIn(value.detach()), value.requires_grad)
        for name, value in child._buffers.items():
            if value is not None:
                child._buffers[name] = StandIn(value)
