"""How a recurrence moves: what comes back of a gradient, and whether small changes grow."""

from recurra.dynamics.flow import Flow, carried, flow
from recurra.dynamics.lyapunov import Exponents, lyapunov

__all__ = ["Exponents", "Flow", "carried", "flow", "lyapunov"]
