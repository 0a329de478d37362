"""What a look at a latent space ends in: findings in plain words, each with the one change to try, and the look after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from html import escape
from typing import Any, Literal, Self

from latentwalk.models.schedule import Schedule
from latentwalk.saving.options import to_json

__all__ = ["ORDER", "Diagnosis", "Finding", "Recheck", "Severity", "wording"]

Severity = Literal["problem", "note", "fine"]
ORDER: tuple[Severity, ...] = ("problem", "note", "fine")
COLOURS = {"problem": "#b3261e", "note": "#8a6100", "fine": "#2e6b34"}
PLAIN = {"recipe__beta": "beta", "recipe__free_nats": "free nats"}  # what an option is called, where its name is a path


@dataclass(frozen=True, slots=True)
class Finding:
    """One symptom, looked for.

    measured: the numbers it was decided by, by name. sentence: what is wrong, or that nothing is, and how it was seen.
    advice: what to do, in a sentence; "" where all is fine. change: the same as options of `Autoencoder`, such as
    {"recipe__beta": 1.0} or {"latent": 16}; None where all is fine, or where no option helps.

    >>> print(Finding("collapse", "fine", {"active": 2.0}, "All 2 dimensions are in use."))
    fine: collapse. All 2 dimensions are in use.
    """

    name: str
    severity: Severity
    measured: Mapping[str, float]
    sentence: str
    advice: str = ""
    change: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.severity}: {self.name}. {self.sentence}" + (f"\n  Try: {self.advice}" if self.advice else "")

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings and dictionaries, ready for `json.dump`."""
        change = None if self.change is None else {name: to_json(value) for name, value in self.change.items()}
        return {
            "name": self.name,
            "severity": self.severity,
            "measured": {name: float(value) for name, value in self.measured.items()},
            "sentence": self.sentence,
            "advice": self.advice,
            "change": change,
            "in_words": "" if self.change is None else wording(self.change),
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, the gravest first; among equals causes come before what they cause.

    unseen: symptoms that could not be looked for, by name, and why. numbers: what else was measured, by name.
    """

    findings: tuple[Finding, ...]
    unseen: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Mapping[str, Finding | str], numbers: Mapping[str, float]) -> Self:
        """The diagnosis of what each symptom answered, causes first: a finding, or why it could not be looked for."""
        findings = [one for one in found.values() if isinstance(one, Finding)]
        unseen = {name: why for name, why in found.items() if isinstance(why, str)}
        return cls(tuple(sorted(findings, key=lambda one: ORDER.index(one.severity))), unseen, dict(numbers))

    @property
    def first(self) -> Finding | None:
        """What to change first; None where all is fine."""
        return self.findings[0] if self.findings and self.findings[0].severity != "fine" else None

    @property
    def worth_telling(self) -> tuple[Finding, ...]:
        """The problems and the notes."""
        return tuple(one for one in self.findings if one.severity != "fine")

    def __getitem__(self, name: str) -> Finding:
        """The finding of that name. Raises KeyError where it was not looked for."""
        found = {one.name: one for one in self.findings}
        return found[name]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def compare(self, after: "Diagnosis") -> "Recheck":
        """What became of the first finding once its change was made, as another diagnosis sees it."""
        return Recheck(self, after)

    def __str__(self) -> str:
        fine = [one.name for one in self.findings if one.severity == "fine"]
        said = [str(one) for one in self.worth_telling] or ["Nothing is wrong."]
        if fine:
            said.append(f"fine: {', '.join(fine)}")
        said += [f"not looked for: {name} ({why})" for name, why in self.unseen.items()]
        return "\n".join(said)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dictionaries, ready for `json.dump`."""
        return {
            "first": None if self.first is None else self.first.name,
            "findings": [one.to_json() for one in self.findings],
            "unseen": dict(self.unseen),
            "numbers": {name: float(value) for name, value in self.numbers.items()},
        }

    def _repr_html_(self) -> str:
        rows = "".join(_row(one) for one in self.findings)
        unseen = "".join(f"<p style='color:#666'>Not looked for: {escape(n)} ({escape(w)})</p>" for n, w in self.unseen.items())
        return (
            "<table style='border-collapse:collapse;text-align:left;max-width:60em'><thead><tr>"
            + "".join(f"<th style='padding:.3em .8em;text-align:left'>{head}</th>" for head in ("", "Finding", "Try"))
            + f"</tr></thead><tbody>{rows}</tbody></table>{unseen}"
        )


@dataclass(frozen=True, slots=True)
class Recheck:
    """A diagnosis, the change it asked for, and the diagnosis after it.

    Where there was nothing to change, `finding` is None and nothing can be gone.
    """

    before: Diagnosis
    after: Diagnosis

    @property
    def finding(self) -> Finding | None:
        """What was wrong."""
        return self.before.first

    @property
    def now(self) -> Finding | None:
        """The same symptom after the change; None where it could not be looked for any more."""
        name = None if self.finding is None else self.finding.name
        return next((one for one in self.after if one.name == name), None)

    @property
    def gone(self) -> bool:
        """Whether it is no longer found."""
        return self.now is not None and self.now.severity == "fine"

    @property
    def better(self) -> bool:
        """Whether it weighs less than before: gone, or no more than a note."""
        return self.finding is not None and self.now is not None and _weight(self.now) < _weight(self.finding)

    @property
    def appeared(self) -> tuple[str, ...]:
        """Problems that were none before, by name."""
        had = {one.name for one in self.before if one.severity == "problem"}
        return tuple(one.name for one in self.after if one.severity == "problem" and one.name not in had)

    @property
    def numbers(self) -> dict[str, tuple[float, float]]:
        """Before and after, by name: what the finding was decided by, then what was measured besides."""
        pairs: dict[str, tuple[float, float]] = {}
        if self.finding is not None and self.now is not None:
            pairs |= _both(self.finding.measured, self.now.measured)
        return pairs | _both(self.before.numbers, self.after.numbers)

    def __str__(self) -> str:
        if self.finding is None:
            return "Nothing was wrong, so nothing was changed."
        verdict = "gone" if self.gone else "better, not gone" if self.better else "still there"
        said = [f"{self.finding.name}: {verdict}. {self.now.sentence if self.now else ''}".rstrip()]
        said += [f"  {name}: {before:.4g} → {after:.4g}" for name, (before, after) in self.numbers.items()]
        if self.appeared:
            said.append(f"But now: {', '.join(self.appeared)}.")
        return "\n".join(said)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dictionaries, ready for `json.dump`."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "gone": self.gone,
            "better": self.better,
            "appeared": list(self.appeared),
            "numbers": {name: list(pair) for name, pair in self.numbers.items()},
        }


