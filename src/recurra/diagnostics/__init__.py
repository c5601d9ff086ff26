"""Why a recurrent network does not learn: what comes back of its gradients, and what stays."""

from recurra.diagnostics.flow import Flow, carried, flow
from recurra.diagnostics.lyapunov import Exponents, lyapunov

__all__ = ["Exponents", "Flow", "carried", "flow", "lyapunov"]
