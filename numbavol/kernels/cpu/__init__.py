"""Kernels of the CPU: serial, without the interpreter's lock, one tile a call."""
