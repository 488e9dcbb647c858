#!/usr/bin/env bash
# Lints the chart and renders each of its main shapes, which must look as they did.
# ONHAND_WRITE_GOLDEN=1 writes how they look now.
set -euo pipefail
# shellcheck source=tests/helm/tools.sh
source "$(dirname "$0")/tools.sh"
golden=$(dirname "$0")/golden
status=0
for values in "$CHART"/ci/*-values.yaml; do
  name=$(basename "$values" -values.yaml)
  "$HELM" lint "$CHART" --strict --quiet --kube-version 1.29.0 --values "$values" || status=1
  render --values "$values" >"$scratch/$name.yaml"
  if [[ ${ONHAND_WRITE_GOLDEN:-} ]]; then cp "$scratch/$name.yaml" "$golden/$name.yaml"; fi
  diff -u "$golden/$name.yaml" "$scratch/$name.yaml" || status=1
done
exit "$status"
