"""Compiled kernels: arrays and scalars in, arrays out; nothing here knows a class above it.

- ``math``: the scalar mathematics, written once for every device. So are ``double`` (its logarithm
  and exponential), ``profiles`` (integrals of Gaussians), ``places``, ``frequencies``,
  ``sampling``, ``shells`` and ``bricks`` (what is where), ``polynomials``, ``poisson`` and
  ``random``.
- ``cpu``: the kernels of the CPU; each is serial, releases the interpreter's lock and owns the
  output cells it is told to own.
- ``rounding``: what kernels and the functions around them round alike.
- ``dispatch``: the table (name, device) -> kernel, the only place that knows a device.
- ``devices``: where arrays live and kernels run; ``finding``: what there is of CUDA.
- ``copies``: copies past the caches, of what is not read again soon.
- ``jit``: the only place that decorates: compiler flags, and the choice of a cache.
- ``cache``: compiled code on disk, shared by processes.
- ``tasks``: work that threads share; ``threads``: the only place that makes these; ``locks``:
  locks that an interrupt does not leave taken.
- ``extras``: how packages that not everybody has are installed.
- ``resources``: how many CPUs and how much memory there are for this process.
"""
