#!/usr/bin/env bash
# Every flag, variable, metric, port and value that the chart, the units, the dashboard and the
# README name is one that the programs have.
# usage: names_test.sh ONHANDD ONHAND-AGENT ONHAND SOURCE-FOLDER
set -euo pipefail
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'kill "${hub:-}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
"$1" serve --store memory: --insecure --grpc 127.0.0.1:0 --http 127.0.0.1:0 --metrics 127.0.0.1:0 \
  2>"$scratch/log" &
hub=$!
for ((tries = 0; tries < 300; ++tries)); do
  address=$(sed -n 's/.*onhandd ready .* metrics=\([^ ]*\).*/\1/p' "$scratch/log")
  [[ $address ]] && break
  sleep 0.1
done
# A call and a refusal of a call leave their marks in what follows.
"$3" --hub "$(sed -n 's/.*onhandd ready grpc=\([^ ]*\).*/\1/p' "$scratch/log")" status >/dev/null
curl -sS --max-time 5 "http://$address/metrics" >"$scratch/metrics"
python3 "$here/names_test.py" --onhandd "$1" --agent "$2" --onhand "$3" --source "$4" --metrics "$scratch/metrics"
