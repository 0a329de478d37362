"""When the codes say nothing about the data: what counts as saying something, and what to do.

Source: Burda et al. 2016, section 5.2, for the threshold.
"""

__all__ = ["ACTIVE", "BLIND", "COLLAPSED"]

ACTIVE = 0.01  # a dimension whose posterior mean varies less than this is not used
COLLAPSED = (
    "so the decoder ignores them and every draw looks alike. Lower beta, warm it up from 0, or give free nats; if the loss was "
    "still falling, train for more epochs."
)
BLIND = " A decoder of texts that is shown fewer units asks the code more: Network('gru', word_dropout=.3)."
