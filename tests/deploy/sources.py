"""What the program itself says about its settings and metrics: read from the Rust sources, so that a renamed one is noticed."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("identity", "teams", "posts", "files", "jobs")
ROLES = ("gateway", *SERVICES)


@cache
def rust_sources():
    files = [path for folder in ("gateway", "services") for path in sorted((ROOT / folder).rglob("*.rs"))]
    return "\n".join(path.read_text() for path in files)


@cache
def process_settings():
    """Names of MUSTER_* settings, the per-service ones spelt out."""
    text = rust_sources()
    names = set(re.findall(r'"(MUSTER_[A-Z0-9_]+)"', text))
    for pattern in re.findall(r'"(MUSTER_\{\}_[A-Z_]+)"', text):
        names |= {pattern.replace("{}", service.upper()) for service in SERVICES}
    return names


@cache
def product_settings():
    """MM_<SECTION>_<KEY> of every key of the shipped configuration."""
    defaults = json.loads((ROOT / "services/shared/domain/src/config/defaults.json").read_text())
    return {f"MM_{section}_{key}".upper() for section, keys in defaults.items() for key in keys}


def known_setting(name):
    """Whether the program reads this environment variable; secrets may come from NAME_FILE."""
    if name.startswith("MM_"):
        return name in product_settings()
    if name.startswith("MUSTER_"):
        return name in process_settings() or name.removesuffix("_FILE") in process_settings()
    # Read by Rust's runtime, or only referred to by another variable.
    return name in ("RUST_BACKTRACE", "POD_IP")


@cache
def metrics():
    return set(re.findall(r'"((?:mattermost|muster|process)_[a-z0-9_]+)"', rust_sources()))
