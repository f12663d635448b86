"""What kernels and the functions around them have to round alike. Imports no Numba."""

# A distance is in the shell nearest to it; in the middle between two, in the outer one, whichever
# way its rounding error goes. `int(distance / width + HALF_A_SHELL)` is its number.
HALF_A_SHELL = 0.5 + 1e-9
