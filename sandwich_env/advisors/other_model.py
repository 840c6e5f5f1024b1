"""Another model in the adviser's place: now and then the answer is not the expert's, but that of a model B."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, get_args

from sandwich_env.advisors.base import Advice, Advisor, Asks, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.errors import SpecError, WeightsError, did_you_mean
from sandwich_env.experts.base import Expert
from sandwich_env.experts.legal import as_policy
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec, from_spec

States = Literal["honest", "own"]


class OtherModel(Wrapper):
    """Recommends, with probability `epsilon`, the move of another model: the worst, the riskiest, a trained B's.

    A trusted model and an untrusted one that share a seat, of which nobody says whose answer it is (Greenblatt et al.
    2023, "AI Control: Improving Safety Despite Intentional Subversion"). The model is asked about its own share alone.

    Args:
        model: an expert, its spec, or the path of a network's weights, `....safetensors`.
        value: which value is stated with its moves: "honest" for what the advisor inside says, "own" for the model's.
        inner, epsilon, seed, when: see `Wrapper`.

    Raises:
        WeightsError: no weights at the path, or of another architecture.
    """

    changes: ClassVar[tuple[Asks, ...]] = ("move", "value")
    experts: ClassVar = ("model",)

    def __init__(
        self,
        inner: Advisor,
        model: Expert | Spec | Path,
        epsilon: float = 1.0,
        *,
        value: States = "honest",
        seed: int = 0,
        when: Schedule | Spec = "always",
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        if value not in get_args(States):
            raise SpecError(f"'other_model' has no value={value!r}: {did_you_mean(str(value), get_args(States))}")
        self.value = value
        self.changes = ("move", "value") if value == "own" else ("move",)  # type: ignore[misc]
        self.model = _model(model)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        found = self.model.evaluate(query.games)
        policy = as_policy(found.policy if found.legal is None else found.legal)
        return advice.tampered(by=self.kind, policy=policy, value=found.value if self.value == "own" else None)

    def close(self) -> None:
        self.model.close()
        super().close()


def _model(model: Expert | Spec | Path) -> Expert:
    if isinstance(model, Path) or (isinstance(model, str) and model.endswith(".safetensors")):
        try:
            return NetworkExpert(model)
        except WeightsError as error:
            raise WeightsError(f"'other_model' cannot use the model {str(model)!r}: {error}") from error
    return from_spec(model, Expert, "model of 'other_model'")
