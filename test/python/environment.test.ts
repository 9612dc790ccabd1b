import { expect, test } from "vitest";
import {
  checkVariables,
  installerEnvironment,
  readPythonEnvironment,
  tellsTracebacks,
  workerEnvironment,
} from "../../src/python/environment.ts";

test("a worker's environment is the host's with the additions on top", () => {
  expect(workerEnvironment({ B: "2", C: "3" }, { A: "1", B: "1", GONE: undefined })).toEqual({
    A: "1",
    B: "2",
    C: "3",
  });
});

test("the mark of a worker is not passed on", () => {
  expect(workerEnvironment({}, { SYNAPSE_WORKER: "1", SYNAPSE_SYSTEM: "7:1", A: "1" })).toEqual({ A: "1" });
});

test("the host's environment is the default", () => {
  expect(workerEnvironment({ EXTRA_OF_THIS_TEST: "1" })).toMatchObject({
    PATH: process.env.PATH,
    EXTRA_OF_THIS_TEST: "1",
  });
});

test("an empty variable counts as unset", () => {
  expect(readPythonEnvironment({ PYTHON_EXEC: "", VIRTUAL_ENV: "", CONDA_PREFIX: "", PYTHONPATH: "" })).toEqual({
    interpreter: undefined,
    virtualEnv: undefined,
    condaPrefix: undefined,
    searchPath: "",
    modulePath: undefined,
  });
});

test.each(["PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "PYTHONINSPECT"])(
  "%s of the host belongs to another interpreter; one that the workers are given is theirs",
  (name) => {
    expect(workerEnvironment({}, { [name]: "/x", A: "1" })).toEqual({ A: "1" });
    expect(workerEnvironment({ [name]: "/y" }, { [name]: "/x" })).toEqual({ [name]: "/y" });
    expect(installerEnvironment({ [name]: "/x", A: "1" })).toMatchObject({ A: "1" });
    expect(installerEnvironment({ [name]: "/x" })).not.toHaveProperty(name);
  },
);

test("what else Python reads is handed on to workers", () => {
  const kept = {
    PYTHONPATH: "/x",
    PYTHONSAFEPATH: "1",
    PYTHONOPTIMIZE: "2",
    PYTHONUTF8: "0",
    LC_ALL: "C",
    VIRTUAL_ENV: "/v",
  };
  expect(workerEnvironment({}, kept)).toEqual(kept);
});

test("an installer gets the index and the proxy, and nothing that would lead it elsewhere or keep it from its work", () => {
  const leading = {
    PIP_TARGET: "/x",
    PIP_NO_DEPS: "1",
    PIP_DRY_RUN: "1",
    UV_PYTHON: "3.9",
    VIRTUAL_ENV: "/v",
    PYTHONPATH: "/p",
  };
  const kept = {
    PIP_INDEX_URL: "https://index",
    UV_INDEX_URL: "https://index",
    HTTPS_PROXY: "http://proxy",
    PATH: "/bin",
  };
  expect(installerEnvironment({ ...leading, ...kept, PIP_USER: "1" })).toEqual({ ...kept, PIP_USER: "0" });
});

test.each([
  ["env.A", { A: 1 }],
  ["env.A", { A: undefined }],
  ["env.KEY", { KEY: "secret\0value" }],
  ["env", { "": "x" }],
  ["env", { "A=B": "x" }],
  ["env", { "A\0": "x" }],
  ["env", null],
  ["env", "A=1"],
  ["env", ["A=1"]],
])("what no process can be given is refused by name: %s of %o", (field, env) => {
  expect(() => checkVariables("env", env)).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
});

test("a value that is refused is not in the message: it may be a secret", () => {
  const check = () => checkVariables("spec.env", { KEY: "secret\0value" }, ' (agent "a")');
  expect(check).toThrow(
    '[invalid_argument] spec.env.KEY has a NUL character at index 6; it must be without NUL characters (agent "a")',
  );
  expect(check).not.toThrow(/secret/);
});

test("any other text is taken", () => {
  checkVariables("env", { A: "", "with space": "x\ny", "\u00e4": "=" });
});

test("tracebacks are told by themselves everywhere but in production", () => {
  expect(tellsTracebacks({})).toBe(true);
  expect(tellsTracebacks({ NODE_ENV: "test" })).toBe(true);
  expect(tellsTracebacks({ NODE_ENV: "production" })).toBe(false);
});
