"""Where a recurrent network starts: weights that neither lose a gradient nor let it explode.

    recurra.init.orthogonal(model)          of recurra's cells, layers and networks,
    recurra.init.chrono(model, 500)         and of any that hold nn.RNN, nn.LSTM, nn.GRU, …Cell

Each sets weights in place, takes no gradient, and returns the names of the modules it has set.
What has nothing to set in the whole of a model is refused in words.
"""

from recurra.init.critical import critical
from recurra.init.gates import chrono, unit_forget_bias
from recurra.init.weights import identity, orthogonal, ring

__all__ = ["chrono", "critical", "identity", "orthogonal", "ring", "unit_forget_bias"]
