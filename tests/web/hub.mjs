// A hub for one test file: onhandd on memory, with a location, a channel and items.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";

import { CatalogService } from "./gen/onhand/v1/catalog_pb.js";
import { ChannelKind } from "./gen/onhand/v1/types_pb.js";

// Time-ordered, as the contract asks of the ids of writes.
export function requestId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Hub {
  static async start(...flags) {
    const hub = new Hub();
    hub.process = spawn(
      process.env.ONHANDD,
      ["serve", "--store", "memory:", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
        "--insecure", ...flags],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    process.once("exit", () => hub.process.kill("SIGKILL"));
    hub.log = "";
    for await (const line of createInterface({ input: hub.process.stderr })) {
      hub.log += line + "\n";
      const ready = /ready grpc=(\S+) http=(\S+)/.exec(line);
      if (ready) {
        hub.url = `http://${ready[2]}`;
        break;
      }
    }
    if (!hub.url) throw new Error(`the hub did not start: ${hub.log}`);
    hub.process.stderr.resume();
    return hub;
  }

  async makeChain() {
    const catalog = createClient(
      CatalogService,
      createConnectTransport({ httpVersion: "1.1", baseUrl: this.url }),
    );
    await catalog.batchUpsertLocations({
      requestId: requestId(),
      locations: [{ locationId: "store", name: "Store", timeZone: "Europe/Madrid" }],
    });
    await catalog.batchUpsertChannels({
      requestId: requestId(),
      channels: [{ channelId: "web-ship", name: "Web", kind: ChannelKind.SHIP }],
    });
    await catalog.batchUpsertItems({
      requestId: requestId(),
      items: [{ sku: "boot", name: "Boot", published: true }],
    });
  }

  // SIGTERM; the exit code.
  async stop() {
    if (this.process.exitCode !== null) return this.process.exitCode;
    this.process.kill("SIGTERM");
    await once(this.process, "exit");
    return this.process.exitCode;
  }
}
