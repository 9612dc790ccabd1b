/** Proxy variables that the model clients in the workers take. The workers' own connection is a Unix socket and takes none. */

import { shellWord } from "../python/setup-command.ts";
import { type Finding, runs } from "./finding.ts";

/** What a client of Python's takes; each in small letters, which go first, or in capitals. */
const kinds = ["http_proxy", "https_proxy", "all_proxy"] as const;

/** Of httpx, which pydantic-ai's clients are made of. */
const schemes = ["http:", "https:", "socks5:", "socks5h:"];

const here = ["localhost", "127.0.0.1", "::1"];

/** Judges the variables of a worker's environment. No value is shown but a proxy's scheme and host: it may have a password. */
export function judgeProxies(env: Readonly<Record<string, string | undefined>>): Finding {
  const check = "proxies";
  const found = kinds.flatMap((name) => {
    const value = takenOf(env, name);
    return value === undefined ? [] : [{ name, url: urlOf(value) }];
  });
  if (found.length === 0) return { check, status: "ok", message: "no proxy variable is set" };
  const wrong = found.find(({ url }) => url === undefined || !schemes.includes(url.protocol));
  if (wrong !== undefined) {
    const what = wrong.url === undefined ? "no URL" : `a URL of the scheme "${wrong.url.protocol}"`;
    const message = `${wrong.name} is ${what}, which model clients refuse when they are made; they take ${schemes.map((scheme) => `${scheme}//`).join(", ")}`;
    return { check, status: "failure", message, fix: runs(`unset ${wrong.name} ${wrong.name.toUpperCase()}`) };
  }
  const named = found.map(({ name, url }) => `${name} (${url?.protocol}//${url?.host})`).join(", ");
  const exceptions = (takenOf(env, "no_proxy") ?? "").split(",").map((host) => host.trim().toLowerCase());
  const missing = exceptions.includes("*") ? [] : here.filter((host) => !exceptions.includes(host));
  if (missing.includes("localhost") || missing.includes("127.0.0.1")) {
    const all = [...exceptions.filter((host) => host !== ""), ...missing].join(",");
    return {
      check,
      status: "warning",
      message: `model clients use ${named}, for servers on this machine too: no_proxy lacks ${missing.join(", ")}`,
      // Small letters go before capitals.
      fix: runs(`export no_proxy=${shellWord(all)}`),
    };
  }
  return { check, status: "ok", message: `model clients use ${named}, and not for this machine` };
}

/** The value that Python's getproxies takes: an empty one in small letters hides the one in capitals. */
function takenOf(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return (env[name] ?? env[name.toUpperCase()]) || undefined;
}

function urlOf(value: string): URL | undefined {
  const text = value.includes("://") ? value : `http://${value}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}
