// What a website does beside asking: it holds baskets and watches, over HTTP.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { ReservationService, ReservationState } from "./gen/onhand/v1/reservations_pb.js";
import { StockService } from "./gen/onhand/v1/stock_pb.js";
import { MovementKind } from "./gen/onhand/v1/types_pb.js";
import { WatchService } from "./gen/onhand/v1/watch_pb.js";
import { Hub, requestId } from "./hub.mjs";

const BOOTS = { skus: ["boot"], channelId: "web-ship" };

let hub, shop, watches;
before(async () => {
  hub = await Hub.start();
  await hub.makeChain();
  const transport = createConnectTransport({ baseUrl: hub.url });
  shop = createClient(ReservationService, transport);
  watches = createClient(WatchService, transport);
});
after(async () => {
  await hub.stop();
});

// Five boots, and nobody holds one.
beforeEach(async () => {
  const { reservations } = await shop.listReservations({ sku: "boot" });
  for (const { reservationId, lines } of reservations) {
    if (lines.some(({ state }) => state === ReservationState.HELD)) {
      await shop.releaseReservation({ requestId: requestId(), reservationId });
    }
  }
  await createClient(StockService, createConnectTransport({ baseUrl: hub.url })).adjust({
    requestId: requestId(), sku: "boot", locationId: "store", kind: MovementKind.COUNT,
    quantity: 5n, author: "ana",
  });
});

const basketOf = (units) => ({ channelId: "web-ship", lines: [{ sku: "boot", units }] });

async function reasonOf(promise, code) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(error.code, code, String(error));
    return error.findDetails(ErrorInfoSchema)[0].reason;
  }
  assert.fail("it was not refused");
}

// Reads a watch until `enough` says so, then leaves it; what was told, and the last token.
async function readWatch(request, enough) {
  const leaving = new AbortController();
  const told = [];
  let token = "";
  try {
    for await (const response of watches.watch(request, { signal: leaving.signal, timeoutMs: 20_000 })) {
      token = response.resumeToken;
      for (const { sku, maxQuantity } of response.changes) told.push({ sku, maxQuantity });
      if (await enough(told, response)) leaving.abort();
    }
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Canceled) throw error;
  }
  return { told, token };
}

test("a retried hold is the first one, and the same id for another basket is refused", async () => {
  const request = { requestId: requestId(), basket: basketOf(2), ttlS: 60 };
  const first = await shop.createReservation(request);
  assert.equal(first.reservation.reservationId, request.requestId);
  assert.deepEqual(await shop.createReservation(request), first);
  assert.equal(
    await reasonOf(shop.createReservation({ ...request, basket: basketOf(1) }), Code.AlreadyExists),
    "REQUEST_ID_REUSED");
  assert.equal(
    await reasonOf(shop.createReservation({ requestId: requestId(), basket: basketOf(4) }),
      Code.FailedPrecondition),
    "NOT_ENOUGH");
});

test("a watch tells how things stand, then what a hold changes, and goes on where it was left", async () => {
  let reservationId;
  const { told, token } = await readWatch({ ...BOOTS, initial: true }, async (soFar, response) => {
    if (response.initial && soFar.length === 1) {
      ({ reservation: { reservationId } } = await shop.createReservation(
        { requestId: requestId(), basket: basketOf(2), ttlS: 60 }));
    }
    return soFar.length === 2;
  });
  assert.deepEqual(told, [{ sku: "boot", maxQuantity: 5 }, { sku: "boot", maxQuantity: 3 }]);
  await shop.releaseReservation({ requestId: requestId(), reservationId });
  const later = await readWatch({ ...BOOTS, resumeToken: token }, (soFar) => soFar.length > 0);
  assert.deepEqual(later.told.at(-1), { sku: "boot", maxQuantity: 5 });
});

test("a token of another hub, and what is none, are told apart", async () => {
  const other = await Hub.start();
  await other.makeChain();
  const stranger = createClient(WatchService, createConnectTransport({ baseUrl: other.url }));
  let resumeToken;
  for await (const response of stranger.watch({ ...BOOTS, initial: true })) {
    ({ resumeToken } = response);
    if (resumeToken) break;
  }
  await other.stop();
  const read = async (request) => {
    for await (const _ of watches.watch(request)) {
    }
  };
  assert.equal(
    await reasonOf(read({ ...BOOTS, resumeToken }), Code.FailedPrecondition), "RESUME_OTHER_JOURNAL");
  assert.equal(
    await reasonOf(read({ ...BOOTS, resumeToken: "so old" }), Code.InvalidArgument),
    "INVALID_RESUME_TOKEN");
});

test("a hub that stops ends its watches with a reason to come back", async () => {
  const stopping = await Hub.start();
  await stopping.makeChain();
  const watching = createClient(WatchService, createConnectTransport({ baseUrl: stopping.url }));
  let stopped;
  await assert.rejects(
    async () => {
      for await (const _ of watching.watch({ ...BOOTS, initial: true })) {
        stopped ??= stopping.stop();
      }
    },
    (error) => ConnectError.from(error).code === Code.Unavailable);
  assert.equal(await stopped, 0);
});
