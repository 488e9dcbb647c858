#!/usr/bin/env bash
# Values that would not work are refused with a word about why.
set -euo pipefail
# shellcheck source=tests/helm/tools.sh
source "$(dirname "$0")/tools.sh"
status=0

# refused TEXT [OPTION...]: the rendering fails, and says TEXT.
refused() {
  local text=$1 said
  shift
  if said=$(render "$@" 2>&1); then
    echo "not refused: $*"
    status=1
  elif ! grep -qF -- "$text" <<<"$said"; then
    echo "refused without '$text': $*"
    printf '%s\n' "$said"
    status=1
  fi
}
sqlite=(--values "$CHART/ci/sqlite-values.yaml")
mysql=(--values "$CHART/ci/mysql-values.yaml")
agents=(--values "$CHART/ci/agents-values.yaml")

refused 'tls.secretName is needed'
refused "at '/replicaCount': value must be 1" "${sqlite[@]}" --set replicaCount=2
refused "at '/replicaCount': value must be 1" "${mysql[@]}" --set replicaCount=3
refused '/store/kind' "${sqlite[@]}" --set store.kind=postgres
refused 'url' "${sqlite[@]}" --set store.kind=mysql
refused '/store/mysql/url' "${mysql[@]}" --set 'store.mysql.url=mysql://onhand:secret@db:3306/onhand'
refused '/store/mysql/passwordSecret/name' "${mysql[@]}" --set store.mysql.passwordSecret.name=
refused '/settings/drainFor' "${sqlite[@]}" --set settings.drainFor=soon
refused '/settings/logLevel' "${sqlite[@]}" --set settings.logLevel=loud
refused '/settings/extraArgs/0' "${sqlite[@]}" --set 'settings.extraArgs={--insecure}'
refused '/service/grpcPort' "${sqlite[@]}" --set service.grpcPort=80
refused 'replicas' "${sqlite[@]}" --set replicas=2
refused 'firstTokenFile' "${sqlite[@]}" --set firstTokenFile=/tmp/token
refused "'tokenSecret'" "${agents[@]}" --set-json 'agents.stores=[{"location":"madrid","source":"mysql://reader@till/pos"}]'
refused '/agents/stores/0/source' "${agents[@]}" --set 'agents.stores[0].source=mysql://reader:secret@till/pos'
# What is right is not.
render "${sqlite[@]}" --set replicaCount=1 >/dev/null
exit "$status"
