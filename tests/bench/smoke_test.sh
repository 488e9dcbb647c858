#!/usr/bin/env bash
# Shows that the bench runs and prints every line; it looks at no number.
# usage: smoke_test.sh ONHAND-BENCH ONHANDD
set -euo pipefail

table=$("$1" --quick --onhandd "$2")
status=0
for line in 'bytes a position' 'start-up' 'availability, total' 'availability, 20 locations' \
  'availability, batch' 'in-process cache' 'durable acknowledgement' 'in fdatasyncs' 'durable unary update' \
  'watch: told after' 'watch: p99 of 1,000' \
  "availability p99 beside another's flood" \
  'reservation p50, one at a time' 'reservation p99 under nightly snapshots' \
  'burst ingest, SQLite, 1 generator' 'burst ingest, SQLite, 12 generators' 'sustained ingest, SQLite' \
  'answer over 1,000 locations: units' 'preview, 100,000 items' \
  '1,000 locations: POOLED' '1,000 locations: risk' '1,000 locations: fillable' '1,000 locations: not fillable' \
  'burst ingest, MariaDB, 1 generator' 'burst ingest, MariaDB, 12 generators' 'sustained ingest, MariaDB'; do
  if ! grep -qF "$line" <<<"$table"; then
    echo "no line says: $line"
    status=1
  fi
done
printf '%s\n' "$table"
exit "$status"
