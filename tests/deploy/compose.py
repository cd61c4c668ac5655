"""Rules for docker-compose.yml beyond its schema, which the compose library itself checks."""

import re
from pathlib import Path

from sources import ROLES, ROOT, SERVICES, known_setting

GRACE_DEFAULT_SECONDS = 20


def seconds(text):
    value, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(value) * (60 if unit == "m" else 1)


def role_of(service):
    """The role a compose service plays, None for the engines and nginx."""
    command = service.get("command")
    return command[0] if isinstance(command, list) and command and command[0] in ROLES else None


def mapping(value):
    """Lists that compose accepts in place of mappings."""
    return value if isinstance(value, dict) else {key: {} for key in value or []}


def check(compose, nginx, secrets_script):
    """Every broken rule, as text. `compose` is the parsed file with anchors merged."""
    problems = []
    say = problems.append
    services = compose["services"]

    played = {name: role_of(service) for name, service in services.items()}
    for role in ROLES:
        count = sum(1 for r in played.values() if r == role)
        wanted = 2 if role == "gateway" else 1
        if count != wanted:
            say(f"{count} services play {role}, not {wanted}")

    for name, service in services.items():
        where = f"service {name}"
        image = re.sub(r"\$\{[A-Z_]+:-(.*)\}", r"\1", service.get("image", ""))
        if ":" not in image or image.endswith(":latest"):
            say(f"{where}: image {image!r} has no fixed tag")
        if not service.get("read_only"):
            say(f"{where}: its root is writable")
        if service.get("cap_drop") != ["ALL"]:
            say(f"{where}: keeps capabilities")
        if "user" not in service and "unprivileged" not in image:
            say(f"{where}: runs as root")
        if not service.get("healthcheck", {}).get("test"):
            say(f"{where}: no health check")
        for dependency, how in mapping(service.get("depends_on")).items():
            if dependency not in services:
                say(f"{where}: depends on {dependency}, which is no service")
            if how.get("condition") != "service_healthy":
                say(f"{where}: does not wait until {dependency} is healthy")
        for secret in service.get("secrets", []):
            if secret not in compose["secrets"]:
                say(f"{where}: secret {secret} is not defined")
        for network in service.get("networks", []):
            if network not in compose["networks"]:
                say(f"{where}: network {network} is not defined")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0] if isinstance(volume, str) else None
            if source and source not in compose["volumes"]:
                say(f"{where}: volume {source} is not defined")
        if played[name]:
            check_process(name, service, compose, say)

    for secret, definition in compose["secrets"].items():
        if not re.search(rf"\bkeep {Path(definition['file']).name}$", secrets_script, re.MULTILINE):
            say(f"secret {secret}: deploy/compose-secrets does not make {definition['file']}")

    upstream = set(re.findall(r"^\s*server ([a-z0-9-]+:\d+)", nginx, re.MULTILINE))
    gateways = {f"{name}:{port(services[name]['environment'], 'MUSTER_HTTP_ADDR')}" for name, role in played.items() if role == "gateway"}
    if upstream != gateways:
        say(f"nginx sends to {sorted(upstream)}, the gateways are {sorted(gateways)}")
    listens = re.search(r"listen (\d+)", nginx).group(1)
    if not any(str(p).endswith(f":{listens}") for p in services["nginx"]["ports"]):
        say(f"nginx listens on {listens}, which is not published")
    return problems


def port(environment, name):
    return environment.get(name, "").rsplit(":", 1)[-1]


def check_process(name, service, compose, say):
    """Rules for a service that is one of Muster's processes."""
    where = f"service {name}"
    environment = service["environment"]
    role = role_of(service)
    for variable, value in environment.items():
        if not known_setting(variable):
            say(f"{where}: the program does not know {variable}")
        if variable.endswith("_FILE") and value:
            if value.removeprefix("/run/secrets/") not in service["secrets"]:
                say(f"{where}: {variable} is {value}, which is not mounted")
    if role != "gateway" and not environment.get("MUSTER_DATABASE_URL_FILE"):
        say(f"{where}: no database")
    if role == "gateway" and "database_url" in service["secrets"]:
        say(f"{where}: a gateway can read the database password")
    for required in ("MUSTER_REDIS_URL_FILE", "MUSTER_NATS_URL_FILE", "MUSTER_CLUSTER_SECRET_FILE"):
        if not environment.get(required):
            say(f"{where}: {required} is missing")
    for peer in SERVICES:
        url = environment.get(f"MUSTER_{peer.upper()}_URL", "")
        match = re.fullmatch(r"http://([a-z0-9-]+):(\d+)", url)
        target = compose["services"].get(match.group(1)) if match else None
        if not target or role_of(target) != peer:
            say(f"{where}: MUSTER_{peer.upper()}_URL={url!r} does not lead to {peer}")
        else:
            if match.group(2) != port(target["environment"], "MUSTER_GRPC_ADDR"):
                say(f"{where}: {peer} does not listen on port {match.group(2)}")
            if not set(service["networks"]) & set(target["networks"]):
                say(f"{where}: shares no network with {peer}")
    for engine in ("redis", "nats", *(() if role == "gateway" else ("postgres",))):
        if engine not in mapping(service.get("depends_on")):
            say(f"{where}: does not wait for {engine}")
        if not set(service["networks"]) & set(compose["services"][engine]["networks"]):
            say(f"{where}: shares no network with {engine}")
    grace = int(environment.get("MUSTER_SHUTDOWN_GRACE_SECONDS", GRACE_DEFAULT_SECONDS))
    if seconds(service.get("stop_grace_period", "10s")) <= grace:
        say(f"{where}: is killed before its {grace} s of grace are over")


def load(yaml):
    """The three files that must agree."""
    return (
        yaml.safe_load((ROOT / "docker-compose.yml").read_text()),
        (ROOT / "deploy/nginx.conf").read_text(),
        (ROOT / "deploy/compose-secrets").read_text(),
    )
