import { expect, test } from "vitest";
import type { InterpreterSource } from "../../src/python/candidates.ts";
import type { Examined } from "../../src/python/examine.ts";
import { dependencies, ownPackage } from "../../src/python/needs.ts";
import type { OwnModule, ProbeAnswer } from "../../src/python/probe.ts";
import { nearestOf, type Rejection, rejectionOf, searchError } from "../../src/python/rejection.ts";
import { runSetup } from "../../src/python/setup-command.ts";

const cwd = "/project";
const modules = Object.fromEntries(dependencies.map(({ module }) => [module, "99.0"])) as ProbeAnswer["modules"];
const file = "/env/site-packages/synapse_otp/__init__.py";
const old: OwnModule = { file, contract: undefined, version: "0.0.1", distribution: "0.0.1", hides: false };

function examined(source: InterpreterSource, changes: Partial<ProbeAnswer> = {}): Examined {
  const answer: ProbeAnswer = {
    executable: "/env/bin/python",
    version: [3, 12, 1],
    inVirtualEnv: true,
    prefix: "/env",
    externallyManaged: false,
    sitePackages: "/env/site-packages",
    hasPip: true,
    own: undefined,
    namesake: undefined,
    modules,
    ...changes,
  };
  return { candidate: { source, path: "/env/bin/python", given: "/env/bin/python" }, path: "/env/bin/python", answer };
}

function missing(source: InterpreterSource, broken: boolean): Examined {
  const path = "/gone/bin/python";
  return { candidate: { source, path, given: path }, reason: "it is like this", broken };
}

function reject(one: Examined): Rejection {
  const rejection = rejectionOf(one);
  if (rejection === undefined) throw new Error("it was taken");
  return rejection;
}

const messageOf = (...all: Examined[]) => searchError(all.map(reject), cwd).message;
const setup = (...args: string[]) => runSetup(args, cwd);

test("an interpreter without a fault is not rejected", () => {
  const own = { ...old, contract: ownPackage.contract, version: ownPackage.version };
  expect(rejectionOf(examined("option", { own }))).toBeUndefined();
});

test("the one that came nearest is the first with another version, then the first that lacks something, then an old one", () => {
  const [gone, tooOld, lacking, other] = [
    missing("PYTHON_EXEC", false),
    examined("cwd/.venv", { version: [3, 9, 0] }),
    examined("VIRTUAL_ENV"),
    examined("package", { own: old }),
  ].map(reject) as [Rejection, Rejection, Rejection, Rejection];
  expect(nearestOf([gone, tooOld, lacking, other])).toBe(other);
  expect(nearestOf([gone, tooOld, lacking])).toBe(lacking);
  expect(nearestOf([gone, tooOld])).toBe(tooOld);
  expect(nearestOf([gone])).toBeUndefined();
});

test("an old version is told with both, and with the command for the environment", () => {
  expect(messageOf(examined("VIRTUAL_ENV", { own: old }))).toBe(
    `[python_package_mismatch] "/env/bin/python" has version 0.0.1 of the Python package synapse-otp ("${file}"), ` +
      `while version ${ownPackage.version} of the npm package needs ${ownPackage.version.replace(/\.\d+$/, ".x")} ` +
      `with contract ${ownPackage.contract}; ${setup("--python", "/env/bin/python")}`,
  );
});

test("the project's own environment needs no name, and the others that were looked at are listed", () => {
  const message = messageOf(missing("cwd/python/.venv", false), examined("cwd/.venv", { namesake: "0.9" }));
  expect(message).toBe(
    `[python_package_missing] "/env/bin/python" lacks the Python module synapse_otp, ` +
      `has synapse-agent 0.9, which is another project's package and not Synapse's; ${setup()}; ` +
      `also looked at: "/gone/bin/python" cannot be used: it is like this`,
  );
});

test("the machine's own Python, on PATH or as conda's base, is looked at and is no near miss", () => {
  const bare = examined("PATH", { inVirtualEnv: false });
  expect(nearestOf([reject(bare)])).toBeUndefined();
  expect(nearestOf([reject(examined("CONDA_PREFIX", { inVirtualEnv: false }))])).toBeUndefined();
  expect(nearestOf([reject(examined("PATH", { version: [3, 8, 2] }))])).toBeUndefined();
  expect(messageOf(missing("cwd/.venv", false), bare)).toBe(
    `[python_missing] no Python interpreter for the workers was found; looked at: "/gone/bin/python" cannot be used: it is like this, ` +
      `"/env/bin/python" lacks the Python module synapse_otp; ${setup()}`,
  );
});

