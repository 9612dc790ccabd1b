import { expect, test } from "vitest";
import { readPythonEnvironment, workerEnvironment } from "../../src/python/environment.ts";

test("a worker's environment is the host's with the additions on top", () => {
  expect(workerEnvironment({ B: "2", C: "3" }, { A: "1", B: "1", GONE: undefined })).toEqual({
    A: "1",
    B: "2",
    C: "3",
  });
});

test("the mark of a worker is not passed on", () => {
  expect(workerEnvironment({}, { SYNAPSE_WORKER: "1", A: "1" })).toEqual({ A: "1" });
});

test("the host's environment is the default", () => {
  expect(workerEnvironment({ EXTRA_OF_THIS_TEST: "1" })).toMatchObject({
    PATH: process.env.PATH,
    EXTRA_OF_THIS_TEST: "1",
  });
});

test("an empty variable counts as unset", () => {
  expect(readPythonEnvironment({ PYTHON_EXEC: "", VIRTUAL_ENV: "", PYTHONPATH: "" })).toEqual({
    interpreter: undefined,
    virtualEnv: undefined,
    searchPath: "",
    modulePath: undefined,
  });
});
