import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { probeInterpreter } from "../../src/python/probe.ts";
import { dependencyStandIns, ownStandIn, realPython, usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const env = { PATH: "/usr/bin:/bin" };

test("the real python3 says what it is, importing nothing heavy", async () => {
  const result = await probeInterpreter(room.venv("venv"), { cwd: room.path("."), env });
  // The stand-ins raise when they are imported.
  expect(result).toMatchObject({
    answer: { executable: room.path("venv/bin/python"), inVirtualEnv: true, modules: { grpc: "1.99.0" } },
  });
  const bare = await probeInterpreter(realPython, { cwd: room.path("."), env });
  expect(bare).toMatchObject({ answer: { inVirtualEnv: false, modules: { grpc: undefined } } });
});

test("what a site customisation prints does not disturb the answer", async () => {
  writeFileSync(room.path("sitecustomize.py"), "import sys\nprint('hello')\nprint('synapse', end='')\n");
  const result = await probeInterpreter(realPython, {
    cwd: room.path("."),
    env: { ...env, PYTHONPATH: room.path(".") },
  });
  expect(result).toHaveProperty("answer");
});

test("a thread and an exit handler that never end do not keep the answer back", async () => {
  const lasts = "import atexit, threading\natexit.register(threading.Event().wait)\n";
  const customisation = `${lasts}threading.Thread(target=threading.Event().wait).start()\n`;
  writeFileSync(room.path("sitecustomize.py"), customisation);
  const place = { cwd: room.path("."), env: { ...env, PYTHONPATH: room.path(".") } };
  expect(await probeInterpreter(realPython, place)).toHaveProperty("answer");
});

test("an interpreter that hangs is killed with what it has started", async () => {
  const script = room.script("hangs", `sleep 60 &\necho $! > '${room.path("pid")}'\nwait`);
  expect(await probeInterpreter(script, { cwd: room.path("."), env }, 300)).toEqual({
    failure: "it did not answer within 300 ms",
    timedOut: true,
  });
  expect(existsSync(room.path("pid"))).toBe(true);
  const pid = Number(readFileSync(room.path("pid"), "utf8"));
  // `sleep` holds the pipes, so the answer above came after its death; init may not have reaped it yet.
  const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] : "gone";
  expect(["gone", "Z", "X"]).toContain(state);
});

test("a program that cannot be started is a failure, not a throw", async () => {
  expect(await probeInterpreter("/no/such/python", { cwd: room.path("."), env })).toEqual({
    failure: expect.stringContaining("ENOENT"),
    timedOut: false,
  });
});

test("our own package is known by the mark in its source, without running it", async () => {
  const python = room.venv("venv", [ownStandIn("0.3.2", 4)]);
  const result = await probeInterpreter(python, { cwd: room.path("."), env });
  expect(result).toMatchObject({
    answer: {
      own: {
        file: join(room.sitePackages("venv"), "synapse_otp", "__init__.py"),
        contract: 4,
        version: "0.3.2",
        distribution: "0.3.2",
        hides: false,
      },
      sitePackages: room.sitePackages("venv"),
      prefix: room.path("venv"),
    },
  });
});

test("another project's module of the name has no mark, and its version is its metadata's", async () => {
  const python = room.venv("venv", [{ module: "synapse_otp", distribution: "synapse-otp", version: "5.0" }]);
  const result = await probeInterpreter(python, { cwd: room.path("."), env });
  expect(result).toMatchObject({ answer: { own: { contract: undefined, version: "5.0", distribution: "5.0" } } });
});

test("a module that goes before what is installed is told from one that does not", async () => {
  const python = room.venv("venv", [ownStandIn()]);
  const place = { cwd: room.path("."), env: { ...env, PYTHONPATH: room.path("elsewhere") } };
  room.place(room.path("elsewhere"), { ...ownStandIn("0.0.1"), metadata: false });
  expect(await probeInterpreter(python, place)).toMatchObject({ answer: { own: { version: "0.0.1", hides: true } } });
  // A line of a .pth file comes after the folder that it lies in: an editable installation.
  const editable = room.venv("editable", []);
  mkdirSync(room.sitePackages("editable"), { recursive: true });
  writeFileSync(join(room.sitePackages("editable"), "_synapse_otp.pth"), `${room.path("elsewhere")}\n`);
  expect(await probeInterpreter(editable, { cwd: room.path("."), env })).toMatchObject({
    answer: { own: { version: "0.0.1", hides: false } },
  });
});

test("a plain module of the name is looked at too", async () => {
  writeFileSync(room.path("synapse_otp.py"), "__version__ = '3'\n");
  const place = { cwd: room.path("."), env: { ...env, PYTHONPATH: room.path(".") } };
  expect(await probeInterpreter(room.venv("venv", []), place)).toMatchObject({
    answer: { own: { file: room.path("synapse_otp.py"), contract: undefined, version: "3", hides: true } },
  });
});