test("an active conda environment that lacks something is set up, and so is a place on PATH that has an old one of ours", () => {
  expect(messageOf(examined("CONDA_PREFIX"))).toContain(`; ${setup("--python", "/env/bin/python")}`);
  expect(messageOf(examined("PATH", { inVirtualEnv: false, own: old }))).toContain(
    `; ${setup("--venv", ".venv", "--python", "/env/bin/python")}`,
  );
});

test("an interpreter outside an environment is made one from, not installed into", () => {
  const args = ["--venv", ".venv", "--python", "/env/bin/python"];
  const bare = { inVirtualEnv: false };
  expect(messageOf(examined("PYTHON_EXEC", bare))).toContain(
    `; ${setup(...args)}; then unset PYTHON_EXEC or set it to "/project/.venv/bin/python"`,
  );
  expect(messageOf(examined("option", bare))).toContain(
    `; ${setup(...args)}; then leave the option out or set it to "/project/.venv/bin/python"`,
  );
});

test("what no installation replaces is to be moved first", () => {
  const hides = { ...old, hides: true, file: "/project/synapse_otp/__init__.py" };
  expect(messageOf(examined("VIRTUAL_ENV", { own: hides }))).toContain(
    `; rename or remove "/project/synapse_otp", then ${setup("--python", "/env/bin/python")}`,
  );
  const plain = { ...hides, file: "/project/synapse_otp.py" };
  expect(messageOf(examined("cwd/.venv", { own: plain }))).toContain(
    `; rename or remove "/project/synapse_otp.py", then ${setup()}`,
  );
});

test("an environment without pip is told with what the set-up takes instead, when it has to install something", () => {
  const lacking = { hasPip: false, modules: { ...modules, grpc: undefined } };
  expect(messageOf(examined("cwd/.venv", lacking))).toContain(
    `; ${setup()} (it has no pip: the set-up takes uv or ensurepip)`,
  );
  expect(messageOf(examined("cwd/.venv", { hasPip: false }))).not.toContain("ensurepip");
});

test.each([
  ["cwd/python/.venv", ["--venv", "python/.venv", "--clear"]],
  ["cwd/.venv", ["--venv", ".venv", "--clear"]],
  ["VIRTUAL_ENV", ["--venv", ".venv"]],
  ["package", ["--venv", ".venv"]],
] as const)("instead of one that is too old at %s an environment is made with %j", (source, args) => {
  expect(messageOf(examined(source, { version: [3, 10, 2] }))).toBe(
    `[python_too_old] "/env/bin/python" is Python 3.10.2, older than 3.11; ${setup(...args)}`,
  );
});

test("what no other interpreter would mend has a remedy of its own", () => {
  for (const source of ["option", "cwd/.venv"] as const) {
    const rejection = reject({ ...missing(source, true), remedy: "make it smaller" } as Examined);
    expect(searchError([rejection], cwd).message).toMatch(/it is like this; make it smaller$/);
  }
});

test("where nothing is found, .venv is made; where it is broken, it is made anew, unless it was only slow", () => {
  const none = missing("cwd/python/.venv", false);
  expect(messageOf(none, missing("cwd/.venv", false))).toMatch(new RegExp(`; ${setup()}$`));
  expect(messageOf(none, missing("cwd/.venv", true))).toMatch(new RegExp(`; ${setup("--venv", ".venv", "--clear")}$`));
});

test("where this package was not found either, as in a bundle, the message says from where, and what to set instead", () => {
  const absent = 'the npm package synapse-otp 0.1.0 was not found from "/app/main.cjs"';
  const candidate = { source: "package", path: undefined, given: "python/.venv of synapse-otp", absent } as const;
  const message = messageOf(missing("cwd/.venv", false), { candidate, reason: absent, broken: false });
  expect(message).toBe(
    '[python_missing] no Python interpreter for the workers was found; looked at: "/gone/bin/python" cannot be used: it is like this, ' +
      `"python/.venv of synapse-otp" cannot be used: ${absent}; ${setup()}, ` +
      "or name an interpreter that has synapse-otp by PYTHON_EXEC or python.interpreter",
  );
});
