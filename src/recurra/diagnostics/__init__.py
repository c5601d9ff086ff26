"""Why a recurrent network does not learn: what comes back of its gradients, and what stays."""

from recurra.dynamics import Exponents, Flow, carried, flow, lyapunov

__all__ = ["Exponents", "Flow", "carried", "flow", "lyapunov"]
