#!/bin/sh
# Plays the demo once and interrupts it once, in a temporary folder of its own: it must end well,
# tell every scene, and leave neither files nor processes behind.
# usage: demo_once.sh PATH-OF-ONHAND-DEMO
set -u
demo=$1
TMPDIR=$(mktemp -d) || exit 1
export TMPDIR
told=$TMPDIR.told
trap 'rm -rf "$TMPDIR" "$told"' EXIT

fail() {
  printf 'FAILED: %s\n' "$1"
  cat "$told"
  exit 1
}

# Every process of the demo has the folder in its command line; grep must not find itself.
check_nothing_left() {
  [ -z "$(ls -A "$TMPDIR")" ] || fail "$1 left files behind: $(ls -A "$TMPDIR")"
  # shellcheck disable=SC2062  # the pattern comes by -f; these are files
  left=$(printf '%s' "$TMPDIR/onhand-demo" | grep -lsF -f - /proc/[0-9]*/cmdline)
  [ -z "$left" ] || fail "$1 left processes behind: $left"
}

"$demo" --once >"$told" 2>&1 || fail "the demo ended with $?"
for scene in 1 2 3 4 5 6 7 8 9; do
  grep -q "^Scene $scene: " "$told" || fail "scene $scene was not told"
done
grep -q "12 of 12 stores have in the hub exactly what their tills count" "$told" ||
  fail "the final table is missing"
# The tills write this machine's time. Without the agents' restamping the stores would be as far
# behind as the demo is long, ten hours and more.
fresh=$(sed -n '/^  STORE/,$p' "$told" | grep -cE '^  .* ([0-9]+ min|[1-5] h) .* reports$')
[ "$fresh" -eq 12 ] || fail "only $fresh of 12 stores are known through the hub's own time"
check_nothing_left "the demo"

# Emptied here: the job may empty it only after the loop below has read what the first demo told.
: >"$told"
"$demo" >"$told" 2>&1 &
pid=$!
tries=0
until grep -q "^Scene 1: " "$told"; do
  tries=$((tries + 1))
  [ $tries -le 300 ] || fail "the second demo did not begin"
  sleep 0.1
done
# A background job of a shell ignores SIGINT; SIGTERM takes the same way through the demo.
kill -TERM $pid
wait $pid || fail "the interrupted demo ended with $?"
check_nothing_left "the interrupted demo"
echo "told in full, interrupted, nothing left"
