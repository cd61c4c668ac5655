"""Rules for the rendered manifests of the chart, beyond Kubernetes' own schemas."""

import re

from sources import ROLES, SERVICES, known_setting

WORKLOAD = "Deployment"
# Made by the administrator, not by the chart.
CUSTOM_KINDS = {("monitoring.coreos.com/v1", "ServiceMonitor"): {"spec": ("selector", "endpoints")}}


def named(document):
    return f"{document['kind']} {document['metadata']['name']}"


def of_kind(documents, kind):
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def matches(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def pod_labels(deployment):
    return deployment["spec"]["template"]["metadata"]["labels"]


def container(deployment):
    return deployment["spec"]["template"]["spec"]["containers"][0]


def port_names(deployment):
    return {port["name"]: port["containerPort"] for port in container(deployment)["ports"]}


def role_of(deployment):
    return (container(deployment).get("args") or [None])[0]


def check(documents, external=()):
    """Every broken rule, as text. `external` names objects ('Secret x') that exist outside the chart."""
    problems = []
    say = problems.append

    seen = set()
    for document in documents:
        key = named(document)
        if key in seen:
            say(f"{key}: twice")
        seen.add(key)
    known = seen | set(external)

    deployments = of_kind(documents, WORKLOAD)
    services = of_kind(documents, "Service")
    played = sorted(str(role_of(d)) for d in deployments.values())
    if played != sorted(ROLES):
        say(f"deployed roles are {played}")

    for deployment in deployments.values():
        check_deployment(deployment, documents, known, say)

    def selected(selector, where, count=1):
        found = [d for d in deployments.values() if matches(selector, pod_labels(d))]
        if len(found) != count:
            say(f"{where}: selects {len(found)} deployments, not {count}")
        return found

    for service in services.values():
        for deployment in selected(service["spec"]["selector"], named(service)):
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in port_names(deployment):
                    say(f"{named(service)}: target port {port['targetPort']} is none of {named(deployment)}")

    for budget in of_kind(documents, "PodDisruptionBudget").values():
        selected(budget["spec"]["selector"]["matchLabels"], named(budget))

    for policy in of_kind(documents, "NetworkPolicy").values():
        for deployment in selected(policy["spec"]["podSelector"]["matchLabels"], named(policy)):
            opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
            if opened != set(port_names(deployment)):
                say(f"{named(policy)}: opens {sorted(opened)}, the pod has {sorted(port_names(deployment))}")
            for rule in policy["spec"]["ingress"]:
                if any(port["port"] == "grpc" for port in rule["ports"]):
                    callers = rule.get("from", [])
                    if not callers:
                        say(f"{named(policy)}: everyone may call the service")
                    for caller in callers:
                        selected(caller["podSelector"].get("matchLabels"), f"{named(policy)} callers", len(deployments))

    for scaler in of_kind(documents, "HorizontalPodAutoscaler").values():
        target = deployments.get(scaler["spec"]["scaleTargetRef"]["name"])
        if not target:
            say(f"{named(scaler)}: its deployment is missing")
        elif "replicas" in target["spec"]:
            say(f"{named(target)}: replicas and autoscaling at once: an upgrade would reset the number")
        elif "cpu" not in container(target)["resources"].get("requests", {}):
            say(f"{named(target)}: autoscaled by CPU without a CPU request")

    for ingress in of_kind(documents, "Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                target = services.get(backend["name"])
                if not target or backend["port"].get("name") not in [p["name"] for p in target["spec"]["ports"]]:
                    say(f"{named(ingress)}: backend {backend} is missing")

    for monitor in of_kind(documents, "ServiceMonitor").values():
        watched = [s for s in services.values() if matches(monitor["spec"]["selector"]["matchLabels"], s["metadata"]["labels"])]
        roles = {s["spec"]["selector"].get("app.kubernetes.io/component") for s in watched}
        if roles != set(ROLES) or len(watched) != len(ROLES):
            say(f"{named(monitor)}: watches {len(watched)} services of {sorted(map(str, roles))}")
        for endpoint in monitor["spec"]["endpoints"]:
            for service in watched:
                if endpoint["port"] not in [p["name"] for p in service["spec"]["ports"]]:
                    say(f"{named(monitor)}: {named(service)} has no port {endpoint['port']}")
    return problems


def check_deployment(deployment, documents, known, say):
    where = named(deployment)
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    main = container(deployment)
    if not matches(spec["selector"]["matchLabels"], pod_labels(deployment)):
        say(f"{where}: its selector does not match its pods")
    if any(key in spec["selector"]["matchLabels"] for key in ("helm.sh/chart", "app.kubernetes.io/version")):
        say(f"{where}: a selector that changes with a version cannot be upgraded")

    name, _, tag = main["image"].rpartition(":")
    if not name or "/" in tag or tag in ("", "latest"):
        say(f"{where}: image {main['image']!r} has no fixed tag")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        action = main.get(probe, {}).get("httpGet")
        if not action:
            say(f"{where}: no {probe}")
        elif action["port"] not in port_names(deployment):
            say(f"{where}: {probe} asks port {action['port']}, which is missing")
        elif action["path"] != ("/readyz" if probe == "readinessProbe" else "/healthz"):
            say(f"{where}: {probe} asks {action['path']}")
    if not main["securityContext"].get("readOnlyRootFilesystem") or main["securityContext"].get("allowPrivilegeEscalation") is not False:
        say(f"{where}: the container is not locked down")
    if not pod["securityContext"].get("runAsNonRoot"):
        say(f"{where}: may run as root")
    if pod.get("enableServiceLinks") is not False:
        say(f"{where}: service links would set variables named like ours")
    if "memory" not in main["resources"].get("limits", {}):
        say(f"{where}: no memory limit")

    for kind, reference in references(pod, main):
        if f"{kind} {reference}" not in known:
            say(f"{where}: {kind} {reference} is missing")
    check_environment(where, deployment, documents, say)


def references(pod, main):
    """(kind, name) of every object the pod needs."""
    if pod.get("serviceAccountName", "default") != "default":
        yield "ServiceAccount", pod["serviceAccountName"]
    for volume in pod["volumes"]:
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    for source in main.get("envFrom", []):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in source:
                yield kind, source[field]["name"]


def check_environment(where, deployment, documents, say):
    """Variables are known, files they name are mounted and filled, addresses lead to the right service."""
    pod = deployment["spec"]["template"]["spec"]
    main = container(deployment)
    role = role_of(deployment)
    config_maps, secrets, services = (of_kind(documents, kind) for kind in ("ConfigMap", "Secret", "Service"))

    environment = {}
    for source in main.get("envFrom", []):
        environment.update(config_maps.get(source.get("configMapRef", {}).get("name"), {}).get("data", {}))
    for variable in main["env"]:
        if variable["name"] in environment:
            say(f"{where}: {variable['name']} is set twice")
        environment[variable["name"]] = variable.get("value", "")
    for name in environment:
        if not known_setting(name):
            say(f"{where}: the program does not know {name}")

    mounts = {mount["name"]: mount["mountPath"] for mount in main["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for name in set(mounts) ^ set(volumes):
        say(f"{where}: volume {name} is not both defined and mounted")
    files = set()
    for name, volume in volumes.items():
        for item in volume.get("secret", {}).get("items", []):
            files.add(f"{mounts.get(name)}/{item['path']}")
            secret = secrets.get(volume["secret"]["secretName"])
            if secret and item["key"] not in secret.get("stringData", {}):
                say(f"{where}: secret key {item['key']} is missing")
            if role == "gateway" and "database" in item["key"]:
                say(f"{where}: a gateway can read the database password")
    for name, value in environment.items():
        if name.endswith("_FILE") and value not in files:
            say(f"{where}: {name} is {value}, which is not mounted")

    required = ["MUSTER_REDIS_URL_FILE", "MUSTER_NATS_URL_FILE", "MUSTER_CLUSTER_SECRET_FILE", "MUSTER_MANAGEMENT_ADDR"]
    required.append("MUSTER_HTTP_ADDR" if role == "gateway" else "MUSTER_DATABASE_URL_FILE")
    for name in required:
        if name not in environment:
            say(f"{where}: {name} is missing")
    ports = port_names(deployment)
    for name, port in (("MUSTER_HTTP_ADDR", "http"), ("MUSTER_GRPC_ADDR", "grpc"), ("MUSTER_MANAGEMENT_ADDR", "management")):
        if name in environment and environment[name].rsplit(":", 1)[-1] != str(ports.get(port)):
            say(f"{where}: {name} is {environment[name]}, the container's port {port} is {ports.get(port)}")
    for peer in SERVICES:
        url = environment.get(f"MUSTER_{peer.upper()}_URL", "")
        match = re.fullmatch(r"http://([a-z0-9-]+):(\d+)", url)
        service = services.get(match.group(1)) if match else None
        if not service or service["spec"]["selector"].get("app.kubernetes.io/component") != peer:
            say(f"{where}: MUSTER_{peer.upper()}_URL={url!r} does not lead to {peer}")
        elif int(match.group(2)) not in [port["port"] for port in service["spec"]["ports"] if port["name"] == "grpc"]:
            say(f"{where}: {peer} has no gRPC port {match.group(2)}")

    before = int(main["lifecycle"]["preStop"]["exec"]["command"][-1])
    grace = int(environment["MUSTER_SHUTDOWN_GRACE_SECONDS"])
    if pod["terminationGracePeriodSeconds"] <= before + grace:
        say(f"{where}: is killed after {pod['terminationGracePeriodSeconds']} s, before {before} + {grace} s are over")
