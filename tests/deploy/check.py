#!/usr/bin/env python3
"""Checks docker-compose.yml, every manifest the chart renders and the monitoring files, and that the checks can fail.

    check.py --helm HELM --compose-schema PROGRAM

HELM is Helm 3; PROGRAM is compose-go's command, which validates against the Compose specification. Needs PyYAML and
kubernetes-validate (which contains Kubernetes' schemas). Ends with 'N passed, N failed'.
"""

import argparse
import copy
import json
import re
import subprocess
import sys

import kubernetes_validate
import yaml

import compose
import manifests
from sources import ROOT, metrics

CHART = ROOT / "helm/muster"
# The oldest that Chart.yaml accepts, and a new one.
KUBERNETES = ("1.25", "1.34")
EXTERNAL = {"full": ("Secret muster-secrets", "Secret muster-product-secrets", "ConfigMap web-client"), "shared-volume": ("ServiceAccount chat",)}
MINIMAL = CHART / "ci/minimal.yaml"

passed, failed = 0, 0


def report(what, problems):
    global passed, failed
    if problems:
        failed += 1
        print(f"FAILED {what}")
        for problem in problems:
            print(f"    {problem}")
    else:
        passed += 1
        print(f"ok     {what}")


def run(*command):
    result = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr.strip()


def render(helm, values, version, *more):
    return run(helm, "template", "chat", CHART, "--namespace", "chat", "--kube-version", version, "--values", values, *more)


def schema_problems(documents, version):
    """What Kubernetes' own schemas (unknown fields refused) say against the documents."""
    problems = []
    for document in documents:
        key = (document.get("apiVersion"), document.get("kind"))
        if key in manifests.CUSTOM_KINDS:
            for field, needed in manifests.CUSTOM_KINDS[key].items():
                problems += [f"{manifests.named(document)}: {field}.{name} is missing" for name in needed if name not in document.get(field, {})]
            continue
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.path)
            problems.append(f"{key[1]} {document.get('metadata', {}).get('name')}: {path}: {error.message}")
        except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
            problems.append(error.message)
    return problems


def manifest_problems(documents, version, values):
    """Our own rules are asked only of documents that have the shape the schemas demand."""
    return schema_problems(documents, version) or manifests.check(documents, EXTERNAL.get(values.stem, ()))


def check_chart(helm):
    for values in sorted((CHART / "ci").glob("*.yaml")):
        code, out, err = run(helm, "lint", "--strict", CHART, "--values", values)
        report(f"helm lint with {values.name}", [] if code == 0 else [out + err])
        for version in KUBERNETES:
            code, out, err = render(helm, values, version)
            if code:
                report(f"chart with {values.name} for Kubernetes {version}", [err])
                continue
            documents = [d for d in yaml.safe_load_all(out) if d]
            problems = manifest_problems(documents, version, values)
            report(f"chart with {values.name} for Kubernetes {version}: {len(documents)} manifests", problems)


# Values the chart must refuse, and a word of the reason.
REFUSED_VALUES = {
    "no database": (["--set", "database.url="], "database.url is needed"),
    "unknown value": (["--set", "databse.url=x"], "databse"),
    "unknown role": (["--set", "roles.search.replicas=1"], "search"),
    "tag latest": (["--set", "image.tag=latest"], "tag"),
    "wrong scheme": (["--set", "redis.url=http://redis"], "redis"),
    "short secret": (["--set", "clusterSecret=short"], "clusterSecret"),
    "two replicas on one volume": (["--set", "roles.files.replicas=2"], "ReadWriteMany"),
    "s3 without a bucket": (["--set", "objectStore.type=s3"], "bucket is needed"),
    "ingress without a host": (["--set", "ingress.enabled=true"], "at least one name"),
    "a setting that is none": (["--set", "settings.SITE=x"], "SITE"),
}


def check_refusals(helm):
    for what, (arguments, reason) in REFUSED_VALUES.items():
        code, _, err = render(helm, MINIMAL, KUBERNETES[-1], *arguments)
        report(f"chart refuses: {what}", [] if code and reason in err else [f"exit code {code}: {err or 'no error'}"])


