"""Weights that other code bases release, under the names and in the order of our models."""

from . import bevdet, effocc, flashocc
from .convert import Conversion, convert_weights
from .rules import Rule, Source, rename_weights

SOURCES: dict[str, Source] = {
    'flashocc': flashocc.SOURCE,
    'bevdet': bevdet.SOURCE,
    'effocc': effocc.SOURCE,
}
"""Code bases whose weights can be converted."""

__all__ = ['SOURCES', 'Conversion', 'Rule', 'Source', 'convert_weights', 'rename_weights']
