"""deploy/: each overlay as kustomize builds it, against the schemas of Kubernetes' API, and what it promises."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from containers.containerfile import SERVERS, server_arguments
from containers.recipe_server import is_named, names_of_default_certificates, read_server_section, sampler_addresses
from containers.repository import ROOT, output_of
from containers.served_settings import settings_in_container

KUSTOMIZE = next(
    (command for command in (["kustomize", "build"], ["kubectl", "kustomize"]) if shutil.which(command[0])), []
)
pytestmark = pytest.mark.skipif(not KUSTOMIZE, reason="neither kustomize nor kubectl is installed")

Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    built = output_of(*KUSTOMIZE, f"deploy/overlays/{request.param}")
    return [manifest for manifest in yaml.safe_load_all(built) if manifest]


def by_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pod spec of each workload."""
    workloads = {**by_kind(manifests, "StatefulSet"), **by_kind(manifests, "Job")}
    return {name: workload["spec"]["template"]["spec"] for name, workload in workloads.items()}


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    [data] = [manifest["data"] for manifest in by_kind(manifests, "ConfigMap").values()]
    assert isinstance(data, dict)
    return data


def test_every_manifest_is_one_of_kubernetes(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelt_field_would_be_found(manifests: list[Manifest]) -> None:
    wrong = {**by_kind(manifests, "StatefulSet")["trainer"]}
    wrong["spec"] = {**wrong["spec"], "replica": 2}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_every_pod_is_a_normal_user_with_a_read_only_root_and_no_rights(manifests: list[Manifest]) -> None:
    specs = pods(manifests)
    assert set(specs) == {"trainer", "sampler", "orchestrator"}
    [fill] = yaml.safe_load_all((ROOT / "deploy" / "fill-bases.yaml").read_text())
    kubernetes_validate.validate(fill, kubernetes_validate.latest_version(), strict=True)
    for spec in (*specs.values(), fill["spec"]):
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_secrets_are_named_and_not_contained(manifests: list[Manifest]) -> None:
    assert not by_kind(manifests, "Secret")
    for spec in pods(manifests).values():
        [token] = [entry for entry in spec["containers"][0]["env"] if entry["name"] == "DRPO_SERVER_TOKEN"]
        assert token["valueFrom"] == {"secretKeyRef": {"name": "drpo-token", "key": "token"}}


def test_servers_understand_their_arguments_and_answer_for_their_health(
    manifests: list[Manifest], tmp_path: Path
) -> None:
    for name in ("trainer", "sampler"):
        [container] = pods(manifests)[name]["containers"]
        tag = container["image"].partition(":")[2].partition("-")[2] or "cpu"
        assert tag in SERVERS
        settings_in_container(server_arguments(tag, container["args"]), tmp_path)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["exec"]["command"] == ["python3", "-m", "drpo_server.check_health"]


def test_what_is_written_has_a_volume_and_every_mount_has_its_volume(manifests: list[Manifest]) -> None:
    for name, spec in pods(manifests).items():
        templates = by_kind(manifests, "StatefulSet").get(name, {}).get("spec", {}).get("volumeClaimTemplates", [])
        volumes = {volume["name"] for volume in spec["volumes"]} | {claim["metadata"]["name"] for claim in templates}
        mounts = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
        assert set(mounts.values()) == volumes
        written = {"/tmp", "/srv/drpo"} if name == "orchestrator" else {"/tmp", "/data/checkpoints", "/data/stages"}
        assert written <= mounts.keys()
        claimed = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in spec["volumes"]
            if "persistentVolumeClaim" in volume
        }
        assert claimed <= by_kind(manifests, "PersistentVolumeClaim").keys()


def test_the_recipe_names_every_sampler_by_a_name_of_its_certificate(manifests: list[Manifest]) -> None:
    section = read_server_section(settings_of(manifests)["server"])
    replicas = by_kind(manifests, "StatefulSet")["sampler"]["spec"]["replicas"]
    assert sampler_addresses(section) == [f"sampler-{number}.sampler.drpo.svc:50051" for number in range(replicas)]
    for address in sampler_addresses(section):
        assert is_named(address.partition(":")[0], names_of_default_certificates("sampler"))
    assert is_named(section["address"].partition(":")[0], names_of_default_certificates("trainer"))


def test_services_and_policies_select_the_pods_that_there_are(manifests: list[Manifest]) -> None:
    labels = {
        name: workload["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for kind in ("StatefulSet", "Job")
        for name, workload in by_kind(manifests, kind).items()
    }
    assert labels == {name: name for name in labels}
    for name, service in by_kind(manifests, "Service").items():
        assert service["spec"]["selector"] == {"app.kubernetes.io/name": name}
        assert service["spec"]["clusterIP"] == "None"
    policies = by_kind(manifests, "NetworkPolicy")
    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert set(policies) == {"deny-all", "names", *labels}


def test_a_run_that_was_interrupted_goes_on_and_a_wrong_recipe_ends(manifests: list[Manifest]) -> None:
    job = by_kind(manifests, "Job")["orchestrator"]["spec"]
    assert "--start-or-resume" in job["template"]["spec"]["containers"][0]["args"]
    fail, ignore = job["podFailurePolicy"]["rules"]
    assert (fail["action"], fail["onExitCodes"]["values"]) == ("FailJob", [1, 2])
    assert (ignore["action"], ignore["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
