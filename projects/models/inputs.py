"""What a model needs from its pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any


def require_inputs(
    inputs: Mapping[str, Any], keys: Sequence[str], model: str, advice: str = 'load them in the pipeline'
) -> None:
    """Stop with the names of missing inputs.

    Args:
        inputs (Mapping[str, Any]): Preprocessed inputs.
        keys (Sequence[str]): Names that the model reads.
        model (str): Name of the model, for the message.
        advice (str): What to do about it. Defaults to 'load them in the pipeline'.

    Raises:
        ValueError: If one of ``keys`` is not in ``inputs``.
    """
    missing = [key for key in keys if key not in inputs]
    if missing:
        raise ValueError(f'{model} needs inputs {missing}, got {sorted(inputs)}; {advice}')
