"""Requests at random, drawn by schemathesis from the server's own description (OpenAPI): none may end in a fault.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e '.[studio,text]' schemathesis
    benchmarks/.venv/bin/python benchmarks/random_requests.py [--examples 100]

Four models are served, of pictures, pictures with a condition, a table of mixed columns with a detector, and texts; each
request goes to one of them. Half of the bodies fit the description, half do not. Looked for: statuses of 500 and more, statuses
and types that are not described, problems that are not as described. Not looked for: whether all that fits the description is
accepted, for what fits depends on the model. Writes a section of benchmarks/results/serving.md. About 5 minutes on a core.
"""

import argparse
import itertools
import time
import warnings
from collections import Counter
from typing import Any

import numpy as np


def served() -> dict[str, Any]:
    """The models, hardly trained."""
    import pandas as pd

    from latentwalk import AnomalyDetector, Autoencoder, Dataset, load
    from latentwalk.serving.served import Served

    rng, usual = np.random.default_rng(0), {"epochs": 1, "random_state": 0, "progress": False}
    digits = load("digits").take(np.arange(300))
    people = pd.DataFrame({"height": rng.normal(170, 10, 200), "town": rng.choice(["Ulm", "Köln"], 200)})
    texts = Dataset.of(["ab", "abab", "ba", "baba", "aab", "bba"] * 10, units="characters")
    detector = AnomalyDetector(random_state=0, epochs=1).fit(people)
    digits_run = Autoencoder("vae", latent=3, **usual).fit(digits)
    runs = [
        Served("digits", digits_run, data=lambda: digits, classes=digits.classes),
        Served("told", Autoencoder("vae", condition=True, **usual).fit(digits), data=lambda: digits, classes=digits.classes),
        Served("people", detector.model_, data=lambda: Dataset.of(people), detector=detector),
        Served("texts", Autoencoder("vae", latent=2, **usual).fit(texts), data=lambda: texts),
    ]
    return {run.name: run for run in runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")

    import schemathesis
    from common.facts import RESULTS, facts, put_section
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as some
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, unsupported_method

    from latentwalk.serving.application import application

    runs = served()
    host = {"Host": "127.0.0.1"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", application(runs), headers=host)
    names = itertools.cycle(runs)
    statuses: Counter[int] = Counter()
    faults: dict[tuple[str, int, str], str] = {}
    start, operations = time.perf_counter(), 0
    for found in schema.get_all_operations():
        operation, operations = found.ok(), operations + 1
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        strategies = some.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

        @given(case=strategies)
        @settings(
            max_examples=asked.examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        def attempt(case: Any) -> None:
            run = next(names)
            told = dict(case.path_parameters or {})
            told |= {"run": run} if "run" in told else {}
            told |= {"model": f"{run}-decoder"} if "model" in told else {}
            told |= {"version": "1"} if "version" in told else {}
            case.path_parameters = told
            answer = case.call(headers=host)
            statuses[answer.status_code] += 1
            try:
                case.validate_response(
                    answer, excluded_checks=[positive_data_acceptance, negative_data_rejection, unsupported_method]
                )
            except BaseException as error:  # a group of what was found
                key = (case.operation.label, answer.status_code, str(error).splitlines()[2][:80])
                faults.setdefault(key, str(error))

        try:
            attempt()
        except Exception as error:  # nothing could be drawn, or the application itself raised
            faults[operation.label, 0, type(error).__name__] = repr(error)[:2000]
    seconds = time.perf_counter() - start
    for key, said in faults.items():
        print(key, said, sep="\n", end="\n\n")
    many = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    put_section(
        RESULTS / "serving.md",
        "Requests at random",
        f"{facts('schemathesis', 'fastapi', 'latentwalk')} {sum(statuses.values()):,} requests drawn from the server's own "
        f"description, at most {asked.examples} for each of {operations} routes, to four models, in {seconds:.0f} s: "
        f"{len(faults)} kinds of faults (a status of 500 or more, an answer that is not as described). Statuses: {many}. "
        "Script: `benchmarks/random_requests.py`.",
    )
    for run in runs.values():
        run.close()


if __name__ == "__main__":
    main()