test.each(["", "1"])(
  "what lies in the working directory is not looked at, whatever its name (PYTHONSAFEPATH=%s)",
  async (safe) => {
    const python = room.venv("venv", [ownStandIn()]);
    for (const name of ["json.py", "locale.py", "synapse_otp.py"])
      writeFileSync(room.path(name), "raise LookupError\n");
    const place = { cwd: room.path("."), env: { ...env, PYTHONSAFEPATH: safe } };
    expect(await probeInterpreter(python, place)).toMatchObject({ answer: { own: { hides: false } } });
  },
);

test("the other project's package is seen by its distribution, and pip by its module", async () => {
  const python = room.venv("venv", [{ module: "synapse_agent", distribution: "synapse-agent", version: "0.9" }]);
  const without = await probeInterpreter(python, { cwd: room.path("."), env });
  expect(without).toMatchObject({ answer: { namesake: "0.9", own: undefined, hasPip: false } });
  const pip = room.venv("with", [{ module: "pip", distribution: "pip", version: "1" }]);
  expect(await probeInterpreter(pip, { cwd: room.path("."), env })).toMatchObject({
    answer: { namesake: undefined, hasPip: true },
  });
});

test("a package without metadata has a version that nobody knows", async () => {
  const packages = dependencyStandIns.map((standIn) => ({ ...standIn, metadata: false }));
  const result = await probeInterpreter(room.venv("venv", packages), { cwd: room.path("."), env });
  expect(result).toMatchObject({ answer: { modules: { "google.rpc": "unknown", pydantic_ai: "unknown" } } });
});

test("a conda environment is an environment, although it has no pyvenv.cfg", async () => {
  const home = room.home("conda", "conda-meta/history");
  const place = { cwd: room.path("."), env: { ...env, PYTHONHOME: home } };
  expect(await probeInterpreter(realPython, place)).toMatchObject({ answer: { inVirtualEnv: true, prefix: home } });
});

test("the environment that conda itself lives in is the machine's", async () => {
  const home = room.home("conda", "conda-meta/history");
  mkdirSync(room.path("conda/condabin"));
  const answer = await probeInterpreter(join(home, "bin/python3"), { cwd: room.path("."), env });
  expect(answer).toMatchObject({ answer: { inVirtualEnv: false, prefix: home } });
});

test("a PYTHONHOME that the workers are given is named when it keeps Python from starting", async () => {
  const place = { cwd: room.path("."), env: { ...env, PYTHONHOME: "/nowhere" } };
  const result = await probeInterpreter(realPython, place);
  expect(result).toMatchObject({ timedOut: false });
  expect((result as { failure: string }).failure).toMatch(
    /: (?:ModuleNotFoundError: No module named 'encodings'|Fatal Python error: .*); PYTHONHOME is "\/nowhere": leave it out of python.env$/,
  );
});

test("a file on PYTHONPATH that hides a module of Python's own is named, and to be renamed", async () => {
  writeFileSync(room.path("json.py"), "nothing = 1\n");
  const place = { cwd: room.path("."), env: { ...env, PYTHONPATH: room.path(".") } };
  expect(await probeInterpreter(realPython, place)).toEqual({
    failure: expect.stringMatching(
      /: AttributeError: .*'json' has no attribute .*; "\/.*\/json.py" is found before Python's own module of that name$/,
    ),
    timedOut: false,
    remedy: `rename or remove "${room.path("json.py")}", or leave its folder out of PYTHONPATH`,
  });
});

test("an environment that the system does not take is told with its largest variable", async () => {
  const place = { cwd: room.path("."), env: { ...env, LARGE: "x".repeat(200_000) } };
  expect(await probeInterpreter(realPython, place)).toEqual({
    failure: expect.stringMatching(/E2BIG; its environment has 200\d{3} bytes, 200006 of them in LARGE$/),
    timedOut: false,
    remedy: "make that one smaller, or hand it over in a file",
  });
});

test("an interpreter that the system keeps for itself says so", async () => {
  const library = relative(room.path("system"), dirname(room.sitePackages("system")));
  const home = room.home("system", join(library, "EXTERNALLY-MANAGED"));
  const place = { cwd: room.path("."), env: { ...env, PYTHONHOME: home } };
  expect(await probeInterpreter(realPython, place)).toMatchObject({
    answer: { inVirtualEnv: false, externallyManaged: true },
  });
  expect(await probeInterpreter(room.venv("venv"), { cwd: room.path("."), env })).toMatchObject({
    answer: { externallyManaged: false },
  });
});
