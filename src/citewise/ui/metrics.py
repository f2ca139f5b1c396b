"""Counts what a server does, for Prometheus; nothing of it is loaded unless ``metrics`` is set.

No label holds a question, an answer, a document's name, an address or who asked. The registry is
our own: nothing else in this process shows in it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from citewise.errors import InputError
from citewise.types import Answer, Status
from citewise.ui.metrics_table import METRICS, Metric

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

    from citewise.generator_pool import AddressLoad

__all__ = ["Meters", "refusal_of"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_LLM: dict[str, Callable[[AddressLoad], int]] = {
    "citewise_llm_requests": lambda load: load.requests,
    "citewise_llm_failures": lambda load: load.failures,
    "citewise_llm_failovers": lambda load: load.failovers,
    "citewise_llm_in_flight": lambda load: load.in_flight,
}
_TABLE = {one.name: one for one in METRICS}


class Meters:
    """All metrics of one server; safe between threads.

    Args:
        loads: what the language model's addresses were asked so far.

    Raises:
        InputError: the package that tells them is not installed.
    """

    def __init__(self, loads: Callable[[], Sequence[AddressLoad]] = list) -> None:
        try:
            self._client = importlib.import_module("prometheus_client")
        except ModuleNotFoundError:
            raise InputError(
                "The setting metrics needs a package that is not installed: prometheus_client.",
                'Install it with pip install "citewise[serve]", or set metrics to off.',
            ) from None
        from citewise import __version__

        self._client.disable_created_metrics()
        self._registry = self._client.CollectorRegistry()
        self._client.ProcessCollector(registry=self._registry)
        self._made = {one.name: self._make(one) for one in METRICS if one.name not in _LLM}
        self._registry.register(cast("Any", _Loads(loads)))
        self._made["citewise_build_info"].labels(__version__).set(1)

    @property
    def content_type(self) -> str:
        """What ``text`` is."""
        return str(self._client.CONTENT_TYPE_LATEST)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return bytes(self._client.generate_latest(self._registry))

    def count(self, name: str, label: str = "", by: float = 1) -> None:
        """Add to a counter of the table."""
        self._one(name, label).inc(by)

    def observe(self, name: str, seconds: float, label: str = "") -> None:
        """Add to a histogram of the table."""
        self._one(name, label).observe(seconds)

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """Let a gauge of the table tell what ``value`` gives whenever it is asked."""
        self._made[name].set_function(value)

    def answered(self, answer: Answer) -> None:
        """Count an answer, its stages, its verdicts and what was dropped."""
        for stage, seconds in answer.timings.items():
            self.observe("citewise_stage_seconds", seconds, stage)
        self.count("citewise_answers", answer.status.value)
        if answer.status is Status.NOT_FOUND:
            self.count("citewise_refusals", refusal_of(answer))
        for sentence in (*answer.sentences, *answer.dropped):
            self.count("citewise_verdicts", sentence.verdict.label.value)
        dropped = answer.explanation.get("dropped_citations")
        if isinstance(dropped, (int, float)):
            self.count("citewise_dropped_citations", by=dropped)

    def _one(self, name: str, label: str) -> Any:
        made = self._made[name]
        return made.labels(label) if label else made

    def _make(self, one: Metric) -> Any:
        kinds = {"counter": "Counter", "gauge": "Gauge", "histogram": "Histogram"}
        more = {"buckets": _BUCKETS} if one.kind == "histogram" else {}
        labels = [one.label] if one.label else []
        kind = getattr(self._client, kinds[one.kind])
        made = kind(one.name, one.help, labels, registry=self._registry, **more)
        for value in one.values:
            made.labels(value)  # told as 0 before it happens, so that an alarm can look for it
        return made


class _Loads:
    """Tells what the generator has counted, when it is asked."""

    def __init__(self, loads: Callable[[], Sequence[AddressLoad]]) -> None:
        self._loads = loads

    def collect(self) -> Iterator[Family]:
        core = importlib.import_module("prometheus_client.core")
        loads = self._loads()
        for name, value in _LLM.items():
            one = _TABLE[name]
            gauge = one.kind == "gauge"
            kind = core.GaugeMetricFamily if gauge else core.CounterMetricFamily
            family = kind(name, one.help, labels=[one.label])
            for number, load in enumerate(loads):
                family.add_metric([str(number)], value(load))
            yield family


def refusal_of(answer: Answer) -> str:
    """Why an answer says that the documents do not answer."""
    if answer.explanation.get("model_refused"):
        return "model"
    return "unsupported" if answer.dropped else "unanswerable"
