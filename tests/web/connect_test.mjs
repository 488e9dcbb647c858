// The official clients of the Connect protocol against a hub, each as its users set it up.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as node from "@connectrpc/connect-node";
import * as web from "@connectrpc/connect-web";

import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.js";
import { AvailabilityService } from "./gen/onhand/v1/availability_pb.js";
import { CatalogService } from "./gen/onhand/v1/catalog_pb.js";
import { HubService } from "./gen/onhand/v1/hub_pb.js";
import { Hub, requestId } from "./hub.mjs";

// More than the HTTP port serves at a time.
const MANY_STREAMS = 40;

let hub;
before(async () => {
  hub = await Hub.start();
  await hub.makeChain();
});
after(async () => {
  await hub.stop();
});

const transports = {
  "connect-web, JSON": () => web.createConnectTransport({ baseUrl: hub.url }),
  "connect-web, protobuf": () =>
    web.createConnectTransport({ baseUrl: hub.url, useBinaryFormat: true }),
  "connect-web, JSON by GET": () =>
    web.createConnectTransport({ baseUrl: hub.url, useHttpGet: true }),
  "connect-web, protobuf by GET": () =>
    web.createConnectTransport({ baseUrl: hub.url, useHttpGet: true, useBinaryFormat: true }),
  "connect-node, JSON": () =>
    node.createConnectTransport({ baseUrl: hub.url, httpVersion: "1.1", useBinaryFormat: false }),
  "connect-node, protobuf": () =>
    node.createConnectTransport({ baseUrl: hub.url, httpVersion: "1.1" }),
  "connect-node, gzip both ways": () =>
    node.createConnectTransport({
      baseUrl: hub.url,
      httpVersion: "1.1",
      useHttpGet: true,
      compressMinBytes: 0,
      sendCompression: node.compressionGzip,
      acceptCompression: [node.compressionGzip],
    }),
};

async function refusalOf(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error;
  }
  assert.fail("it was not refused");
}

// How a stream ends once there is a place for it: those who left make room a moment later.
async function endOfStream(listen) {
  for (let tries = 0; ; ++tries) {
    const error = await listen().then(
      () => assert.fail("it went on after it was left"), (why) => ConnectError.from(why));
    if (error.code !== Code.ResourceExhausted) return error;
    assert.ok(tries < 100, "streams that were left keep their place");
    await new Promise((done) => setTimeout(done, 50));
  }
}

for (const [name, transport] of Object.entries(transports)) {
  describe(name, () => {
    test("asks and is answered", async () => {
      const status = await createClient(HubService, transport()).getHubStatus({});
      assert.match(status.journalId, /^[0-9a-f]{32}$/);
      assert.ok(status.revision > 0n);
      const { availability } = await createClient(AvailabilityService, transport())
        .getAvailability({ sku: "boot", channelId: "web-ship", explain: true });
      assert.equal(availability.sku, "boot");
      assert.ok(availability.explanation.sentence.length > 0);
    });

    test("writes once, however often it asks", async () => {
      const catalog = createClient(CatalogService, transport());
      const request = { requestId: requestId(), items: [{ sku: "hat", name: name }] };
      const first = await catalog.batchUpsertItems(request);
      assert.deepEqual(await catalog.batchUpsertItems(request), first);
    });

    test("is told why not", async () => {
      const error = await refusalOf(
        createClient(AvailabilityService, transport()).getAvailability({ sku: "no such" }));
      assert.equal(error.code, Code.NotFound);
      const [info] = error.findDetails(ErrorInfoSchema);
      assert.equal(info.reason, "UNKNOWN_ITEM");
      assert.equal(info.domain, "onhand");
      assert.equal(info.metadata.value, "no such");
      assert.ok(info.metadata.remedy.length > 0);
    });

    test("hears a stream and leaves it", async () => {
      const health = createClient(Health, transport());
      for (let i = 0; i < MANY_STREAMS; ++i) {
        const leaving = new AbortController();
        const error = await endOfStream(async () => {
          for await (const { status } of health.watch({}, { signal: leaving.signal })) {
            assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
            leaving.abort();
          }
        });
        assert.equal(error.code, Code.Canceled, String(error));
      }
    });

    test("is told when its time is up", async () => {
      const health = createClient(Health, transport());
      const error = await endOfStream(async () => {
        for await (const _ of health.watch({}, { timeoutMs: 200 })) {
        }
      });
      assert.equal(error.code, Code.DeadlineExceeded, String(error));
    });
  });
}

test("a page that asks again is told that nothing changed", async () => {
  const seen = [];
  const transport = web.createConnectTransport({
    baseUrl: hub.url,
    useHttpGet: true,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      seen.push({ url: String(input), method: init.method, response });
      return response;
    },
  });
  const { availability } = await createClient(AvailabilityService, transport)
    .getAvailability({ sku: "boot" });
  assert.equal(availability.revision, 0n);
  const [{ url, method, response }] = seen;
  assert.equal(method, "GET");
  assert.match(response.headers.get("cache-control"), /^max-age=\d+, stale-while-revalidate=\d+$/);
  assert.match(response.headers.get("onhand-revision"), /^\d+$/);
  const again = await fetch(url, { headers: { "if-none-match": response.headers.get("etag") } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), "");
});

test("many pages at once are served", async () => {
  const transport = web.createConnectTransport({ baseUrl: hub.url, useHttpGet: true });
  const availability = createClient(AvailabilityService, transport);
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => availability.getAvailability({ sku: "boot" })));
  assert.equal(answers.length, 500);
});

test("a hub that stops says so to those who listen", async () => {
  const stopping = await Hub.start();
  const health = createClient(Health, web.createConnectTransport({ baseUrl: stopping.url }));
  const heard = [];
  let stopped;
  const error = await refusalOf(
    (async () => {
      for await (const { status } of health.watch({})) {
        if (heard.push(status) === 1) stopped = stopping.stop();
      }
    })());
  assert.equal(error.code, Code.Unavailable);
  assert.deepEqual(heard, [
    HealthCheckResponse_ServingStatus.SERVING,
    HealthCheckResponse_ServingStatus.NOT_SERVING,
  ]);
  assert.equal(await stopped, 0);
});
