"""How sure a teacher is of what it says.

Shape letters: K classes.
"""

from torch import Tensor


def check_confidence(min_confidence: float) -> float:
    """Return the smallest probability that counts.

    Raises:
        ValueError: If it is no probability.
    """
    if not 0 <= min_confidence <= 1:
        raise ValueError(f'min_confidence must be from 0 to 1, got {min_confidence}')
    return min_confidence


def most_likely(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Most likely class of each position, and its probability.

    Args:
        logits (Tensor): Shape (..., K).

    Returns:
        tuple[Tensor, Tensor]: Probabilities, float32, and class ids, int64, each of shape (...).
    """
    logits = logits.float()
    best, ids = logits.max(dim=-1)
    return (best - logits.logsumexp(dim=-1)).exp(), ids
