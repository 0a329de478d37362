"""When the codes say nothing about the data, or innovations nothing about films: what counts as saying something, what to do.

Source: Burda et al. 2016, section 5.2, for the threshold.
"""

__all__ = ["ACTIVE", "BLIND", "COLLAPSED", "FORESEEN", "SILENT", "UNSAID"]

ACTIVE = 0.01  # a dimension whose posterior mean varies less than this is not used
COLLAPSED = (
    "so the decoder ignores them and every draw looks alike. Lower beta, warm it up from 0, or give free nats; if the loss was "
    "still falling, train for more epochs."
)
SILENT = 0.01  # nats a frame: an innovation that says less says nothing
FORESEEN = 0.1  # of what changes from frame to frame: where less is left over, nothing has to be said
UNSAID = (
    "so all futures are alike. If there is chance in these films, learn for longer, with another seed (random_state=, --seed), "
    "or with a larger free_rate=; if there is none, innovation=0 learns faster."
)
BLIND = " A decoder of texts that is shown fewer units asks the code more: Network('gru', word_dropout=.3)."
