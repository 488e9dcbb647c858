# For the tests beside it: helm of `./run setup`, or the skip that says why there is none.
# shellcheck shell=bash
HELM=${ONHAND_TOOLS:?}/helm
if [[ ! -x $HELM ]]; then
  echo "skipped: no helm (go install needs Go 1.24 or newer and its module proxy)"
  exit 77
fi
CHART=${ONHAND_CHART:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HELM_CACHE_HOME=$scratch/cache HELM_CONFIG_HOME=$scratch/config HELM_DATA_HOME=$scratch/data

# render [OPTION...]: the chart as release `shop` in namespace `stock`.
render() {
  "$HELM" template shop "$CHART" --namespace stock --kube-version 1.29.0 "$@"
}