def deployment(documents, role="posts"):
    return next(d for d in documents if d["kind"] == "Deployment" and manifests.role_of(d) == role)


def find(documents, kind, ending):
    return next(d for d in documents if d["kind"] == kind and d["metadata"]["name"].endswith(ending))


def environment(documents, name, role="posts"):
    return next(v for v in manifests.container(deployment(documents, role))["env"] if v["name"] == name)


# Each breaks one rule in manifests that keep all, and says a word that the complaint must contain.
def break_manifests():
    main = lambda d: manifests.container(deployment(d))  # noqa: E731
    pod = lambda d: deployment(d)["spec"]["template"]["spec"]  # noqa: E731
    return {
        "unknown field": (lambda d: main(d).update(imagePullPolcy="Always"), "imagePullPolcy"),
        "wrong type": (lambda d: deployment(d)["spec"].update(replicas="two"), "replicas"),
        "unknown kind": (lambda d: find(d, "ConfigMap", "").update(kind="ConfigMapp"), "ConfigMapp"),
        "old API": (lambda d: find(d, "PodDisruptionBudget", "posts").update(apiVersion="policy/v1beta1"), "policy/v1beta1"),
        "duplicate": (lambda d: d.append(copy.deepcopy(d[0])), "twice"),
        "missing role": (lambda d: d.remove(deployment(d)), "deployed roles"),
        "selector": (lambda d: deployment(d)["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/component"), "selector"),
        "latest": (lambda d: main(d).update(image="muster:latest"), "fixed tag"),
        "no tag": (lambda d: main(d).update(image="registry:5000/muster"), "fixed tag"),
        "no probe": (lambda d: main(d).pop("readinessProbe"), "readinessProbe"),
        "probe port": (lambda d: main(d)["livenessProbe"]["httpGet"].update(port="health"), "livenessProbe"),
        "probe path": (lambda d: main(d)["livenessProbe"]["httpGet"].update(path="/readyz"), "livenessProbe"),
        "writable root": (lambda d: main(d)["securityContext"].update(readOnlyRootFilesystem=False), "locked down"),
        "root user": (lambda d: pod(d)["securityContext"].pop("runAsNonRoot"), "root"),
        "service links": (lambda d: pod(d).pop("enableServiceLinks"), "service links"),
        "no memory limit": (lambda d: main(d)["resources"].pop("limits"), "memory"),
        "secret": (lambda d: d.remove(find(d, "Secret", "")), "Secret"),
        "secret key": (lambda d: find(d, "Secret", "")["stringData"].pop("nats-url"), "nats-url"),
        "volume claim": (lambda d: d.remove(find(d, "PersistentVolumeClaim", "")), "PersistentVolumeClaim"),
        "service account": (lambda d: d.remove(find(d, "ServiceAccount", "")), "ServiceAccount"),
        "unknown variable": (lambda d: environment(d, "MUSTER_DATA_DIR").update(name="MUSTER_DATA_DIRECTORY"), "MUSTER_DATA_DIRECTORY"),
        "unknown setting": (lambda d: main(d)["env"].append({"name": "MM_TEAMSETTINGS_NOPE", "value": "1"}), "MM_TEAMSETTINGS_NOPE"),
        "variable twice": (lambda d: main(d)["env"].append({"name": "MUSTER_LOG", "value": "debug"}), "MUSTER_LOG"),
        "file not mounted": (lambda d: environment(d, "MUSTER_NATS_URL_FILE").update(value="/run/secrets/nats"), "not mounted"),
        "gateway's database": (
            lambda d: deployment(d, "gateway")["spec"]["template"]["spec"]["volumes"][0]["secret"]["items"].append({"key": "database-url", "path": "x"}),
            "database password",
        ),
        "peer": (lambda d: environment(d, "MUSTER_TEAMS_URL", "gateway").update(value="http://chat-muster-posts-headless:9000"), "MUSTER_TEAMS_URL"),
        "peer port": (lambda d: environment(d, "MUSTER_TEAMS_URL", "gateway").update(value="http://chat-muster-teams-headless:9100"), "gRPC port"),
        "own port": (lambda d: environment(d, "MUSTER_GRPC_ADDR").update(value="0.0.0.0:9001"), "MUSTER_GRPC_ADDR"),
        "grace": (lambda d: pod(d).update(terminationGracePeriodSeconds=25), "killed after"),
        "target port": (lambda d: find(d, "Service", "-posts")["spec"]["ports"][0].update(targetPort="rpc"), "target port"),
        "service selector": (lambda d: find(d, "Service", "-posts")["spec"]["selector"].pop("app.kubernetes.io/component"), "selects 6"),
        "budget selector": (
            lambda d: find(d, "PodDisruptionBudget", "-posts")["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/component": "post"}),
            "selects 0",
        ),
        "open service": (lambda d: find(d, "NetworkPolicy", "-posts")["spec"]["ingress"][0].pop("from"), "everyone"),
        "closed port": (lambda d: find(d, "NetworkPolicy", "-posts")["spec"]["ingress"].pop(), "opens"),
    }


