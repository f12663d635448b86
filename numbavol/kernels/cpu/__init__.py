"""Kernels of the CPU: serial, without the interpreter's lock, one tile or one pose a call."""
