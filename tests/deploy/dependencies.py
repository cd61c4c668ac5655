#!/usr/bin/env python3
"""Checks the rules of deny.toml against the dependencies that are really built (`cargo metadata`).

The same rules cargo-deny applies to bans, duplicate versions, licences and sources, without having to build cargo-deny.
Run from anywhere; `--self-test` proves that each rule can fail.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict, deque
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
# How Cargo writes the source of a package from a registry; anything else is a path or a git repository.
REGISTRY = "registry+"


def metadata(target):
    """The resolved graph for one target, all workspace members included."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def reachable(graph):
    """Packages reachable from the workspace, each with the id of one package that asked for it."""
    edges = {node["id"]: [dep["pkg"] for dep in node["deps"]] for node in graph["resolve"]["nodes"]}
    parents = {member: None for member in graph["workspace_members"]}
    queue = deque(parents)
    while queue:
        current = queue.popleft()
        for dependency in edges.get(current, []):
            if dependency not in parents:
                parents[dependency] = current
                queue.append(dependency)
    return parents


def path_to(package, parents, names):
    """How the workspace comes to depend on a package: 'ours → theirs → banned'."""
    steps = []
    while package is not None:
        steps.append(names[package])
        package = parents[package]
    return " → ".join(reversed(steps))


def licence_allowed(expression, allowed):
    """Whether an SPDX expression can be satisfied with allowed licences only."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1]

    def alternatives():
        result = conjunction()
        while peek() == "OR":
            take()
            result = conjunction() or result
        return result

    def conjunction():
        result = term()
        while peek() == "AND":
            take()
            result = term() and result
        return result

    def term():
        if peek() == "(":
            take()
            result = alternatives()
            take()
            return result
        name = take()
        if peek() == "WITH":
            take()
            name = f"{name} WITH {take()}"
        return name in allowed

    return alternatives()


def violations(graph, rules):
    """Every broken rule, as text."""
    packages = {package["id"]: package for package in graph["packages"]}
    names = {key: f"{package['name']} {package['version']}" for key, package in packages.items()}
    members = set(graph["workspace_members"])
    parents = reachable(graph)
    versions = defaultdict(set)
    for key in parents:
        versions[packages[key]["name"]].add(key)

    found = []
    for rule in rules["bans"]["deny"]:
        keys = versions.get(rule["crate"], set())
        if rule.get("deny-multiple-versions"):
            if len(keys) > 1:
                found.append(f"{len(keys)} versions of {rule['crate']}:")
                found.extend(f"    {path_to(key, parents, names)}" for key in sorted(keys))
        else:
            for key in sorted(keys):
                found.append(f"banned: {path_to(key, parents, names)} ({rule['reason']})")

    allowed = set(rules["licenses"]["allow"])
    for key in sorted(parents):
        package = packages[key]
        if not licence_allowed(package["license"] or "none", allowed):
            found.append(f"licence {package['license']!r} is not on the list: {path_to(key, parents, names)}")
        if key not in members and not (package["source"] or "").startswith(REGISTRY):
            found.append(f"not from the registry: {path_to(key, parents, names)} ({package['source']})")
    return found


def self_test(rules):
    """A made-up graph that breaks each rule once, and one that breaks none."""

    def package(name, version="1.0.0", licence="MIT", source=REGISTRY):
        return {"id": f"{name}@{version}", "name": name, "version": version, "license": licence, "source": source}

    def graph(*packages):
        ours = package("ours", source=None)
        return {
            "packages": [ours, *packages],
            "workspace_members": [ours["id"]],
            "resolve": {"nodes": [{"id": ours["id"], "deps": [{"pkg": p["id"]} for p in packages]}]},
        }

    must_fail = {
        "a banned crate": graph(package("openssl-sys")),
        "two versions": graph(package("hyper", "0.14.0"), package("hyper", "1.0.0")),
        "a licence": graph(package("viral", licence="MIT AND GPL-3.0")),
        "no licence": graph(package("unlicensed", licence=None)),
        "a git source": graph(package("forked", source="git+https://example.com/forked")),
    }
    for what, broken in must_fail.items():
        assert violations(broken, rules), f"{what} was not noticed"
    fine = graph(package("hyper"), package("either", licence="GPL-3.0 OR (MIT AND Zlib)"), package("old", licence="MIT/Apache-2.0"))
    assert not violations(fine, rules), violations(fine, rules)
    return len(must_fail) + 1


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    if "--self-test" in sys.argv:
        print(f"dependencies self-test: {self_test(rules)} passed, 0 failed")
        return 0
    found = []
    for target in rules["graph"]["targets"]:
        graph = metadata(target)
        found += [line for line in violations(graph, rules) if line not in found]
    print("\n".join(found) or f"dependencies: {len(graph['packages'])} packages keep the rules of deny.toml")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