def wording(change: Mapping[str, Any]) -> str:
    """A change in words: {"recipe__beta": 1.0, "latent": 16} → "beta = 1, latent = 16"."""
    return ", ".join(f"{PLAIN.get(name, name)} = {_value(value)}" for name, value in change.items())


def _value(value: Any) -> str:
    if isinstance(value, Schedule):
        return f"{value.value:.3g}, after {value.rise:g} epochs of rising from 0"
    if is_dataclass(value):  # a network: only what is not as usual
        said = {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) != f.default}
        return f"{type(value).__name__}({', '.join(f'{name}={_value(one)}' for name, one in said.items())})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _weight(one: Finding) -> int:
    return -ORDER.index(one.severity)


def _both(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    return {name: (float(before[name]), float(after[name])) for name in before if name in after}


def _row(one: Finding) -> str:
    cell = "padding:.4em .8em;vertical-align:top;text-align:left;border-top:1px solid #ddd"
    change = "" if not one.change else f"<br><code>{escape(wording(one.change))}</code>"
    return (
        f"<tr><td style='{cell};color:{COLOURS[one.severity]};font-weight:600'>{one.severity}</td>"
        f"<td style='{cell}'><b>{escape(one.name)}</b><br>{escape(one.sentence)}</td>"
        f"<td style='{cell}'>{escape(one.advice)}{change}</td></tr>"
    )
