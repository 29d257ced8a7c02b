"""Decorators of the kernels of this package."""

from projects.compute.kernels import kernel as compiled

_FASTMATH = {'contract', 'reassoc', 'arcp', 'nsz'}  # infinities keep their meaning

#: Compile a function.
kernel = compiled(error_model='numpy', fastmath=_FASTMATH)

#: Compile a function that makes and returns no arrays, without reference counting: passing a tuple of arrays to a
#: counted function touches every counter, which costs more than a ray test.
pure_kernel = compiled(error_model='numpy', fastmath=_FASTMATH, _nrt=False)
