#!/usr/bin/env bash
# Installs the official Connect clients from npm, generates code from the contract, and runs them
# against a hub. usage: run_tests.sh SOURCE_ROOT WORK_FOLDER ONHANDD
set -euo pipefail

root=$1 work=$2
export ONHANDD=$3
if ! command -v npm >/dev/null; then
  echo "node and npm are missing: ./run setup" >&2
  exit 1
fi
mkdir -p "$work"
cp "$root"/tests/web/{package.json,package-lock.json,*.mjs} "$work"
cd "$work"

# Only what is new is installed again.
if ! cmp -s package-lock.json installed-lock.json; then
  npm ci --silent --no-audit --no-fund
  cp package-lock.json installed-lock.json
fi
rm -rf gen
mkdir gen
# shellcheck disable=SC2046  # paths of ours, without spaces
protoc -I "$root/proto" --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_out=gen --es_opt=target=js,import_extension=js \
  $(cd "$root/proto" && ls google/rpc/*.proto grpc/health/v1/*.proto onhand/v1/*.proto)
exec node --test --test-reporter=spec connect_test.mjs shop_test.mjs