# For what only `full` renders.
def break_full_manifests():
    return {
        "scaler's target": (lambda d: find(d, "HorizontalPodAutoscaler", "-posts")["spec"]["scaleTargetRef"].update(name="x"), "deployment is missing"),
        "replicas and scaler": (lambda d: deployment(d)["spec"].update(replicas=2), "at once"),
        "ingress backend": (
            lambda d: find(d, "Ingress", "")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(name="x"),
            "backend",
        ),
        "monitor": (lambda d: find(d, "Service", "-posts-headless")["metadata"]["labels"].pop("muster.chat/metrics"), "watches 5"),
    }


def self_test_manifests(helm):
    for values, breakers in ((MINIMAL, break_manifests()), (CHART / "ci/full.yaml", break_full_manifests())):
        code, out, err = render(helm, values, KUBERNETES[-1])
        if code:
            report("self-test of the manifest checks", [err])
            return
        for what, (breaker, word) in breakers.items():
            documents = [d for d in yaml.safe_load_all(out) if d]
            breaker(documents)
            problems = manifest_problems(documents, KUBERNETES[-1], values)
            noticed = any(word in problem for problem in problems)
            report(f"noticed in manifests: {what}", [] if noticed else [f"not noticed; said: {problems}"])


def check_compose(schema_program):
    code, _, err = run(schema_program, "docker-compose.yml")
    report("docker-compose.yml keeps the Compose specification", [] if code == 0 else [err])
    broken = ROOT / "target/broken-compose.yml"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text((ROOT / "docker-compose.yml").read_text().replace("healthcheck:", "healthchek:", 1))
    code, _, err = run(schema_program, broken)
    report("noticed by the Compose specification: an unknown field", [] if code else ["not noticed"])

    original = compose.load(yaml)
    report("docker-compose.yml", compose.check(*original))
    # PyYAML gives merged services the same objects: a deep copy through JSON takes them apart.
    service = lambda c, name="posts": c["services"][name]  # noqa: E731
    breakers = {
        "latest": (lambda c: service(c, "redis").update(image="redis:latest"), "fixed tag"),
        "no tag": (lambda c: service(c, "redis").update(image="redis"), "fixed tag"),
        "writable root": (lambda c: service(c).pop("read_only"), "writable"),
        "capabilities": (lambda c: service(c).pop("cap_drop"), "capabilities"),
        "root user": (lambda c: service(c).pop("user"), "root"),
        "no health check": (lambda c: service(c).pop("healthcheck"), "health check"),
        "does not wait": (lambda c: service(c)["depends_on"].update(nats={"condition": "service_started"}), "until nats"),
        "no dependency": (lambda c: service(c)["depends_on"].pop("postgres"), "wait for postgres"),
        "unknown dependency": (lambda c: service(c)["depends_on"].update(kafka={"condition": "service_healthy"}), "kafka"),
        "unknown secret": (lambda c: service(c)["secrets"].append("licence"), "licence"),
        "secret nobody makes": (lambda c: c["secrets"].update(x={"file": "./deploy/secrets/x"}), "compose-secrets"),
        "unknown network": (lambda c: service(c)["networks"].append("lan"), "lan"),
        "unknown volume": (lambda c: service(c, "files")["volumes"].append("more:/more"), "more"),
        "unknown variable": (lambda c: service(c)["environment"].update(MUSTER_DATABSE_URL="x"), "MUSTER_DATABSE_URL"),
        "file not mounted": (lambda c: service(c)["secrets"].remove("nats_url"), "not mounted"),
        "missing variable": (lambda c: service(c)["environment"].pop("MUSTER_CLUSTER_SECRET_FILE"), "MUSTER_CLUSTER_SECRET_FILE"),
        "no database": (lambda c: service(c)["environment"].pop("MUSTER_DATABASE_URL_FILE"), "no database"),
        "gateway's database": (lambda c: service(c, "gateway-1")["secrets"].append("database_url"), "database password"),
        "peer": (lambda c: service(c)["environment"].update(MUSTER_TEAMS_URL="http://identity:9000"), "MUSTER_TEAMS_URL"),
        "peer port": (lambda c: service(c)["environment"].update(MUSTER_TEAMS_URL="http://teams:9001"), "port 9001"),
        "no common network": (lambda c: service(c, "teams").update(networks=["data", "public"]) or service(c).update(networks=["services"]), "network with teams"),
        "grace": (lambda c: service(c).update(stop_grace_period="20s"), "killed before"),
        "one gateway": (lambda c: c["services"].pop("gateway-2"), "play gateway"),
        "nginx's upstream": (lambda c: service(c, "gateway-1")["environment"].update(MUSTER_HTTP_ADDR="0.0.0.0:80"), "nginx sends"),
        "nginx's port": (lambda c: service(c, "nginx").update(ports=["8065:80"]), "not published"),
    }
    for what, (breaker, word) in breakers.items():
        broken = json.loads(json.dumps(original[0]))
        breaker(broken)
        problems = compose.check(broken, *original[1:])
        report(f"noticed in docker-compose.yml: {what}", [] if any(word in p for p in problems) else [f"not noticed; said: {problems}"])


