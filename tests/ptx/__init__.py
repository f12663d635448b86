"""PTX, the assembly that Numba compiles kernels of CUDA to, run by the processor.

A kernel's PTX becomes C (`translation`), whose instructions are a table (`operations`); a compiler
of C makes a library of it with `machine.h` and `scheduler.h`, which threads, blocks and warps are
(`program`). `card` takes the place of a card with it: what `launch` is told to run is run here.
An access outside of an array, or one that is not aligned, is an error.
"""
