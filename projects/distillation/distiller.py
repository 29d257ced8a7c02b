"""A student, a frozen teacher, and the losses between them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModel
from torch import Tensor, nn

from projects.engine import check_finite_losses, load_model_weights
from projects.models import describe, named_losses, takes_no_train_cfg

from .side_by_side import run_side_by_side
from .teacher import FrozenTeacher, all_outputs, check_same_images, check_same_weights
from .unlabelled import labelled_frames, weigh_unlabelled
from .wiring import (
    BatchData,
    Table,
    check_loss_row,
    check_signature,
    connector_side,
    pick,
    rows_of,
    same_names,
    split_source,
)

_SOURCES = ('student', 'teacher', 'data', 'shared')


@MODELS.register_module()
class Distiller(BaseModel):
    """Train a student with its own losses and with losses against a frozen teacher.

    One training step: modules in ``shared`` run once (rays are drawn here, so both models are rendered along the
    same ones), the teacher and the student run ``extract_outputs``, connectors turn outputs into what the losses
    compare, and the losses read what ``loss_inputs`` names. All wiring is checked when the model is built.
    ``predict`` and ``tensor`` go straight to the student.

    Args:
        student (dict): Config of a model with ``extract_outputs`` and ``loss_by_outputs``. What its
            ``derive_outputs`` gives, if it has that, can be wired like the outputs.
        teacher (dict): Config of a model with ``extract_outputs``. It needs no labels.
        losses (dict): Loss configs by name. Names begin with ``loss_`` and are the names in the log. With none, the
            student trains alone from what it inherits, and the teacher never runs.
        loss_inputs (dict): For each loss, argument -> source: ``student.<name>``, ``teacher.<name>``,
            ``data.<name>`` (a stacked field of the data samples, or an input) or ``shared.<name>``; a further
            ``.<key>`` reads a dict.
        teacher_ckpt (str, optional): Checkpoint of the teacher, loaded by :meth:`init_weights`. Defaults to None.
        teacher_config (str, optional): Config that trains the teacher, named when the checkpoint is missing.
            Defaults to None.
        student_ckpt (str, optional): Plain checkpoint the student starts from. Defaults to None.
        student_ckpt_allow_missing (Sequence[str], optional): Parts of the student that this checkpoint may lack, such
            as 'occ_head'; they keep their initial values. Defaults to None: none.
        inherit (Sequence[str], optional): Modules of the student, such as 'occ_head', that begin as copies of the
            teacher's of the same name (EFFOcc), after ``student_ckpt`` was loaded. Defaults to None: none.
        shared (dict, optional): Configs of modules called once per step as ``forward(inputs, data_samples)``.
        connectors (dict, optional): Configs of modules between models and losses, run in this order. A result is a
            tensor or a dict of tensors, called ``student.<connector>`` or ``teacher.<connector>``.
        connector_inputs (dict, optional): For each connector, argument -> source. With ``model.<name>`` the
            connector runs for the student and for the teacher.
        unlabelled_weights (dict[str, float], optional): Distillation losses that count another number of times on
            frames without labels (metainfo ``labelled=False``, by ``label_part`` of the data set). Defaults to None:
            all frames count alike.
        side_by_side (bool): On the CPU, run the teacher with its connectors beside the student with its losses, each
            with half of the threads. Faster when both take about as long and layers are small; a teacher that takes
            longer than the student makes the step slower. Same results. Defaults to False.
        fold_teacher_norms (bool): Fold BatchNorms of the loaded teacher into its convolutions: same outputs up to
            rounding in less time, for a second copy of these weights in memory. Defaults to True.
        data_preprocessor (dict, optional): Defaults to None, the student's.
        init_cfg (dict, optional): As in ``BaseModule``.
    """

    @takes_no_train_cfg
    def __init__(
        self,
        student: dict,
        teacher: dict,
        losses: dict[str, dict],
        loss_inputs: Table,
        teacher_ckpt: str | None = None,
        teacher_config: str | None = None,
        student_ckpt: str | None = None,
        student_ckpt_allow_missing: Sequence[str] | None = None,
        inherit: Sequence[str] | None = None,
        shared: dict[str, dict] | None = None,
        connectors: dict[str, dict] | None = None,
        connector_inputs: Table | None = None,
        unlabelled_weights: dict[str, float] | None = None,
        side_by_side: bool = False,
        fold_teacher_norms: bool = True,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        student_model = MODELS.build(student)
        super().__init__(data_preprocessor or student_model.data_preprocessor, init_cfg)
        self.student = student_model
        for method in ('extract_outputs', 'loss_by_outputs'):
            if not callable(getattr(self.student, method, None)):
                raise TypeError(f'student {type(self.student).__name__} needs a method {method}')
        self.teacher = FrozenTeacher(MODELS.build(teacher), teacher_ckpt, teacher_config, fold_teacher_norms)
        check_same_images(self.data_preprocessor, self.teacher.model)
        if student_ckpt_allow_missing and student_ckpt is None:
            raise ValueError('student_ckpt_allow_missing is set, but there is no student_ckpt')
        self.inherit = tuple(inherit or ())
        if not losses and not self.inherit:
            raise ValueError('Distiller has no losses and inherits nothing: train the student by its own config')
        for name in self.inherit:
            check_same_weights(name, self.student, self.teacher.model)
        self.student_ckpt = student_ckpt
        self.student_ckpt_allow_missing = student_ckpt_allow_missing
        self.shared = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in (shared or {}).items()})
        self.connectors = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in (connectors or {}).items()})
        self.losses = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in losses.items()})
        self.connector_inputs = rows_of('connector_inputs', connector_inputs or {})
        self.loss_inputs = rows_of('loss_inputs', loss_inputs)
        self.loss_scales = dict.fromkeys(losses, 1.0)
        self.unlabelled_weights = dict(unlabelled_weights or {})
        self.side_by_side = side_by_side
        self._sides = self._check_wiring()

    def _check_wiring(self) -> dict[str, str]:
        """Check names, signatures and sources; return for which model each connector runs."""
        same_names('connector', self.connectors, self.connector_inputs)
        same_names('loss', self.losses, self.loss_inputs)
        for name in self.losses:
            if not name.startswith('loss_'):
                raise ValueError(f"losses.{name}: names must begin with 'loss_', or the loss would not be added up")
        for name, module in self.shared.items():
            check_signature('shared module', name, module, ('inputs', 'data_samples'))
        if unknown := sorted(set(self.unlabelled_weights) - set(self.losses)):
            raise ValueError(f'unlabelled_weights: no losses {unknown}; there are {sorted(self.losses)}')
        sides: dict[str, str] = {}
        for name, module in self.connectors.items():
            row = self.connector_inputs[name]
            check_signature('connector', name, module, row)
            self._check_sources(f'connector_inputs.{name}', row, ('model', *_SOURCES), sides)
            sides[name] = connector_side(name, row)
        for name, module in self.losses.items():
            check_signature('loss', name, module, self.loss_inputs[name])
            self._check_sources(f'loss_inputs.{name}', self.loss_inputs[name], _SOURCES, sides)
            check_loss_row(name, self.loss_inputs[name], list(self.connectors))
        return sides

    def _check_sources(
        self, where: str, row: Mapping[str, str], prefixes: tuple[str, ...], sides: Mapping[str, str]
    ) -> None:
        """Check prefixes, names of shared modules, and that a connector has run for the model it is read from."""
        for argument, source in row.items():
            place = f'{where}.{argument}'
            prefix, name, _ = split_source(source, prefixes, place)
            if prefix == 'shared' and name not in self.shared:
                raise ValueError(f'{place}: {source!r} names no shared module; there are {sorted(self.shared)}')
            if prefix in ('model', 'student', 'teacher') and name in self.connectors:
                if name not in sides:
                    raise ValueError(f'{place}: connector {name!r} must stand before the one that reads it')
                if sides[name] not in ('model', prefix):
                    raise ValueError(f'{place}: {source!r}, but connector {name!r} runs for the {sides[name]} only')

    def init_weights(self) -> None:
        """Initialise the student, then load the teacher's and (if given) the student's checkpoint.

        Raises:
            FileNotFoundError: If a checkpoint is missing.
            CheckpointError: If one is corrupt or belongs to another model.
        """
        self.teacher.check_checkpoint()
        super().init_weights()
        self.teacher.load()
        if self.student_ckpt is not None:
            option = 'model.student_ckpt_allow_missing'
            load_model_weights(self.student, self.student_ckpt, self.student_ckpt_allow_missing, option)
        for name in self.inherit:
            self.student.get_submodule(name).load_state_dict(self.teacher.model.get_submodule(name).state_dict())

    def set_loss_scale(self, scale: float, names: list[str] | None = None) -> None:
        """Scale distillation losses, for warm-up.

        Args:
            scale (float): Factor on top of each loss's own weight.
            names (list[str], optional): Losses. Defaults to None (all distillation losses).

        Raises:
            KeyError: If there is no such loss.
        """
        for name in self.loss_scales if names is None else names:
            if name not in self.loss_scales:
                raise KeyError(f'no distillation loss {name!r}; there are {sorted(self.loss_scales)}')
            self.loss_scales[name] = float(scale)

    def forward(self, inputs: dict, data_samples: list | None = None, mode: str = 'tensor') -> Any:
        """Compute losses, or let the student predict.

        Args:
            inputs (dict): Inputs of the models.
            data_samples (list, optional): Data samples of the batch.
            mode (str): 'loss', 'predict' or 'tensor'. Defaults to 'tensor'.

        Returns:
            dict or list: Losses by name, or the student's result.

        Raises:
            NonFiniteError: If a loss is NaN or infinite.
        """
        if mode != 'loss' or not self.losses:
            return self.student(inputs, data_samples, mode=mode)
        values: dict[str, Any] = {'data': BatchData(inputs, data_samples)}
        values['shared'] = {name: module(inputs, data_samples) for name, module in self.shared.items()}
        teacher, student, losses = self._run_models(values, inputs, data_samples)
        values.update(teacher=teacher, student=student)
        self._run_connectors('student', values)
        for name, module in self.losses.items():
            if name in losses:
                raise ValueError(f'{name!r} is a loss of the student; give the distillation loss another name')
            where = f'loss_inputs.{name}'
            row = {arg: pick(values, source, where) for arg, source in self.loss_inputs[name].items()}
            if name in self.unlabelled_weights:
                loss = weigh_unlabelled(module, row, labelled_frames(data_samples), self.unlabelled_weights[name])
            else:
                loss = module(**row)
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                raise TypeError(
                    f'{name} ({type(module).__name__}) must return a tensor of one number, such as a mean, got '
                    f'{describe(loss)}'
                )
            scale = self.loss_scales[name]
            losses[name] = loss if scale == 1 else scale * loss
        check_finite_losses(losses, data_samples)
        return losses

    def _run_models(
        self, values: Mapping[str, Any], inputs: dict, data_samples: list | None
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]:
        """Run the teacher with its connectors and the student; return their outputs and the student's own losses.

        The teacher's side reads nothing of the student, so both may run at the same time.
        """

        def teach() -> dict[str, Any]:
            outputs = self.teacher.extract_outputs(dict(inputs), data_samples)
            self._run_connectors('teacher', {**values, 'teacher': outputs})
            return outputs

        def learn() -> tuple[dict[str, Any], dict[str, Tensor]]:
            outputs = all_outputs(self.student, dict(inputs), data_samples)
            return outputs, named_losses(self.student.loss_by_outputs(outputs, data_samples), self.student)

        at_once = self.side_by_side and all(weight.device.type == 'cpu' for weight in self.student.parameters())
        taught, learned = run_side_by_side(teach, learn) if at_once else (teach(), learn())
        return taught, *learned

    def _run_connectors(self, model: str, values: Mapping[str, Any]) -> None:
        """Run the connectors of one model in order and file the results among its outputs."""
        for name, module in self.connectors.items():
            side = self._sides[name]
            if side not in ('model', model):
                continue
            if name in values[model]:
                raise ValueError(f'connector {name!r} has the name of an output of the {model}; rename it')
            where = f'connector_inputs.{name}'
            view = {**values, 'model': values[model]}
            row = {arg: pick(view, source, where) for arg, source in self.connector_inputs[name].items()}
            teacher_render = side == 'model' and model == 'teacher'
            with torch.set_grad_enabled(torch.is_grad_enabled() and not teacher_render):
                values[model][name] = module(**row)
