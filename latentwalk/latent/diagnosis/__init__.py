"""What is wrong with a latent space, in plain words, with the one change to try: a table of symptoms, each a function.

out_of_range                                              are the rows like those learnt from?     (rows)
collapse, under_trained, over_regularised, overfitting    did it learn?                            (learnt)
blurry_decoder, too_few, too_many                         is it as able as the data needs?         (capacity)
discontinuity, draws_in_holes, crowding                   what lies between the codes?             (draws)
"""

from latentwalk.latent.diagnosis.diagnose import SYMPTOMS, diagnose
from latentwalk.latent.diagnosis.evidence import Evidence
from latentwalk.latent.diagnosis.finding import Diagnosis, Finding, Recheck, wording

__all__ = ["SYMPTOMS", "Diagnosis", "Evidence", "Finding", "Recheck", "diagnose", "wording"]
