"""What a sequence is for: the five types of RNN, each with its loss."""

from recurra.topologies.base import Writer
from recurra.topologies.crf import CRF
from recurra.topologies.ctc import BLANK, CTC, negative_log_likelihood
from recurra.topologies.decoder import Decoder, DecoderState
from recurra.topologies.distributions import (
    Distribution,
    Gaussian,
    Point,
    Quantiles,
    StudentT,
)
from recurra.topologies.ensemble import Ensemble
from recurra.topologies.forecaster import Forecaster
from recurra.topologies.language_model import LanguageModel
from recurra.topologies.loss import Loss, cross_entropy
from recurra.topologies.many_to_many_equal import ManyToManyEqual
from recurra.topologies.many_to_many_unequal import ManyToManyUnequal
from recurra.topologies.many_to_one import ManyToOne
from recurra.topologies.numbers import Numbers
from recurra.topologies.one_to_many import OneToMany
from recurra.topologies.one_to_one import OneToOne
from recurra.topologies.sets import NADE, Bernoulli, Sets
from recurra.topologies.softmax import Softmax
from recurra.topologies.writers import Writers, WritersState

__all__ = [
    "BLANK",
    "CRF",
    "CTC",
    "NADE",
    "Bernoulli",
    "Decoder",
    "DecoderState",
    "Distribution",
    "Ensemble",
    "Forecaster",
    "Gaussian",
    "LanguageModel",
    "Loss",
    "ManyToManyEqual",
    "ManyToManyUnequal",
    "ManyToOne",
    "Numbers",
    "OneToMany",
    "OneToOne",
    "Point",
    "Quantiles",
    "Sets",
    "Softmax",
    "StudentT",
    "Writer",
    "Writers",
    "WritersState",
    "cross_entropy",
    "negative_log_likelihood",
]
