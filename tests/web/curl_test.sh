#!/usr/bin/env bash
# curl against a hub, as somebody with nothing else would use it.
# usage: curl_test.sh ONHANDD
set -euo pipefail

onhandd=$1
dir=$(mktemp -d)
hub=
trap '[[ -z $hub ]] || kill -9 "$hub" 2>/dev/null; rm -rf "$dir"' EXIT

: >"$dir/log"  # the shell below may open it later than it is read
"$onhandd" serve --store memory: --grpc 127.0.0.1:0 --http 127.0.0.1:0 --insecure \
  --http-allow-origin https://shop.example 2>"$dir/log" &
hub=$!
for _ in $(seq 100); do
  url=$(sed -n 's/.* ready grpc=.* http=\(.*\)/http:\/\/\1/p' "$dir/log")
  [[ -z $url ]] || break
  sleep 0.1
done
[[ $url ]] || { cat "$dir/log"; exit 1; }

failed=0
# expect WHAT PATTERN TEXT
expect() {
  if grep -qE -- "$2" <<<"$3"; then
    printf 'ok: %s\n' "$1"
  else
    printf 'FAILED: %s: no %s in\n%s\n' "$1" "$2" "$3"
    failed=1
  fi
}
# call METHOD [JSON] [CURL ARGUMENT...]
call() {
  local method=$1 json=${2-}
  shift $(($# > 1 ? 2 : 1))
  curl -sS -i -H 'Content-Type: application/json' "$@" -d "$json" "$url/$method"
}
request_id() {
  local ms hex
  ms=$(printf '%012x' "$(date +%s%3N)")
  hex=$(od -An -N10 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s-%s-7%s-8%s-%s' "${ms:0:8}" "${ms:8:4}" "${hex:0:3}" "${hex:3:3}" "${hex:6:12}"
}

answer=$(call onhand.v1.HubService/GetHubStatus)
expect 'an empty body asks with defaults' '"journalId":"[0-9a-f]{32}"' "$answer"

call onhand.v1.CatalogService/BatchUpsertLocations "{\"requestId\":\"$(request_id)\",\"locations\":
  [{\"locationId\":\"store\",\"name\":\"Store\",\"timeZone\":\"Europe/Madrid\"}]}" >/dev/null
call onhand.v1.CatalogService/BatchUpsertChannels "{\"requestId\":\"$(request_id)\",\"channels\":
  [{\"channelId\":\"web-ship\",\"name\":\"Web\",\"kind\":\"CHANNEL_KIND_SHIP\"}]}" >/dev/null
answer=$(call onhand.v1.CatalogService/BatchUpsertItems "{\"requestId\":\"$(request_id)\",\"items\":
  [{\"sku\":\"boot\",\"name\":\"Boot\",\"published\":true}]}")
expect 'a write answers' '^HTTP/1.1 200' "$answer"

answer=$(call onhand.v1.AvailabilityService/GetAvailability '{"sku":"boot"}')
expect 'a read answers' '"sku":"boot"' "$answer"
answer=$(call onhand.v1.AvailabilityService/GetAvailability '{"sku":"nothing"}')
expect 'a refusal has its HTTP status' '^HTTP/1.1 404' "$answer"
expect 'a refusal has its reason' '"reason":"UNKNOWN_ITEM"' "$answer"

get=$url/onhand.v1.AvailabilityService/GetAvailability
answer=$(curl -sS -i -G "$get" --data-urlencode 'message={"sku":"boot"}' -d encoding=json)
expect 'a read by GET answers' '"sku":"boot"' "$answer"
expect 'it may be cached' '^Cache-Control: max-age=[0-9]+' "$answer"
tag=$(sed -n 's/^ETag: \(.*\)\r/\1/p' <<<"$answer")
answer=$(curl -sS -i -G "$get" --data-urlencode 'message={"sku":"boot"}' -d encoding=json \
  -H "If-None-Match: $tag")
expect 'it is not sent again' '^HTTP/1.1 304' "$answer"
answer=$(curl -sS --compressed -G "$get" --data-urlencode 'message={"sku":"boot"}' -d encoding=json)
expect 'curl --compressed understands it' '"sku":"boot"' "$answer"

answer=$(curl -sS -i "$url/onhand.v1.CatalogService/BatchUpsertItems")
expect 'a write by GET is not allowed' '^HTTP/1.1 405' "$answer"
expect 'and says so as Connect does' '"code":"unimplemented"' "$answer"
answer=$(curl -sS -i -H 'Content-Type: text/plain' -d x "$get")
expect 'another type is refused' '^HTTP/1.1 415' "$answer"
answer=$(head -c 5000000 /dev/zero | tr '\0' ' ' |
  curl -sS -i -H 'Content-Type: application/json' --data-binary @- "$get")
expect 'a large body is refused' '^HTTP/1.1 413' "$answer"
answer=$(head -c 5000000 /dev/zero | tr '\0' ' ' |
  curl -sS -i -H 'Content-Type: application/json' -X POST -T - "$get" || true)
expect 'so is one in chunks' '^HTTP/1.1 413' "$answer"
answer=$(printf '{"sku":"boot"}' | gzip |
  curl -sS -i -H 'Content-Type: application/json' -H 'Content-Encoding: gzip' --data-binary @- "$get")
expect 'a body may be gzip' '"sku":"boot"' "$answer"
answer=$(call onhand.v1.HubService/GetHubStatus '{}' -H 'Connect-Timeout-Ms: 0')
expect 'a deadline is kept' '^HTTP/1.1 504' "$answer"

printf '\0\0\0\0\2{}' >"$dir/envelope"
answer=$(curl -sS -N -m 2 -H 'Content-Type: application/connect+json' \
  --data-binary "@$dir/envelope" "$url/grpc.health.v1.Health/Watch" 2>&1 | tr -d '\0' || true)
expect 'a stream tells' '"status":"SERVING"' "$answer"

printf 'sku;quantity\nboot;5\nhat;many\n' >"$dir/stock.csv"
answer=$(curl -sS -i -T "$dir/stock.csv" "$url/v1/locations/store/files/")
expect 'a file of stock is taken' '"state": "ACCEPTED"' "$answer"
expect 'a row that is wrong is told' '"value": "many"' "$answer"
answer=$(curl -sS -i -T "$dir/stock.csv" "$url/v1/locations/store/files/")
expect 'the same again is not' '"alreadyTaken": true' "$answer"

answer=$(curl -sS -i -X OPTIONS "$get" -H 'Origin: https://shop.example' \
  -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type')
expect 'a page of an allowed origin may ask' '^Access-Control-Allow-Origin: https://shop.example' "$answer"
answer=$(curl -sS -i -X OPTIONS "$get" -H 'Origin: https://evil.example' \
  -H 'Access-Control-Request-Method: POST')
expect 'another may not' '^HTTP/1.1 403' "$answer"

expect 'it lives' '^alive' "$(curl -sS "$url/healthz")"
kill -TERM "$hub"
code=0
wait "$hub" || code=$?
hub=
expect 'it stops' '^0$' "$code"
exit "$failed"
