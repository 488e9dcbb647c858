"""A shop's backend in Python, with gRPC as Debian packages it (python3-grpcio). It asks what may be
sold, holds a basket, is refused another, places the order, and hears of the change that this makes.

usage: shop.py HOST:PORT, with the generated code on PYTHONPATH (see README.md)
"""
import json
import os
import sys
import threading
import time
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2
from onhand.v1 import availability_pb2, availability_pb2_grpc
from onhand.v1 import reservations_pb2, reservations_pb2_grpc
from onhand.v1 import types_pb2
from onhand.v1 import watch_pb2, watch_pb2_grpc

CHANNEL = "web-ship"
# A customer does not wait for ever: every call has a deadline, in seconds.
DEADLINE_S = 2
# Every call of the contract may be repeated (a write is known by its request id), so gRPC does it
# while no hub answers.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def say(line):
    """A whole line at once: the watch speaks from a thread of its own."""
    sys.stdout.write(line + "\n")


def request_id():
    """A UUIDv7. A shop stores it with the basket before it sends it: after a crash the same id gets
    the first answer, and nothing is held twice."""
    moment = int(time.time() * 1000).to_bytes(6, "big")
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return str(uuid.UUID(bytes=moment + bytes(rest)))


def reason_of(error):
    """What the hub says beside the text when it refuses: a stable reason."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info = error_details_pb2.ErrorInfo()
            status_pb2.Status.FromString(value).details[0].Unpack(info)
            return info.reason
    return error.code().name


def text(answer):
    status = types_pb2.AvailabilityStatus.Name(answer.status)
    return f"{answer.sku} {status.removeprefix('AVAILABILITY_STATUS_')} up to {answer.max_quantity}"


def basket_of(sku, units):
    line = reservations_pb2.BasketLine(sku=sku, units=units)
    return reservations_pb2.Basket(lines=[line], channel_id=CHANNEL)


def watch(channel, listening):
    """Changes are told as they happen, on a stream that this shop reads for three seconds. One that
    reads for good comes back with the last resume_token after a cut, and with `initial` if the hub
    answers RESUME_TOO_OLD."""
    request = watch_pb2.WatchRequest(skus=["boot"], channel_id=CHANNEL)
    try:
        for response in watch_pb2_grpc.WatchServiceStub(channel).Watch(request, timeout=3):
            listening.set()
            for answer in response.changes:
                say(f"changed: {text(answer)}")
    except grpc.RpcError as error:
        say(f"the watch ended: {error.code().name}")


def main():
    channel = grpc.insecure_channel(
        sys.argv[1], options=[("grpc.service_config", json.dumps(SERVICE_CONFIG))]
    )
    availability = availability_pb2_grpc.AvailabilityServiceStub(channel)
    reservations = reservations_pb2_grpc.ReservationServiceStub(channel)

    # A page of the shop asks about all its items at once.
    question = availability_pb2.BatchGetAvailabilityRequest(
        skus=["boot", "hat", "unicorn"], channel_id=CHANNEL
    )
    for result in availability.BatchGetAvailability(question, timeout=DEADLINE_S).results:
        known = result.HasField("availability")
        say(text(result.availability) if known else f"{result.unknown.sku} is not known")

    listening = threading.Event()
    watcher = threading.Thread(target=watch, args=(channel, listening))
    watcher.start()
    listening.wait(DEADLINE_S)

    # At the checkout: can the basket be held? Then hold it for ten minutes.
    basket = basket_of("boot", 2)
    check = reservations_pb2.CheckBasketRequest(basket=basket)
    say(f"basket can be held: {reservations.CheckBasket(check, timeout=DEADLINE_S).can_hold}")
    create = reservations_pb2.CreateReservationRequest(
        request_id=request_id(), basket=basket, ttl_s=600
    )
    reservation = reservations.CreateReservation(create, timeout=DEADLINE_S).reservation
    for line in reservation.lines:
        say(f"held {line.units} {line.sku} at {line.location_id}")

    # What the shop does about a refusal hangs on its reason, never on its text.
    create = reservations_pb2.CreateReservationRequest(
        request_id=request_id(), basket=basket_of("boot", 100)
    )
    try:
        reservations.CreateReservation(create, timeout=DEADLINE_S)
    except grpc.RpcError as error:
        if reason_of(error) != "NOT_ENOUGH":
            raise
        say(f"refused: NOT_ENOUGH: {error.details()}")

    # The customer has paid.
    commit = reservations_pb2.CommitReservationRequest(
        request_id=request_id(),
        reservation_id=reservation.reservation_id,
        order_reference="order-python",
    )
    committed = reservations.CommitReservation(commit, timeout=DEADLINE_S).reservation
    state = reservations_pb2.ReservationState.Name(committed.state)
    say(f"order-python is {state.removeprefix('RESERVATION_STATE_')}")
    watcher.join()


if __name__ == "__main__":
    main()
