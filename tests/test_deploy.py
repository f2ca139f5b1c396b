"""The files of ``deploy/`` hold together: ports, routes, settings, secrets, images, commands.

Nothing is built or started. What a file names must exist: a route in the app, a setting in the
table, a path in the project, a command line that our parser takes.
"""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from citewise import __version__
from citewise.cli import _parser
from citewise.serve_settings import ServeSettings
from citewise.settings_table import SETTINGS
from citewise.ui import build_app
from citewise.ui.proxies import proxies_of
from ui_double import Double

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PORT = 7860
USER = 10001
VARIABLES = {one.variable: one for one in SETTINGS.values()} | {"CITEWISE_CONFIG": None}
SECRETS = {"CITEWISE_STORE", "CITEWISE_API_KEY", "CITEWISE_OWNER_PASSWORD"}
INSTRUCTIONS = frozenset(
    {"FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "STOPSIGNAL"}
    | {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
)
IMAGE = re.compile(r"(?:[\w.-]+/)*[\w.-]+:(?=[\w.-]*\d)[\w.-]+(?:@sha256:[0-9a-f]{64})?")


@pytest.fixture(scope="module")
def routes() -> set[str]:
    app = build_app(Double(), serving=ServeSettings(metrics="open"))
    return {route.path for route in app.routes if isinstance(route, APIRoute)}


def is_pinned(image: str) -> bool:
    """Whether an image names one version, not whatever is the latest."""
    return IMAGE.fullmatch(image) is not None and not image.endswith(":latest")


@pytest.mark.parametrize("image", ["caddy", "caddy:latest", "caddy:alpine", "a/b", "x:${TAG}"])
def test_an_image_that_can_change_overnight_is_not_pinned(image: str) -> None:
    assert not is_pinned(image)


def demand_settings(given: Mapping[str, str]) -> None:
    """Each variable is a setting's, and its value can be one."""
    for variable, value in given.items():
        if not variable.startswith("CITEWISE_"):
            continue
        assert variable in VARIABLES, f"{variable} is no setting"
        one = VARIABLES[variable]
        if one is not None and "${" not in value:
            one.parsed(value)


def demand_command(arguments: list[str]) -> None:
    """Our own parser takes this command line."""
    _parser().parse_args(arguments)


def test_a_setting_or_a_command_that_is_none_is_found() -> None:
    with pytest.raises(AssertionError, match="CITEWISE_PROT"):
        demand_settings({"CITEWISE_PROT": "1"})
    with pytest.raises(ValueError):
        demand_settings({"CITEWISE_PORT": "many"})
    with pytest.raises(SystemExit):
        demand_command(["chatt"])


# --- the image -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, in its stage."""

    stage: str
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its arguments; those in JSON as such."""
        text = self.text.strip()
        return json.loads(text) if text.startswith("[") else shlex.split(text)


def dockerfile() -> list[Instruction]:
    """The instructions, with continued lines joined and comments left out."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    stage, found = "", []
    for line in filter(str.strip, joined.splitlines()):
        name, _, rest = line.partition(" ")
        assert name in INSTRUCTIONS, f"{name} is no instruction that is used here"
        if name == "FROM":
            stage = rest.partition(" AS ")[2] or "final"
        found.append(Instruction(stage, name, rest))
    return found


def of(name: str, stage: str = "final") -> list[Instruction]:
    return [one for one in dockerfile() if (one.name, one.stage) == (name, stage)]


def image_environment() -> dict[str, str]:
    return dict(word.split("=", 1) for one in of("ENV") for word in one.words)


def test_the_image_is_built_of_what_is_there() -> None:
    stages: list[str] = []
    for one in dockerfile():
        if one.name == "FROM":
            assert is_pinned(one.text.partition(" AS ")[0])
            stages.append(one.stage)
        if one.name != "COPY":
            continue
        flags = [word for word in one.words if word.startswith("--")]
        *sources, _ = [word for word in one.words if not word.startswith("--")]
        if flags:
            (flag,) = flags
            assert flag.removeprefix("--from=") in stages[:-1]
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
    assert stages == ["build", "final"]
    assert len({one.text.partition(" AS ")[0] for one in dockerfile() if one.name == "FROM"}) == 1


def test_what_is_copied_is_all_that_is_sent_to_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for one in of("COPY", "build") for word in one.words[:-1]}
    assert "*" in ignored
    assert let_in == copied


def test_what_is_built_needs_no_more_than_the_package_does() -> None:
    """The file that the package is built from names a readme, a licence and Python's versions."""
    runs = " ; ".join(one.text for one in of("RUN", "build"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (torch,) = re.findall(r'"(torch[<>=][^"]+)"', project)
    assert re.findall(r'"(torch[^"]+)"', runs) == [torch]
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', runs)
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
    for command in re.findall(r"citewise (models [\w. -]+)", runs):
        demand_command(shlex.split(command))
    assert "models fetch all-minilm-l6-v2 all-mpnet-base-v2" in runs
    (python,) = {re.findall(r"python:(\d+\.\d+)", one.text)[0] for one in of("FROM")}
    assert tuple(map(int, python.split("."))) >= (3, 10)


def test_the_container_runs_the_chat_as_nobody_special(routes: set[str]) -> None:
    (user,) = of("USER")
    assert user.text == f"{USER}:{USER}"
    assert [one.name for one in dockerfile() if one.stage == "final"].index("USER") < [
        one.name for one in dockerfile() if one.stage == "final"
    ].index("CMD")
    (entry,), (command,) = of("ENTRYPOINT"), of("CMD")
    assert entry.words == ["citewise"]
    demand_command(command.words)
    (exposed,) = of("EXPOSE")
    environment = image_environment()
    demand_settings(environment)
    assert exposed.text == environment["CITEWISE_PORT"] == str(PORT)
    assert environment["CITEWISE_HOST"] == "0.0.0.0"  # noqa: S104
    assert not SECRETS & environment.keys()
    (health,) = of("HEALTHCHECK")
    (url,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", health.text)
    assert url[0] == str(PORT)
    assert url[1] in routes
    (signal,) = of("STOPSIGNAL")
    assert signal.text == "SIGTERM"


def test_the_health_check_is_a_program_that_python_takes() -> None:
    (health,) = of("HEALTHCHECK")
    command = json.loads(health.text.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")


# --- Compose -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_compose_file_meets_the_specification(compose: dict[str, Any]) -> None:
    spec = pytest.importorskip("compose_spec", reason="there is no build of it for this machine")

    def demand_valid(file: dict[str, Any]) -> list[str]:
        # It knows neither merged mappings nor variables.
        parsed = spec.PyCompose.from_yaml(without_variables(yaml.safe_dump(file)))
        parsed.validate()
        return sorted(parsed.service_names())

    assert demand_valid(compose) == ["app1", "app2", "index", "llm", "postgres", "proxy"]
    for slip in ({"imagee": "x"}, {"networks": ["nowhere"]}, {"stop_grace_period": "soon"}):
        wrong = {"services": {**compose["services"], "llm": compose["services"]["llm"] | slip}}
        with pytest.raises(ValueError):
            demand_valid(compose | wrong)


def test_the_services_of_compose_hold_together(compose: dict[str, Any]) -> None:
    """The rules of the Compose specification that a slip breaks first."""
    services = compose["services"]
    assert services["app1"] == services["app2"], "any of them answers any request"
    for name, service in services.items():
        assert is_pinned(service["image"]), name
        assert set(service["networks"]) <= compose["networks"].keys()
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services
            health = "healthcheck" in services[needed] or "build" in services[needed]
            assert how["condition"] != "service_healthy" or health, needed
        for volume in service.get("volumes", ()):
            source, target = without_variables(volume).split(":")[:2]
            assert target.startswith("/")
            if not source.startswith((".", "/")):
                assert source in compose["volumes"]
        assert ("ports" in service) == (name == "proxy"), "nobody else is reached from outside"
    build = services["app1"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert services["app1"]["image"] == f"citewise:{__version__}"


def without_variables(text: str) -> str:
    """With the defaults of variables in their places; one that has none is ``given``."""
    default = r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}"
    return re.sub(default, lambda match: "given" if match[1] is None else match[1], text)


def test_the_processes_of_compose_are_set_up_by_real_settings(compose: dict[str, Any]) -> None:
    app = compose["services"]["app1"]
    given = app["environment"]
    demand_settings(given)
    services = compose["services"]
    for variable in ("CITEWISE_STORE", "CITEWISE_LLM"):
        (host, port) = re.findall(r"(?://|@)([a-z0-9]+):(\d+)", given[variable])[0]
        assert host in services
        if host == "llm":
            command = services["llm"]["command"]
            assert command[command.index("--port") + 1] == port
            assert command[command.index("--alias") + 1] == given[variable].partition("#")[2]
            assert command[command.index("--parallel") + 1] == given["CITEWISE_LLM_AT_ONCE"]
            assert f":{port}/" in services["llm"]["healthcheck"]["test"][-1]
    subnet = compose["networks"]["inner"]["ipam"]["config"][0]["subnet"]
    assert proxies_of(given["CITEWISE_TRUSTED_PROXIES"]) == (subnet,)
    assert ipaddress.ip_network(subnet).is_private
    grace = int(app["stop_grace_period"].removesuffix("s"))
    assert grace > int(given["CITEWISE_SHUTDOWN_SECONDS"]) + 5
    demand_command(compose["services"]["index"]["command"])
    assert (app["read_only"], app["cap_drop"]) == (True, ["ALL"])
    written = {image_environment()[name] for name in ("CITEWISE_DATA", "CITEWISE_CACHE", "HOME")}
    mounts = [mount.partition(":")[0] for mount in app["tmpfs"]]
    assert all(any(path.startswith(mount) for mount in mounts) for path in written)


def test_no_secret_stands_in_the_files(compose: dict[str, Any]) -> None:
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${")
    example = (DEPLOY / ".env.example").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert used == values.keys()
    assert values["POSTGRES_PASSWORD"] == ""
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for address in re.findall(r"postgresql://[\w-]+:([^@\s]+)@", text):
                assert address.startswith("${") or address == "PASSWORD", path


# --- the proxy -----------------------------------------------------------------------------------


def caddyfile() -> str:
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def test_the_proxy_sends_to_the_processes_that_are_ready(
    compose: dict[str, Any], routes: set[str]
) -> None:
    text = caddyfile()
    depth = 0
    for line in text.splitlines():
        depth += line.rstrip().endswith("{")
        depth -= line.strip() == "}"
        assert depth >= 0
    assert depth == 0
    (upstreams,) = re.findall(r"reverse_proxy (.+) \{", text)
    apps = {name for name in compose["services"] if name.startswith("app")}
    assert set(upstreams.split()) == {f"{name}:{PORT}" for name in apps}
    assert re.findall(r"health_uri (\S+)", text) == ["/readyz"]
    assert "/readyz" in routes
    assert "flush_interval -1" in text, "events are shown as they come"
    (hidden,) = re.findall(r"path (.+)", text)
    assert set(hidden.split()) == {"/metrics", "/readyz"} <= routes
    proxy = compose["services"]["proxy"]
    assert set(proxy["depends_on"]) == apps
    site = re.findall(r"\{\$(\w+):([^}]*)\}", text)
    assert site == [("CITEWISE_SITE", ":80")]
    assert "CITEWISE_SITE" in proxy["environment"]
    assert any(mount.startswith("./Caddyfile:") for mount in proxy["volumes"])


# --- Kubernetes ----------------------------------------------------------------------------------


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, document


def manifest(kind: str) -> dict[str, Any]:
    (found,) = [document for _, document in manifests() if document["kind"] == kind]
    return found


def container() -> dict[str, Any]:
    (found,) = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_every_manifest_meets_its_schema() -> None:
    from kubernetes_validate import ValidationError, validate

    kinds = []
    for _, document in manifests():
        validate(document, "1.37", strict=True)
        kinds.append(document["kind"])
    assert sorted(kinds) == [
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Secret",
        "Service",
    ]
    wrong = manifest("Deployment")
    wrong["spec"]["replica"] = 2
    with pytest.raises(ValidationError):
        validate(wrong, "1.37", strict=True)


def test_probes_are_routes_of_the_app_on_its_port(routes: set[str]) -> None:
    app = container()
    (port,) = app["ports"]
    assert (port["name"], port["containerPort"]) == ("http", PORT)
    probes = {name: app[name]["httpGet"] for name in app if name.endswith("Probe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert {probe["path"] for probe in probes.values()} <= routes
    assert app["readinessProbe"]["timeoutSeconds"] >= 3, "a look may take a second and a half"
    (service_port,) = manifest("Service")["spec"]["ports"]
    assert service_port["targetPort"] == "http"
    demand_command(app["args"])


def test_names_and_labels_lead_to_one_another() -> None:
    deployment = manifest("Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    app = container()
    (settings,) = app["envFrom"]
    assert settings["configMapRef"]["name"] == manifest("ConfigMap")["metadata"]["name"]
    secret = manifest("Secret")
    for one in app["env"]:
        reference = one["valueFrom"]["secretKeyRef"]
        assert reference["name"] == secret["metadata"]["name"]
        assert reference["key"] in secret["stringData"]
    volumes = {one["name"] for one in deployment["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in app["volumeMounts"]} == volumes


def test_settings_are_real_and_secrets_are_elsewhere() -> None:
    settings = manifest("ConfigMap")["data"]
    demand_settings(settings)
    assert not SECRETS & settings.keys()
    proxies_of(settings["CITEWISE_TRUSTED_PROXIES"])
    assert set(manifest("Secret")["stringData"].values()) == {""}
    names = {one["name"] for one in container()["env"]}
    assert names <= SECRETS
    demand_settings(dict.fromkeys(names, "x"))
    assert all("value" not in one for one in container()["env"])


def test_a_pod_is_nobody_special_and_ends_in_its_time() -> None:
    deployment = manifest("Deployment")
    pod, app = deployment["spec"]["template"]["spec"], container()
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (
        True,
        USER,
    )
    context = app["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= app["resources"]["requests"].keys()
    assert "memory" in app["resources"]["limits"]
    assert app["image"] == f"citewise:{__version__}"
    pause = app["lifecycle"]["preStop"]["sleep"]["seconds"]
    answers = int(manifest("ConfigMap")["data"]["CITEWISE_SHUTDOWN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > pause + answers + 5
    mounted = {mount["mountPath"] for mount in app["volumeMounts"]}
    written = {image_environment()[name] for name in ("CITEWISE_DATA", "CITEWISE_CACHE", "HOME")}
    assert all(any(path.startswith(mount) for mount in mounted) for path in written)


def test_there_is_always_another_process() -> None:
    replicas = manifest("Deployment")["spec"]["replicas"]
    scaled = manifest("HorizontalPodAutoscaler")["spec"]
    rolling = manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert replicas == scaled["minReplicas"] >= 2
    assert 1 <= manifest("PodDisruptionBudget")["spec"]["minAvailable"] < replicas
    assert scaled["minReplicas"] < scaled["maxReplicas"]
    assert rolling["maxUnavailable"] == 0
