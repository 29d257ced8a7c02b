"""A teacher that cannot learn, cannot be copied and is not part of what is saved."""

import os
from collections.abc import Callable
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from projects.engine import file_sha256, load_model_weights
from projects.models import TaskModel, named_outputs

from .folding import fold_batch_norms


def all_outputs(model: Any, inputs: dict, data_samples: list | None, own_labels: bool = True) -> dict[str, Tensor]:
    """Outputs of a model, with those that it derives for distillation if it has ``derive_outputs``.

    Args:
        model (Any): The model.
        inputs (dict): Inputs of the models.
        data_samples (list, optional): Data samples of the batch.
        own_labels (bool): Whether the outputs must fit the labels of the samples. Defaults to True.

    Raises:
        TypeError: If there is no dict of outputs.
        ValueError: If they are none of the task of the model.
    """
    outputs = named_outputs(model.extract_outputs(inputs, data_samples), model)
    if isinstance(model, TaskModel):
        model.check_outputs(outputs, data_samples if own_labels else None)
    derive = getattr(model, 'derive_outputs', None)
    return outputs if derive is None else {**outputs, **derive(outputs)}


def check_same_weights(name: str, student: nn.Module, teacher: nn.Module) -> None:
    """Check that a module of the student can take the weights of the teacher's of the same name.

    Raises:
        ValueError: If one of the two has no such module, or their weights differ in name or shape.
    """
    shapes = []
    for role, model in (('student', student), ('teacher', teacher)):
        if name not in dict(model.named_modules()):
            raise ValueError(f'inherit: the {role} {type(model).__name__} has no module {name!r}')
        state = model.get_submodule(name).state_dict()
        shapes.append({key: tuple(value.shape) for key, value in state.items()})
    different = sorted(key for key in shapes[0].keys() | shapes[1].keys() if shapes[0].get(key) != shapes[1].get(key))
    if different:
        key = different[0]
        raise ValueError(
            f'inherit: {name}.{key} is {shapes[0].get(key, "absent")} in the student and '
            f'{shapes[1].get(key, "absent")} in the teacher; give both modules the same settings'
        )


def check_same_images(preprocessor: nn.Module, teacher: nn.Module) -> None:
    """Check that a teacher was trained on images normalised as those of the student, which both of them see.

    Args:
        preprocessor (nn.Module): Data preprocessor of the distillation.
        teacher (nn.Module): The teacher; one with ``reads_images = False`` is not asked.

    Raises:
        ValueError: If mean, standard deviation or the order of the channels differ.
    """
    own = getattr(teacher, 'data_preprocessor', None)
    if own is None or not getattr(teacher, 'reads_images', True):
        return
    for name in ('mean', 'std', 'bgr_to_rgb'):
        values = [getattr(holder, name, None) for holder in (preprocessor, own)]
        if any(value is None for value in values):
            continue
        ours, theirs = (torch.as_tensor(value).flatten().tolist() for value in values)
        if ours != theirs:
            raise ValueError(
                f'student and teacher see the same images, but data_preprocessor.{name} is {ours} in the student and '
                f'{theirs} in the teacher; take a teacher that was trained with that of the student'
            )


class FrozenTeacher(nn.Module):
    """Hold a model for distillation.

    - Always in eval mode (dropout and BatchNorm included), without gradients: ``train()`` changes nothing.
    - ``.to()`` and ``.cuda()`` move it; ``copy.deepcopy`` (EMA) shares it.
    - Its weights are no parameters of this module: optimizers, DDP, EMA and checkpoints never see them, and loading
      a checkpoint without them reports nothing missing.
    - Weights come from :meth:`load`, called by ``Distiller.init_weights``, so that a config builds without files;
      :meth:`extract_outputs` refuses to run before.
    - Once they are loaded, a copy runs whose normalisations are folded into its convolutions (:meth:`fold`).

    Args:
        model (nn.Module): A model with ``extract_outputs``.
        checkpoint (str, optional): Its checkpoint. Defaults to None, with which it cannot be used.
        config (str, optional): The config that trains it, for the error message. Defaults to None.
        fold_norms (bool): Whether :meth:`load` folds. Defaults to True.

    Raises:
        TypeError: If the model has no ``extract_outputs``.
    """

    def __init__(
        self,
        model: nn.Module,
        checkpoint: str | None = None,
        config: str | None = None,
        fold_norms: bool = True,
    ) -> None:
        super().__init__()
        if not callable(getattr(model, 'extract_outputs', None)):
            raise TypeError(f'teacher {type(model).__name__} needs a method extract_outputs(inputs, data_samples)')
        # In a tuple, the model is no submodule: that keeps it out of everything that walks over modules.
        self._held: tuple[nn.Module, ...] = (revert_sync_batchnorm(model).requires_grad_(False).eval(),)
        self.checkpoint = checkpoint
        self.config = config
        self.fold_norms = fold_norms
        self.sha256: str | None = None

    @property
    def model(self) -> Any:
        """nn.Module: The teacher's model, with the weights of its checkpoint."""
        return self._held[0]

    @property
    def running(self) -> Any:
        """nn.Module: What runs: the folded copy if there is one, else the model."""
        return self._held[-1]

    def fold(self) -> None:
        """Let a copy run whose BatchNorms are folded into its convolutions; see :func:`fold_batch_norms`.

        To be called again when weights of the model were changed by hand.
        """
        self._held = (self.model, fold_batch_norms(self.model))

    def check_checkpoint(self) -> None:
        """Stop with the command that trains the teacher when its checkpoint is missing.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If no checkpoint was named.
        """
        command = f'python tools/train.py {self.config or "<teacher config>"}'
        if self.checkpoint is None:
            raise ValueError(f'Distiller needs teacher_ckpt, the checkpoint of the teacher; train it with: {command}')
        if not os.path.isfile(self.checkpoint):
            raise FileNotFoundError(
                f'teacher checkpoint {self.checkpoint} does not exist. Train the teacher first with\n    {command}\n'
                f'or set model.teacher_ckpt to the checkpoint you have'
            )

    def load(self) -> None:
        """Load the teacher's weights and remember the file's hash.

        Raises:
            FileNotFoundError: If the checkpoint is missing; the message holds the command that trains the teacher.
            CheckpointError: If the file is corrupt or belongs to another model.
        """
        self.check_checkpoint()
        load_model_weights(self.model, str(self.checkpoint))
        self.sha256 = file_sha256(str(self.checkpoint))
        if self.fold_norms:
            self.fold()
        print_log(f'Teacher weights from {self.checkpoint} (sha256 {self.sha256[:8]})', 'current')

    def extract_outputs(self, inputs: dict, data_samples: list | None = None) -> dict[str, Tensor]:
        """Run the teacher without gradients.

        Returns:
            dict[str, Tensor]: The teacher's named outputs, derived ones among them.

        Raises:
            RuntimeError: If the weights were not loaded.
        """
        if self.sha256 is None:
            raise RuntimeError(
                'the teacher has random weights: call init_weights() of the Distiller before mode="loss" (Runner.train '
                'does)'
            )
        with torch.no_grad():
            return all_outputs(self.running, inputs, data_samples, own_labels=False)

    def train(self, mode: bool = True) -> 'FrozenTeacher':
        """Stay in eval mode; returns itself."""
        super().train(False)
        for model in self._held:
            model.eval()
        return self

    def _apply(self, fn: Callable, recurse: bool = True) -> Any:
        for model in self._held:
            model._apply(fn)
        return super()._apply(fn, recurse)

    def __deepcopy__(self, memo: dict) -> 'FrozenTeacher':
        return self
