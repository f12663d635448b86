"""The kernels of CUDA: the names and signatures of those of the CPU, for arrays on the device.

A function of the table sends what is small, launches one kernel or a few, and returns while the
device still works: what reads the result waits for it.
"""
