"""What becomes of a network's numbers where the answer is a number, not a class."""

from recurra.topologies.distributions.base import Distribution
from recurra.topologies.distributions.gaussian import Gaussian
from recurra.topologies.distributions.point import Point
from recurra.topologies.distributions.quantiles import Quantiles
from recurra.topologies.distributions.student_t import StudentT

__all__ = ["Distribution", "Gaussian", "Point", "Quantiles", "StudentT"]
