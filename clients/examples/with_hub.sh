#!/usr/bin/env bash
# Runs an example against a hub with a small chain, and looks whether it says what the chain makes
# true: five boots, of which it holds two and orders them.
# usage: with_hub.sh ONHANDD ONHAND COMMAND... ; in COMMAND, GRPC and HTTP become HOST:PORT. Pages
# from SHOP_ORIGIN may ask, if that is set.
set -euo pipefail

onhandd=$1 onhand=$2
shift 2
dir=$(mktemp -d)
hub=
# Waits for its end, so that the shell says nothing of it.
trap '[[ -z $hub ]] || { kill -9 "$hub"; wait "$hub" || true; } 2>/dev/null; rm -rf "$dir"' EXIT
: >"$dir/log"

"$onhandd" serve --store memory: --grpc 127.0.0.1:0 --http 127.0.0.1:0 --insecure \
  ${SHOP_ORIGIN:+--http-allow-origin "$SHOP_ORIGIN"} 2>"$dir/log" &
hub=$!
for _ in $(seq 100); do
  read -r grpc http <<<"$(sed -n 's/.* ready grpc=\([^ ]*\) http=\([^ ]*\).*/\1 \2/p' "$dir/log")"
  [[ -z $http ]] || break
  sleep 0.1
done
[[ ${http-} ]] || {
  cat "$dir/log"
  exit 1
}

printf 'location_id,name,time_zone\nstore,Store,UTC\n' >"$dir/locations.csv"
printf 'sku,name\nboot,Boot\nhat,Hat\n' >"$dir/items.csv"
{
  "$onhand" --hub "$grpc" import locations "$dir/locations.csv"
  "$onhand" --hub "$grpc" import items "$dir/items.csv"
  "$onhand" --hub "$grpc" channel set web-ship --kind ship
  "$onhand" --hub "$grpc" adjust boot store --count 5 --author ana
  "$onhand" --hub "$grpc" adjust hat store --count 0 --author ana
} >"$dir/chain" 2>&1 || {
  cat "$dir/chain"
  exit 1
}

command=("${@//GRPC/$grpc}")
command=("${command[@]//HTTP/$http}")
status=0
"${command[@]}" >"$dir/said" 2>&1 || status=$?
cat "$dir/said"
((status == 0)) || {
  echo "FAILED: it ended with $status"
  exit 1
}
for line in 'boot IN_STOCK up to 5' 'hat [A-Z_]* up to 0' 'unicorn is not known' \
  'basket can be held: [tT]rue' 'held 2 boot at store' 'refused: NOT_ENOUGH: .*boot' \
  'order-[a-z]* is COMMITTED' 'changed: boot IN_STOCK up to 3' \
  'the watch ended: (DEADLINE_EXCEEDED|deadline_exceeded|DeadlineExceeded)'; do
  grep -qE "^$line" "$dir/said" || {
    echo "FAILED: it did not say: $line"
    status=1
  }
done
exit "$status"
