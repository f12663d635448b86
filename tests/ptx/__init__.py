"""PTX, the assembly that Numba compiles kernels of CUDA to, run by the processor.

A kernel's PTX becomes C (`translation`): what instructions compute is a table (`operations`),
`registers` are variables, and accesses to `memory` are checked. A compiler of C makes a library of
it with `machine.h` and `scheduler.h`, in which threads, warps and blocks run (`program`). `card`
takes the place of a card with it: what `launch` is told to run is run here.
"""
