#!/usr/bin/env bash
# A shop with nothing but curl and jq, over HTTP: the Connect protocol is JSON in, JSON out. It asks
# what may be sold, holds a basket, is refused another, places the order, and hears of the change.
# usage: shop.sh http://HOST:PORT
set -euo pipefail

hub=$1
channel=web-ship

# call METHOD JSON: prints the answer. Fails if the hub refuses; the answer is the refusal then.
# A customer does not wait for ever: every call has a deadline, which the hub knows too. Every call
# may be repeated (a write is known by its request id), so curl does it while no hub answers.
call() {
  curl -sS --fail-with-body --max-time 10 --retry 3 --retry-connrefused \
    -H 'Content-Type: application/json' -H 'Connect-Timeout-Ms: 2000' -d "$2" "$hub/onhand.v1.$1"
}

# A UUIDv7. A shop stores it with the basket before it sends it: after a crash the same id gets the
# first answer, and nothing is held twice.
request_id() {
  local ms hex
  ms=$(printf '%012x' "$(date +%s%3N)")
  hex=$(od -An -N10 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s-%s-7%s-8%s-%s' "${ms:0:8}" "${ms:8:4}" "${hex:0:3}" "${hex:3:3}" "${hex:6:12}"
}

# A line about one answer. JSON leaves out what is zero.
answer='"\(.sku) \(.status | ltrimstr("AVAILABILITY_STATUS_")) up to \(.maxQuantity // 0)"'

# A page of the shop asks about all its items at once.
call AvailabilityService/BatchGetAvailability \
  "{\"skus\": [\"boot\", \"hat\", \"unicorn\"], \"channelId\": \"$channel\"}" |
  jq -r ".results[] | if .availability then .availability | $answer
         else \"\(.unknown.sku) is not known\" end"

# Changes are told as they happen, on a stream that this shop reads for three seconds. In a stream
# every message follows a byte of flags and four bytes of length. One that reads for good comes back
# with the last resumeToken after a cut, and with `initial` if the hub answers RESUME_TOO_OLD.
watch() {
  local request="{\"skus\": [\"boot\"], \"channelId\": \"$channel\"}" length
  printf -v length '\\x%02x' $((${#request} >> 24)) $((${#request} >> 16 & 255)) \
    $((${#request} >> 8 & 255)) $((${#request} & 255))
  printf "\\x00$length%s" "$request" |
    curl -sS -N --max-time 10 -H 'Content-Type: application/connect+json' \
      -H 'Connect-Timeout-Ms: 3000' --data-binary @- "$hub/onhand.v1.WatchService/Watch" |
    tr '\000-\037' '\n' | grep -o --line-buffered '{.*}' |
    jq -r --unbuffered "
      (.changes // [] | .[] | \"changed: \" + $answer),
      (.error // empty | \"the watch ended: \(.code)\")"
}
watch &
sleep 0.5 # the stream tells what changes from its start on

# At the checkout: can the basket be held? Then hold it for ten minutes.
basket="{\"lines\": [{\"sku\": \"boot\", \"units\": 2}], \"channelId\": \"$channel\"}"
call ReservationService/CheckBasket "{\"basket\": $basket}" |
  jq -r '"basket can be held: \(.canHold // false)"'
reservation=$(call ReservationService/CreateReservation \
  "{\"requestId\": \"$(request_id)\", \"basket\": $basket, \"ttlS\": 600}")
jq -r '.reservation.lines[] | "held \(.units) \(.sku) at \(.locationId)"' <<<"$reservation"

# What the shop does about a refusal hangs on its reason, never on its text.
too_much="{\"lines\": [{\"sku\": \"boot\", \"units\": 100}], \"channelId\": \"$channel\"}"
if refusal=$(call ReservationService/CreateReservation \
  "{\"requestId\": \"$(request_id)\", \"basket\": $too_much}" 2>/dev/null); then
  echo "100 boots were held?"
  exit 1
fi
reason=$(jq -r '.details[] | select(.type == "google.rpc.ErrorInfo") | .debug.reason' <<<"$refusal")
[[ $reason == NOT_ENOUGH ]]
echo "refused: $reason: $(jq -r .message <<<"$refusal")"

# The customer has paid.
id=$(jq -r .reservation.reservationId <<<"$reservation")
call ReservationService/CommitReservation "{\"requestId\": \"$(request_id)\",
  \"reservationId\": \"$id\", \"orderReference\": \"order-curl\"}" |
  jq -r '"order-curl is \(.reservation.state | ltrimstr("RESERVATION_STATE_"))"'
wait
