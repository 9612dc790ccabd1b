import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { judgeProxies } from "../../src/doctor/proxies.ts";

const proxy = "http://user:hunter2@proxy.test:3128";

/** The environment after a command, as a shell would hand it on. */
function after(command: string | undefined, env: Record<string, string>): Record<string, string> {
  const text = execFileSync("/bin/sh", ["-c", `${command} && env`], { env, encoding: "utf8" });
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

test("without a proxy, and with one that this machine is excepted from, all is well", () => {
  expect(judgeProxies({}).status).toBe("ok");
  expect(judgeProxies({ https_proxy: "", HTTPS_PROXY: proxy }).message).toBe("no proxy variable is set");
  for (const no of ["*", "localhost, 127.0.0.1"]) {
    expect(judgeProxies({ HTTPS_PROXY: proxy, NO_PROXY: no })).toMatchObject({
      status: "ok",
      message: "model clients use https_proxy (http://proxy.test:3128), and not for this machine",
    });
  }
});

test.each([
  [{ HTTP_PROXY: proxy }],
  [{ all_proxy: "proxy.test:3128", NO_PROXY: "intra.test" }],
  [{ https_proxy: proxy, no_proxy: "", NO_PROXY: "*" }],
])("of %j this machine is not excepted: the command excepts it", (env) => {
  const finding = judgeProxies(env);
  expect(finding).toMatchObject({
    status: "warning",
    message: expect.stringContaining("no_proxy lacks localhost, 127.0.0.1"),
  });
  expect(JSON.stringify(finding)).not.toContain("hunter2");
  expect(judgeProxies(after(finding.fix?.command, env as Record<string, string>)).status).toBe("ok");
});

test.each(["socks://proxy.test:1080", "http://[", "ftp://proxy.test"])(
  "%s ends an agent's import where it makes a client: the command takes it away",
  (value) => {
    const env = { ALL_PROXY: value };
    const finding = judgeProxies(env);
    expect(finding).toMatchObject({
      status: "failure",
      message: expect.stringMatching(/^all_proxy is (?:no URL|a URL of the scheme)/),
    });
    expect(judgeProxies(after(finding.fix?.command, env)).status).toBe("ok");
  },
);
