"""Compiled kernels: arrays and scalars in, arrays out; nothing here knows a class above it.

- ``math``: the scalar mathematics, written once for every device.
- ``cpu``: the kernels of the CPU; each is serial, releases the interpreter's lock and owns the
  output cells it is told to own.
- ``dispatch``: the table (name, device) -> kernel, the only place that knows a device.
- ``jit``: the only place that decorates: compiler flags, and the choice of a cache.
- ``cache``: compiled code on disk, shared by processes.
- ``threads``: the only place that makes threads.
- ``extras``: how packages that not everybody has are installed.
- ``resources``: how many CPUs and how much memory there are for this process.
"""
