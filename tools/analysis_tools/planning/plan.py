"""The plan of a training: what each part costs, memory, rays and time."""

from dataclasses import dataclass

from mmengine.config import Config

from projects.engine import import_modules_of

from .distiller import RayPlan, measure_connectors, measure_rendering, measure_teacher
from .formulas import epoch_steps, step_seconds, weight_bytes
from .inputs import DataPlan, read_data
from .models import measure_model
from .parts import PartCost


@dataclass(frozen=True)
class Plan:
    """Everything that the tool prints.

    Args:
        parameters (int): Of the model that is trained; of a distillation, of the student alone.
        parts (tuple[PartCost, ...]): Costs for one sample.
        data (DataPlan): Sizes of the data.
        rays (RayPlan, optional): Rays of a sample.
        epochs (int): Of the schedule.
    """

    parameters: int
    parts: tuple[PartCost, ...]
    data: DataPlan
    rays: RayPlan | None
    epochs: int

    @property
    def trained(self) -> int:
        """Parameters of the parts that learn, connectors among them."""
        return sum(part.parameters for part in self.parts if part.name != 'teacher')

    @property
    def teacher(self) -> int:
        """Parameters of the teacher."""
        return sum(part.parameters for part in self.parts if part.name == 'teacher')

    @property
    def step_flops(self) -> float:
        """FLOPs of a training step on one GPU."""
        return self.data.batch * sum(part.step_flops for part in self.parts)

    @property
    def kept(self) -> float:
        """Bytes of activations that a GPU keeps for the backward pass, in float32."""
        return self.data.batch * sum(part.kept for part in self.parts)


def make_plan(cfg: Config) -> Plan:
    """Measure the models of a config.

    Args:
        cfg (Config): Config of a model or of a distillation.

    Raises:
        TypeError: If a model is of no class that is known.
    """
    import_modules_of(cfg)
    data, rays, model = read_data(cfg), None, cfg.to_dict()['model']
    meter, outputs, parameters = measure_model(model.get('student', model), data, learns=True)
    if 'student' in model:
        teacher, taught = measure_teacher(model['teacher'], data)
        measure_connectors(model, {'student': outputs, 'teacher': taught, 'model': outputs}, meter)
        meter.parts.append(teacher)
        rendered = measure_rendering(model, outputs['occ_logits']) if 'occ_logits' in outputs else None
        if rendered is not None:
            meter.parts.append(rendered[0])
            rays = rendered[1]
    return Plan(parameters, tuple(meter.parts), data, rays, cfg.train_cfg.max_epochs)


def describe_plan(plan: Plan, gpus: int, tflops: float, utilisation: float, samples: int | None) -> str:
    """The text of a plan.

    Args:
        plan (Plan): The plan.
        gpus (int): GPUs.
        tflops (float): Peak of one, in TFLOP/s.
        utilisation (float): Part of the peak that is reached.
        samples (int, optional): Samples of the training set; None for those that are known of it.
    """
    batch = plan.data.batch
    lines = [f'parameters: {plan.parameters / 1e6:.2f} M']
    lines += ['', f'{"part, for one sample":24}{"parameters":>13}{"forward":>16}{"step":>16}{"kept":>12}']
    for part in plan.parts:
        cells = f'{part.parameters / 1e6:.2f} M', f'{part.flops / 1e9:.2f} GFLOP', f'{part.step_flops / 1e9:.2f} GFLOP'
        lines.append(f'{part.name:24}{cells[0]:>13}{cells[1]:>16}{cells[2]:>16}{part.kept / 2**20:>8.1f} MiB')
    weights = weight_bytes(plan.trained, plan.teacher)
    lines += [
        '',
        f'memory of a GPU: {plan.kept / 2**30:.2f} GiB of activations ({batch} samples, float32), '
        f'{weights / 2**30:.2f} GiB of weights, gradients and moments of AdamW',
    ]
    if plan.rays is not None:
        rays = plan.rays.num_rays * batch * gpus
        each = f'{plan.rays.num_rays:,} a sample, {plan.rays.num_bins} bins'
        lines.append(f'rays: {rays:,} a step on all GPUs, {each}')
    samples = samples or plan.data.samples
    seconds = step_seconds(plan.step_flops, tflops, utilisation)
    speed = f'at {utilisation:.0%} of {tflops:g} TFLOP/s a GPU'
    lines.append(f'step: {plan.step_flops / 1e12:.3f} TFLOP a GPU, {1000 * seconds:.1f} ms {speed}')
    if samples is None:
        return '\n'.join([*lines, 'epoch: unknown; give the size of the training set, --samples N'])
    steps = epoch_steps(samples, batch, gpus)
    epoch, schedule = duration(steps * seconds), duration(plan.epochs * steps * seconds)
    lines.append(f'epoch: {steps:,} steps of {samples:,} samples, {epoch}; {plan.epochs} epochs: {schedule}')
    return '\n'.join(lines)


def duration(seconds: float) -> str:
    """A time in hours, minutes or seconds."""
    for unit, size in (('h', 3600.0), ('min', 60.0)):
        if seconds >= size:
            return f'{seconds / size:.3g} {unit}'
    return f'{seconds:.3g} s'
