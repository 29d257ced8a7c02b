"""Reading and writing eight bytes at any place of a byte array, for numba kernels."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WORD = ir.IntType(64)


def _address(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Pointer to the word at ``array[index]``."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.bitcast(cgutils.gep(builder, array.data, args[1]), _WORD.as_pointer())


@intrinsic
def load_word(typing_context: Any, array: Any, index: Any) -> Any:
    """``load_word(array, index)``: bytes ``index`` to ``index + 7`` as uint64. The caller sees to the bounds."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, signature, args), align=1)

    return types.uint64(array, types.intp), generate


@intrinsic
def store_word(typing_context: Any, array: Any, index: Any, word: Any) -> Any:
    """``store_word(array, index, word)``: write eight bytes. The caller sees to the bounds."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, signature, args), align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), generate
