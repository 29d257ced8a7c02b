"""Run the pieces of a module on the CPU and on the stand-in device. Usage: MODULE (stand_in_pieces, ...).

Writes a line of JSON for each: what differs between the devices, forward or backward, and what between float32 and
mixed precision; the places where the host would wait for a GPU; and the weights that got no gradient. Constants are
copied in a first run, which is not counted.
"""

import importlib
import json
import os
import sys
from contextlib import nullcontext

import torch
from stand_in_gpu import Count, StandIn, move, register
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map


def run(make, put=lambda tensor: tensor, move=lambda module: None, counted=None, cast=None):
    """Run a piece forward and backward.

    Args:
        make (Callable): The piece.
        put (Callable): Puts a tensor where the piece shall run. Defaults to as it is.
        move (Callable): Moves a module there, in place. Defaults to nothing.
        counted (Count): Counts what is asked of the device. Defaults to None: nothing does.
        cast (Any): Autocast, which ends before the backward pass, as in training. Defaults to None: none.

    Returns:
        tuple[dict, list]: Results and gradients by name, on the CPU; names of weights and inputs without a gradient.
    """
    torch.manual_seed(0)
    call, arguments, *modules = make()
    modules = modules[0] if modules else [call] if isinstance(call, nn.Module) else []
    for module in modules:
        move(module)
    arguments = tree_map(
        lambda x: put(x.detach()).requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x, arguments
    )
    with counted or nullcontext():
        with cast or nullcontext():
            outputs = [value for value in tree_leaves(call(*arguments)) if isinstance(value, Tensor)]
        wanted = [value for value in outputs if value.requires_grad]
        if wanted:
            sum((value + value.square()).sum() for value in wanted).backward()
    leaves = {name: weight for module in modules for name, weight in module.named_parameters()}
    leaves.update((f'argument {i}', x) for i, x in enumerate(tree_leaves(arguments)) if isinstance(x, Tensor))
    leaves = {name: x for name, x in leaves.items() if x.requires_grad}
    results = {f'output {i}': value for i, value in enumerate(outputs)}
    results.update((f'gradient of {name}', x.grad) for name, x in leaves.items() if x.grad is not None)
    results = {name: value.detach().cpu() for name, value in results.items()}
    return results, [name for name, x in leaves.items() if x.grad is None]


def difference(there, here, rtol=1e-3, atol=1e-5):
    """What differs between the results of both devices, in words; ``atol`` is of the largest number, or of 1."""
    if there.keys() != here.keys():
        return f'{sorted(there)} there, {sorted(here)} here'
    for name, value in there.items():
        largest = float(here[name].double().abs().nan_to_num(posinf=1.0).amax()) if value.numel() else 1.0
        try:
            torch.testing.assert_close(value, here[name], rtol=rtol, atol=atol * max(1.0, largest))
        except AssertionError as error:
            return f'{name}: {error}'
    return ''


def report(name, make, atol):
    """Run a piece on both devices."""
    here, _ = run(make)
    rounded, _ = run(make, cast=torch.autocast('cpu', torch.bfloat16))
    run(make, StandIn, move, Count())
    counted = Count()
    there, idle = run(make, StandIn, move, counted)
    finite = all(bool(torch.isfinite(value).all()) for key, value in there.items() if key.startswith('gradient'))
    found = {'difference': difference(there, here, atol=atol), 'rounded': difference(rounded, here)}
    sizes = {key: float(value.double().abs().sum()) for key, value in there.items()}
    return {'piece': name, **found, 'idle': idle, 'finite': finite, 'waits': counted.waits, 'size': sizes}


def main():
    """Run all pieces, or those named after the module, and end without torch's clean-up."""
    register()  # before the first backward pass, which starts a thread for each device
    pieces = importlib.import_module(sys.argv[1]).PIECES
    atol = 1e-4 if 'networks' in sys.argv[1] else 1e-5  # gradients through layers are sums that cancel
    for name in sys.argv[2:] or pieces:
        try:
            found = report(name, pieces[name], atol)
        except Exception as error:  # of this piece; the others go on
            found = {'piece': name, 'difference': f'{type(error).__name__}: {error}'}
        sys.stdout.write(json.dumps(found) + '\n')
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main()
