"""Compares names; see names_test.sh. Exits 1 and names each one that no program has."""

import argparse
import json
import pathlib
import re
import subprocess
import sys

parser = argparse.ArgumentParser()
for option in ("onhandd", "agent", "onhand", "source", "metrics"):
    parser.add_argument("--" + option, required=True)
given = parser.parse_args()
source = pathlib.Path(given.source)
programs = {"onhandd": given.onhandd, "onhand-agent": given.agent, "onhand": given.onhand}
wrong = []


def help_of(program, path=(), known={}):
    """The help of a command, and of the program itself: its options may stand anywhere."""
    key = (program, tuple(path))
    if key not in known:
        known[key] = subprocess.run(
            [programs[program], *path, "--help"], capture_output=True, text=True, check=True
        ).stdout
    return known[key]


def commands_of(program, path=()):
    lines = help_of(program, path).split("Subcommands:\n")
    return re.findall(r"^  ([a-z][a-z-]*) ", lines[1], re.M) if len(lines) > 1 else []


def path_of(program, words):
    path = []
    for word in words:
        if word in commands_of(program, path):
            path.append(word)
        elif not word.startswith("-") and path:
            break
    return path


def check_line(where, program, words):
    """One command line: its flags are those of the command that it names."""
    path = path_of(program, words)
    options = set()
    for depth in range(len(path) + 1):
        options |= set(re.findall(r"(--[a-z][a-z0-9-]*)", help_of(program, path[:depth])))
    for word in words:
        flag = re.match(r"(--[a-z][a-z0-9-]*)", word)
        if flag and flag[1] not in options:
            wrong.append(f"{where}: {program} {' '.join(path)} has no {flag[1]}")


# Command lines of the README, of units and of the image.
readme = (source / "README.md").read_text()
for number, line in enumerate(readme.splitlines(), 1):
    for command in re.split(r"\||;|&&|`|\$\(", line):
        words = command.replace("$ ", " ").replace("sudo -u onhand", "").split()
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words and words[0].split("/")[-1] in programs and any(w.startswith("--") for w in words):
            check_line(f"README.md:{number}", words[0].split("/")[-1], words[1:])
units = [path for path in source.rglob("*.service") if "build" not in path.parts]
for unit in units:
    for line in unit.read_text().splitlines():
        if line.startswith("Exec") and "/usr/bin/onhand" in line:
            words = line.split("=", 1)[1].split()
            check_line(unit.name, words[0].split("/")[-1], words[1:])
# Keys of the configuration files that packages bring.
for toml, program in (("onhandd.toml", "onhandd"), ("onhand-agent.toml", "onhand-agent")):
    for path in (path for path in source.rglob(toml) if "build" not in path.parts):
        text = "".join(help_of(program, [c]) for c in commands_of(program)) + help_of(program)
        for key in re.findall(r"^#? ?([a-z][a-z0-9-]*) = ", path.read_text(), re.M):
            if not re.search(rf"--{key}\b", text):
                wrong.append(f"{path.name}: {program} has no --{key}")

# The chart's containers, in every shape.
for golden in sorted((source / "tests/helm/golden").glob("*.yaml")):
    text = golden.read_text()
    for command, args in re.findall(
        r"command: \[\"/usr/bin/([^\]]*)\]\n\s+args:\n((?:\s+- .*\n|\s+#.*\n)+)", text
    ):
        words = [word.strip('", ') for word in command.split(",")]
        flags = [line.strip().lstrip("- ").strip('"') for line in args.splitlines()]
        check_line(golden.name, words[0], words[1:] + [flag for flag in flags if flag.startswith("--")])
    # Ports that services, probes and policies name are those that the container opens.
    opened = dict(re.findall(r"\{name: (\w+), containerPort: (\d+)\}", text))
    listened = dict(re.findall(r"--(grpc|http|health|metrics)=0\.0\.0\.0:(\d+)", text))
    if opened != listened:
        wrong.append(f"{golden.name}: opens {opened}, listens at {listened}")
    for name in re.findall(r"targetPort: (\w+)", text) + re.findall(r"protocol: TCP, port: (\w+)", text):
        if name not in opened:
            wrong.append(f"{golden.name}: no container port is called {name}")
    for port in re.findall(r"grpc: \{port: (\d+), service", text):
        if port != opened.get("health"):
            wrong.append(f"{golden.name}: a probe asks port {port}")
    for service in re.findall(r"grpc: \{port: \d+, service: (\w+)\}", text):
        if f"`{service}`" not in help_of("onhandd", ["serve"]):
            wrong.append(f"{golden.name}: no health name is called {service}")

# Values: each that a template asks for is there, and each that is there is asked for.
chart = source / "helm/onhand"
values_text = (chart / "values.yaml").read_text()
templates = "".join(path.read_text() for path in chart.rglob("templates/**/*") if path.is_file())


def leaves(text):
    """Paths of the plain YAML that values.yaml is, comments left out."""
    path, found = [], []
    for line in text.splitlines():
        match = re.match(r"^( *)([A-Za-z_]+):(.*)$", line)
        if not match:
            continue
        depth = len(match[1]) // 2
        path = path[:depth] + [match[2]]
        found.append((".".join(path), match[3].strip() not in ("",)))
    return found


known_values = {path for path, _ in leaves(values_text)}
for asked in set(re.findall(r"\.Values\.([A-Za-z.]+)", templates)):
    if asked.rstrip(".") not in known_values:
        wrong.append(f"templates: values.yaml has no {asked}")
whole = set(re.findall(r"toYaml \.?\$?\.Values\.([A-Za-z.]+)", templates))
for path, is_leaf in leaves(values_text):
    last = path.split(".")[-1]
    if any(path.startswith(prefix + ".") for prefix in whole):
        continue
    if is_leaf and not re.search(rf"\.{last}\b", templates):
        wrong.append(f"values.yaml: nothing asks for {path}")

# Metrics.
served = set(re.findall(r"^# TYPE (\S+)", pathlib.Path(given.metrics).read_text(), re.M))
used = {"alerts": (chart / "files/alerts.yaml").read_text(),
        "dashboard": (chart / "dashboards/onhand.json").read_text(),
        "README": readme}
json.loads(used["dashboard"])
for where, text in used.items():
    for name in set(re.findall(r"\bonhand_[a-z_]+[a-z]", text)):
        if re.sub(r"_(bucket|sum|count)$", "", name) not in served:
            wrong.append(f"{where}: no metric is called {name}")
# The other way round: what is measured can be looked at.
for name in sorted(served):
    if name not in used["dashboard"] and name not in used["README"]:
        wrong.append(f"/metrics: neither the dashboard nor the README shows {name}")

# Variables: a program's, or one that a test, the demo or the script reads.
helps = "".join(
    help_of(program, path)
    for program in programs
    for path in [[]] + [[command] for command in commands_of(program)]
)
code = "".join(
    path.read_text(errors="replace")
    for folder in ("tests", "clients")
    for path in (source / folder).rglob("*")
    if path.suffix in (".cc", ".h", ".sh", ".mjs", ".py", ".txt") and "node_modules" not in path.parts
) + (source / "run").read_text()
for where, text in [("README.md", readme)] + [(unit.name, unit.read_text()) for unit in units]:
    for name in set(re.findall(r"\bONHAND_[A-Z_]+[A-Z]", text)):
        if name not in helps and name not in code:
            wrong.append(f"{where}: nothing reads {name}")

for line in wrong:
    print(line)
print(f"{len(wrong)} names that nothing has; {len(served)} metrics, {len(units)} units compared")
sys.exit(1 if wrong else 0)
