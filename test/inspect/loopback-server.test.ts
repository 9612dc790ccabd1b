import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { checkLoopbackOptions, LoopbackServer } from "../../src/inspect/loopback-server.ts";

const token = "a-token-of-the-tests";

async function serve() {
  const paths: string[] = [];
  const server = await LoopbackServer.start(
    { token },
    {
      request(_request, response, url) {
        paths.push(`${url.pathname}${url.search}`);
        response.end("welcome");
      },
    },
  );
  onTestFinished(() => server.close());
  return { server, paths };
}

/** A request with headers as no browser would let a page set them. */
function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET") {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number | undefined;
    text: string;
    cookie: string | undefined;
  }>();
  const asked = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () =>
      resolve({ status: response.statusCode, text, cookie: response.headers["set-cookie"]?.[0] }),
    );
  });
  asked.on("error", reject).end();
  return promise;
}

test("who has the token is answered, and by its cookie from then on", async () => {
  const { server, paths } = await serve();
  const { status, text, cookie = "" } = await ask(server.port, `/page?token=${token}&a=1`);
  expect([status, text]).toEqual([200, "welcome"]);
  expect(cookie).toContain("HttpOnly; SameSite=Strict");
  const again = await ask(server.port, "/page", { Cookie: cookie.split(";")[0] ?? "" });
  expect(again.status).toBe(200);
  expect(paths).toEqual(["/page?a=1", "/page"]);
});

test.each<[why: string, path: string, headers: Record<string, string>, method: string]>([
  ["it has no token", "/", {}, "GET"],
  ["it has another token", `/?token=${token}x`, {}, "GET"],
  ["its token is a part of it", `/?token=${token.slice(0, -1)}`, {}, "GET"],
  ["it asks for another host, as after DNS rebinding", `/?token=${token}`, { Host: "evil.test" }, "GET"],
  ["it asks for another port of this machine", `/?token=${token}`, { Host: "127.0.0.1:1" }, "GET"],
  ["a page of another site sends it", `/?token=${token}`, { Origin: "https://evil.test" }, "POST"],
  ["a page of another port sends it", `/?token=${token}`, { Origin: "http://127.0.0.1:1" }, "POST"],
  ["a page without an origin sends it", `/?token=${token}`, { Origin: "null" }, "POST"],
  [
    "another page loads it as a script",
    `/?token=${token}`,
    { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors" },
    "GET",
  ],
])("a request is refused when %s", async (_why, path, headers, method) => {
  const { server, paths } = await serve();
  expect((await ask(server.port, path, headers, method)).status).toBe(403);
  expect(paths).toEqual([]);
});

test("a link on another page may be followed, for the visitor sees where it leads", async () => {
  const { server } = await serve();
  const headers = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
  expect((await ask(server.port, `/?token=${token}`, headers)).status).toBe(200);
});

test("it listens on loopback alone", async () => {
  const { server } = await serve();
  expect(server.authority).toBe(`127.0.0.1:${server.port}`);
  for (const options of [{ host: "0.0.0.0" }, { port: 65_536 }, { token: "short" }]) {
    expect(() => checkLoopbackOptions(options)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
});

test("a port that is taken is told, and a closed server is gone", async () => {
  const { server } = await serve();
  const second = LoopbackServer.start({ token, port: server.port }, { request: () => undefined });
  await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  const { port } = server;
  await server.close();
  await server.close();
  await expect(ask(port, `/?token=${token}`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
