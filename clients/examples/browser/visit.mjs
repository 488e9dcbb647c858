// Serves the page and visits it as a customer would, in a real Chromium, and prints what it says.
// usage: node visit.mjs http://HOST:PORT
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { chromium } from "playwright-core";

const [hub] = process.argv.slice(2);
const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const root = new URL("..", import.meta.url).pathname;

const server = createServer(async ({ url }, response) => {
  const { pathname } = new URL(url, "http://page");
  try {
    const content = await readFile(join(root, normalize(pathname)));
    response.setHeader("Content-Type", types[extname(pathname)] ?? "application/octet-stream");
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}).listen(0, "127.0.0.1");
await once(server, "listening");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"], // tests may run as root
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.log(`error on the page: ${error}`));
  await page.goto(
    `http://127.0.0.1:${server.address().port}/browser/index.html?hub=${encodeURIComponent(hub)}&follow_ms=6000`,
  );
  const says = (text) => page.locator("#log", { hasText: text }).waitFor({ timeout: 20_000 });
  await page.click("#hold");
  await says("held 2 boot");
  await page.click("#hold-many");
  await says("refused");
  await page.click("#order");
  await says("order-browser is");
  await says("the watch ended");
  console.log(await page.locator("#log").textContent());
  console.log(`shown: ${await page.locator("#item-boot").textContent()}`);
} finally {
  await browser.close();
  server.close();
}
