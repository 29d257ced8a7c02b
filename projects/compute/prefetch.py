"""Memory that a kernel will read soon."""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Numbers of float32 in a cache line.
LINE = 16


@intrinsic
def prefetch(typing_context, table, row, column):
    """Ask for the cache line of a number of a matrix that will be read soon; a place outside does no harm."""
    if not isinstance(table, types.Array) or table.ndim != 2:
        return None

    def generate(context, builder, signature, arguments):
        pointer, word, flag = ir.IntType(8).as_pointer(), ir.IntType(64), ir.IntType(32)
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.ptrtoint(array.data, word)
        for axis in range(2):
            number = context.cast(builder, arguments[1 + axis], signature.args[1 + axis], types.intp)
            place = builder.add(place, builder.mul(number, builder.extract_value(array.strides, axis)))
        function = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        fetch = builder.module.declare_intrinsic('llvm.prefetch', [pointer], function)
        builder.call(fetch, [builder.inttoptr(place, pointer), flag(0), flag(3), flag(1)])  # to read, all caches, data
        return context.get_dummy_value()

    return types.void(table, row, column), generate
