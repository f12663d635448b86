"""Cryo-EM volumes in plain NumPy, compiled by Numba."""
