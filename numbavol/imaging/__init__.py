"""From projections to images as a microscope makes them.

- ``formation``: `form_images`, all of it in one pass.
- ``ctf``: `CTF`, the contrast transfer function, and what multiplies half transforms by it.
- ``ctf_parameters``: how its parameters are read.
- ``aberrations``: phases of a lens as polynomials of the frequency.
- ``solvent``: `AbstractSolvent` and `BulkSolvent`, what solvent takes off a molecule's potential.
- ``hydration``: `HydrationLayer`, solvent in layers around a molecule.
- ``point_grid``: where it is looked for.
- ``ice``: `VitreousIce`, the grain of a layer of ice.
- ``water``: how dense water is, and what potential it has.
- ``noise``: `NoiseSpectrum`, the power of noise at each frequency.
- ``noise_estimation``: noise and signal, measured from stacks.
- ``detector``: `Detector`, counts of electrons with an MTF and a DQE.
- ``dose``: how the dose fades the signal, and weights of frames.
- ``curves``: what curves over the frequency have in common.
- ``purposes``: random numbers of particles, by what they are for.
"""

from numbavol.imaging.ctf import CTF
from numbavol.imaging.detector import Detector, DetectorCurve, read_mtf
from numbavol.imaging.dose import DoseWeighting, compute_critical_exposure, compute_dose_filter
from numbavol.imaging.formation import ImageFormation, compute_weak_phase_contrast, form_images
from numbavol.imaging.hydration import HydrationLayer
from numbavol.imaging.ice import VitreousIce
from numbavol.imaging.noise import NoiseSpectrum
from numbavol.imaging.noise_estimation import estimate_noise_spectrum, measure_signal_variance
from numbavol.imaging.solvent import AbstractSolvent, BulkSolvent

__all__ = [
    "CTF",
    "AbstractSolvent",
    "BulkSolvent",
    "Detector",
    "DetectorCurve",
    "DoseWeighting",
    "HydrationLayer",
    "ImageFormation",
    "NoiseSpectrum",
    "VitreousIce",
    "compute_critical_exposure",
    "compute_dose_filter",
    "compute_weak_phase_contrast",
    "estimate_noise_spectrum",
    "form_images",
    "measure_signal_variance",
    "read_mtf",
]