def unknown_metrics(dashboard):
    """Metrics of our own that a dashboard asks for and the program does not have."""
    text = json.dumps(dashboard)
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\b((?:mattermost|muster|process)_[a-z0-9_]+)", text)}
    return sorted(asked - metrics())


def check_monitoring():
    for path in ("deploy/prometheus/prometheus.yml", "deploy/otel-collector.yaml", *(str(p.relative_to(ROOT)) for p in (ROOT / "deploy/grafana/provisioning").rglob("*.yml"))):
        content = yaml.safe_load((ROOT / path).read_text())
        report(path, [] if isinstance(content, dict) and content else ["is empty"])
    collector = yaml.safe_load((ROOT / "deploy/otel-collector.yaml").read_text())
    missing = [
        f"{part[:-1]} {name} is used, not defined"
        for pipeline in collector["service"]["pipelines"].values()
        for part in ("receivers", "processors", "exporters")
        for name in pipeline[part]
        if name not in collector[part]
    ]
    report("deploy/otel-collector.yaml pipelines", missing)
    dashboard = json.loads((ROOT / "deploy/grafana/muster.json").read_text())
    report("deploy/grafana/muster.json asks for metrics the program has", unknown_metrics(dashboard))
    report("noticed in a dashboard: an unknown metric", [] if unknown_metrics({"expr": "rate(mattermost_nope_total[5m])"}) else ["not noticed"])
    panels = [p for p in dashboard["panels"] if p["type"] != "row"]
    report(f"deploy/grafana/muster.json: {len(panels)} panels", [f"panel {p.get('title')} asks nothing" for p in panels if not p.get("targets")])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--helm", required=True)
    parser.add_argument("--compose-schema", required=True)
    arguments = parser.parse_args()
    check_chart(arguments.helm)
    check_refusals(arguments.helm)
    self_test_manifests(arguments.helm)
    check_compose(arguments.compose_schema)
    check_monitoring()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
