"""A model in evaluation without the normalisations that follow its convolutions."""

import copy
from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise

from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import wrappers
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_eval

from projects.models import EfficientNetLite0
from projects.models.efficientnet_lite import DepthwiseConv, InvertedResidual, SameConv

# Of these types alone: a child class may do more with its weights than convolve.
_TRANSPOSED = (nn.ConvTranspose2d, nn.ConvTranspose3d, wrappers.ConvTranspose2d, wrappers.ConvTranspose3d)
_CONVOLUTIONS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, wrappers.Conv2d, wrappers.Conv3d, SameConv, DepthwiseConv, *_TRANSPOSED,
)  # fmt: skip


def fold_batch_norms(model: nn.Module) -> nn.Module:
    """Fold each BatchNorm that always follows a convolution into its weights: the same outputs up to rounding.

    In evaluation a BatchNorm multiplies and shifts each channel by fixed numbers, which the convolution before it can
    do. Which follows which is known of ``nn.Sequential``, mmcv's ``ConvModule``, mmdet's ResNet and its blocks, and
    :class:`EfficientNetLite0`; what stands elsewhere stays. mmcv's ``fuse_conv_bn`` goes by the order of children,
    changes the model, and refuses 3D convolutions.

    Args:
        model (nn.Module): The model, in evaluation; it is not changed.

    Returns:
        nn.Module: A copy. It shares all tensors with the model but the weights of the convolutions that were changed.

    Raises:
        ValueError: If the model is in training.
        TypeError: If it holds something that cannot be copied.
    """
    if model.training:
        raise ValueError('BatchNorm of a model in training follows the batch and cannot be folded: call eval() first')
    tensors = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    try:
        folded = copy.deepcopy(model, tensors)
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f'{type(model).__name__} cannot be copied ({error}), which folding its BatchNorms needs; a teacher runs '
            'unfolded with fold_teacher_norms=False of the Distiller'
        ) from error
    uses = Counter(id(module) for _, module in folded.named_modules(remove_duplicate=False))
    for parent in list(folded.modules()):
        for first, second in _pairs(parent):
            conv, norm = parent._modules.get(first), parent._modules.get(second)
            if not isinstance(conv, _ConvNd) or not isinstance(norm, _BatchNorm):
                continue
            if _can_fold(conv, norm) and uses[id(conv)] == uses[id(norm)] == 1:
                parent._modules[first] = fuse_conv_bn_eval(conv, norm, isinstance(conv, _TRANSPOSED))
                parent._modules[second] = nn.Identity().eval()
    return folded


def _pairs(parent: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of children of which the second reads what the first gives, and nothing else does."""
    if isinstance(parent, nn.Sequential):
        yield from pairwise(parent._modules)
    elif isinstance(parent, ConvModule):
        own_pass = getattr(parent, 'efficient_conv_bn_eval_forward', None)
        if ('conv', 'norm') in pairwise(parent.order) and parent.with_norm and own_pass is None:
            yield 'conv', parent.norm_name
    elif isinstance(parent, (ResNet, BasicBlock, Bottleneck)):
        yield from ((f'conv{i}', getattr(parent, f'norm{i}_name', '')) for i in (1, 2, 3))
    elif isinstance(parent, (EfficientNetLite0, InvertedResidual)):
        yield from ((name, f'{name}_norm') for name in ('stem', 'expand', 'depthwise', 'project'))


def _can_fold(conv: _ConvNd, norm: _BatchNorm) -> bool:
    if type(conv) not in _CONVOLUTIONS or conv.out_channels != norm.num_features:
        return False
    if norm.running_var is None or norm.training:
        return False
    hooked = conv._forward_hooks or conv._forward_pre_hooks or norm._forward_hooks or norm._forward_pre_hooks
    return not hooked and not (isinstance(conv, _TRANSPOSED) and conv.groups > 1)
