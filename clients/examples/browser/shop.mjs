// A page of a shop that speaks with the hub itself, by the official Connect library. It shows what
// may be sold and follows its changes, and holds and orders a basket. (A shop on the open web puts
// its own backend between: a hub does not know which customer may do what.)
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { AvailabilityService } from "./gen/onhand/v1/availability_pb.js";
import { ReservationService, ReservationState } from "./gen/onhand/v1/reservations_pb.js";
import { AvailabilityStatus } from "./gen/onhand/v1/types_pb.js";
import { WatchService } from "./gen/onhand/v1/watch_pb.js";

const channelId = "web-ship";
const element = (id) => document.getElementById(id);
const say = (text) => element("log").append(`${text}\n`);

const transport = createConnectTransport({
  baseUrl: new URLSearchParams(location.search).get("hub"),
  defaultTimeoutMs: 2000, // a customer does not wait for ever
  useHttpGet: true, // reads may come from a cache on the way
});
const availability = createClient(AvailabilityService, transport);
const reservations = createClient(ReservationService, transport);
const watches = createClient(WatchService, transport);

// A UUIDv7. It is stored before it is sent: after a reload the same id gets the first answer, and
// nothing is held twice.
function requestId() {
  const moment = Date.now().toString(16).padStart(12, "0");
  const random = crypto.randomUUID(); // version 4; its last four groups are random enough
  return `${moment.slice(0, 8)}-${moment.slice(8)}-7${random.slice(15)}`;
}
function storedRequestId(step) {
  const id = localStorage.getItem(step) ?? requestId();
  localStorage.setItem(step, id);
  return id;
}

function text({ sku, status, maxQuantity }) {
  return `${sku} ${AvailabilityStatus[status]} up to ${maxQuantity}`;
}
function show(answer) {
  let line = element(`item-${answer.sku}`);
  if (!line) {
    line = document.createElement("li");
    line.id = `item-${answer.sku}`;
    element("items").append(line);
  }
  line.textContent = text(answer);
}

// All items of the page in one question.
const { results } = await availability.batchGetAvailability({
  skus: ["boot", "hat", "unicorn"],
  channelId,
});
for (const { result } of results) {
  if (result.case === "availability") show(result.value);
  say(result.case === "availability" ? text(result.value) : `${result.value.sku} is not known`);
}

// Follows the changes for `ms` (a page does for good: 0), again and again by the last token.
async function follow(ms) {
  const end = Date.now() + ms;
  let request = { skus: ["boot"], channelId };
  for (;;) {
    try {
      const timeoutMs = ms && Math.max(end - Date.now(), 1);
      for await (const { changes, resumeToken } of watches.watch(request, { timeoutMs })) {
        request = { ...request, resumeToken, initial: false };
        for (const id of ["hold", "hold-many"]) element(id).disabled = false;
        for (const answer of changes) {
          show(answer);
          say(`changed: ${text(answer)}`);
        }
      }
    } catch (error) {
      if (ms && Date.now() >= end) return say(`the watch ended: ${Code[error.code]}`);
      const { reason } = ConnectError.from(error).findDetails(ErrorInfoSchema)[0] ?? {};
      // The hub cannot go on from the token: everything is told first.
      const anew = reason === "RESUME_TOO_OLD" || reason === "RESUME_OTHER_JOURNAL";
      if (anew) request = { ...request, resumeToken: "", initial: true };
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.random()));
  }
}
follow(Number(new URLSearchParams(location.search).get("follow_ms")));

let held;
async function hold(step, units) {
  const basket = { lines: [{ sku: "boot", units }], channelId };
  const { canHold } = await reservations.checkBasket({ basket });
  say(`basket can be held: ${canHold}`);
  try {
    const request = { requestId: storedRequestId(step), basket, ttlS: 600 };
    held = (await reservations.createReservation(request)).reservation;
    for (const line of held.lines) say(`held ${line.units} ${line.sku} at ${line.locationId}`);
    element("order").disabled = false;
  } catch (error) {
    // What the page does about a refusal hangs on its reason, never on its text.
    const refusal = ConnectError.from(error);
    const [info] = refusal.findDetails(ErrorInfoSchema);
    if (info?.reason !== "NOT_ENOUGH") throw error;
    localStorage.removeItem(step);
    say(`refused: ${info.reason}: ${refusal.rawMessage}`);
  }
}
element("hold").onclick = () => hold("hold", 2);
element("hold-many").onclick = () => hold("hold-many", 100);
element("order").onclick = async () => {
  const { reservation } = await reservations.commitReservation({
    requestId: storedRequestId("order"),
    reservationId: held.reservationId,
    orderReference: "order-browser",
  });
  say(`order-browser is ${ReservationState[reservation.state]}`);
  localStorage.clear(); // the basket is done
};
