// A shop's backend in Node, with the official gRPC library. It asks what may be sold, holds a
// basket, is refused another, places the order, and hears of the change that this makes.
// usage: node shop.mjs HOST:PORT PROTO_FOLDER
import { randomBytes } from "node:crypto";

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const [hub, protos] = process.argv.slice(2);
const CHANNEL = "web-ship";

// Every call of the contract may be repeated (a write is known by its request id), so gRPC does it
// while no hub answers.
const serviceConfig = {
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};
const contract = grpc.loadPackageDefinition(
  loader.loadSync(
    ["onhand/v1/availability.proto", "onhand/v1/reservations.proto", "onhand/v1/watch.proto"],
    { includeDirs: [protos], enums: String, longs: String, defaults: true },
  ),
).onhand.v1;
const connect = (Service) =>
  new Service(hub, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(serviceConfig),
  });
const availability = connect(contract.AvailabilityService);
const reservations = connect(contract.ReservationService);
const watches = connect(contract.WatchService);

// A call as a promise. It has a deadline, as every call should: a customer does not wait for ever.
const call = (client, method, request) =>
  new Promise((resolve, reject) => {
    client[method](request, { deadline: Date.now() + 2000 }, (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });

// A UUIDv7. A shop stores it with the basket before it sends it: after a crash the same id gets the
// first answer, and nothing is held twice.
function requestId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// What the hub says beside the text when it refuses: a stable reason, and the field it concerns.
const details = new protobuf.Root();
details.resolvePath = (_, path) => `${protos}/${path}`;
details.loadSync(["google/rpc/status.proto", "google/rpc/error_details.proto"]);
function refusalOf(error) {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!bytes) return { reason: grpc.status[error.code] };
  const status = details.lookupType("google.rpc.Status").decode(bytes);
  return details.lookupType("google.rpc.ErrorInfo").decode(status.details[0].value);
}

function print({ sku, status, maxQuantity }) {
  return `${sku} ${status.replace("AVAILABILITY_STATUS_", "")} up to ${maxQuantity}`;
}

// A page of the shop asks about all its items at once.
const batch = await call(availability, "batchGetAvailability", {
  skus: ["boot", "hat", "unicorn"],
  channelId: CHANNEL,
});
for (const { availability: answer, unknown } of batch.results) {
  console.log(answer ? print(answer) : `${unknown.sku} is not known`);
}

// Changes are told as they happen, on a stream that this shop reads for three seconds. One that
// reads for good comes back with the last resume_token after a cut, and with `initial` if the hub
// answers RESUME_TOO_OLD.
const watch = watches.watch(
  { skus: ["boot"], channelId: CHANNEL },
  { deadline: Date.now() + 3000 },
);
const watched = new Promise((resolve) => watch.on("error", resolve));
const listening = new Promise((resolve) => watch.once("data", resolve));
watch.on("data", ({ changes }) => {
  for (const answer of changes) console.log(`changed: ${print(answer)}`);
});
await listening;

// At the checkout: can the basket be held? Then hold it for ten minutes.
const basket = { lines: [{ sku: "boot", units: 2 }], channelId: CHANNEL };
const { canHold } = await call(reservations, "checkBasket", { basket });
console.log(`basket can be held: ${canHold}`);
const { reservation } = await call(reservations, "createReservation", {
  requestId: requestId(),
  basket,
  ttlS: 600,
});
for (const line of reservation.lines) {
  console.log(`held ${line.units} ${line.sku} at ${line.locationId}`);
}

// What the shop does about a refusal hangs on its reason, never on its text.
try {
  await call(reservations, "createReservation", {
    requestId: requestId(),
    basket: { lines: [{ sku: "boot", units: 100 }], channelId: CHANNEL },
  });
} catch (error) {
  const { reason } = refusalOf(error);
  if (reason !== "NOT_ENOUGH") throw error;
  console.log(`refused: ${reason}: ${error.details}`);
}

// The customer has paid.
const committed = await call(reservations, "commitReservation", {
  requestId: requestId(),
  reservationId: reservation.reservationId,
  orderReference: "order-node",
});
console.log(`order-node is ${committed.reservation.state.replace("RESERVATION_STATE_", "")}`);

const ended = await watched;
console.log(`the watch ended: ${grpc.status[ended.code]}`);
