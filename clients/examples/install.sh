#!/usr/bin/env bash
# Copies the examples into a folder of the build, with what they need: packages from npm, and the
# code that protoc makes of the contract for Python and for browsers.
# usage: install.sh SOURCE_ROOT WORK_FOLDER
set -euo pipefail

root=$1 work=$2
here=$root/clients/examples
for program in npm protoc grpc_python_plugin /usr/bin/chromium; do
  command -v "$program" >/dev/null || {
    echo "$program is missing: ./run setup"
    exit 1
  }
done
/usr/bin/python3 -c 'import grpc, google.protobuf' || {
  echo "python3-grpcio or python3-protobuf is missing: ./run setup"
  exit 1
}

mkdir -p "$work"
cp -r "$here"/{package.json,package-lock.json,node,python,browser} "$work"
cd "$work"
# Only what is new is installed again.
if ! cmp -s package-lock.json installed-lock.json; then
  npm ci --silent --no-audit --no-fund
  cp package-lock.json installed-lock.json
fi

rm -rf python/gen browser/gen
mkdir python/gen browser/gen
mapfile -t protos < <(cd "$root/proto" && ls google/rpc/*.proto onhand/v1/*.proto)
protoc -I "$root/proto" --python_out=python/gen --grpc_python_out=python/gen \
  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" \
  --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_out=browser/gen --es_opt=target=js,import_extension=js "${protos[@]}"
