#!/usr/bin/env bash
# The alert rules, checked and tried by Prometheus' own tool.
set -euo pipefail
# shellcheck source=tests/helm/tools.sh
source "$(dirname "$0")/tools.sh"
if ! command -v promtool >/dev/null; then
  echo "skipped: no promtool (Debian's package prometheus)"
  exit 77
fi
# As the cluster's operator would get them.
render --values "$CHART/ci/monitored-values.yaml" --show-only templates/monitoring.yaml |
  sed -n '/^kind: PrometheusRule/,/^---/p' | sed -n '/^spec:/,/^---/p' | sed -e 1d -e '/^---/d' -e 's/^  //' \
  >"$scratch/alerts.yaml"
promtool check rules "$scratch/alerts.yaml"
cp "$(dirname "$0")/alerts_test.yaml" "$scratch/"
promtool test rules "$scratch/alerts_test.yaml"
