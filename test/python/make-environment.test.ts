import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { InstallerContext } from "../../src/python/installer.ts";
import { makeEnvironment } from "../../src/python/make-environment.ts";
import { usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();

/** Only the room's own programs, and what their scripts need. */
function contextOf(): InstallerContext & { told: string[] } {
  const told: string[] = [];
  for (const name of ["sh", "mkdir", "cat", "echo", "sed"]) {
    if (!existsSync(room.path(`bin/${name}`))) symlinkSync(`/bin/${name}`, room.path(`bin/${name}`));
  }
  return { cwd: room.path("."), env: { PATH: room.path("bin") }, tell: (line) => told.push(line), told };
}

/** A Python that says this of itself, and makes an environment that has its name in it. */
function python(name: string, version: string, lacks = "[]"): string {
  const make = `mkdir -p "$3/bin" && echo ${name} > "$3/pyvenv.cfg" && echo '#!/bin/sh' > "$3/bin/python"`;
  return room.script(name, `if [ "$1" = -c ]; then echo 'synapse:[[${version}], ${lacks}]'; else ${make}; fi`);
}

const made = () => readFileSync(room.path("env/pyvenv.cfg"), "utf8").trim();
const request = (changes: { python?: string; clear?: boolean } = {}) => ({
  directory: room.path("env"),
  python: undefined,
  clear: false,
  ...changes,
});

/** An environment that works, with a file of its owner in it. */
function existing(): void {
  room.script("env/bin/python", "true");
  writeFileSync(room.path("env/pyvenv.cfg"), "mine\n");
  writeFileSync(room.path("env/mine.txt"), "");
}

test("an environment is made from the first Python on PATH that can", async () => {
  python("bin/python3", "3, 9, 1");
  python("bin/python3.12", "3, 12, 1");
  const context = contextOf();
  await makeEnvironment(request(), context);
  expect(made()).toBe("bin/python3.12");
  expect(context.told).toEqual([`made "${room.path("env")}" with Python 3.12.1`]);
});

test("one that is named is taken, its path relative to the directory", async () => {
  python("bin/python3", "3, 12, 1");
  python("tools/mine", "3, 13, 0");
  await makeEnvironment(request({ python: "tools/mine" }), contextOf());
  expect(made()).toBe("tools/mine");
});

test("an environment that works stays as it is, and is made anew when that is asked for", async () => {
  python("bin/python3", "3, 12, 1");
  existing();
  await makeEnvironment(request(), contextOf());
  expect(made()).toBe("mine");
  await makeEnvironment(request({ clear: true }), contextOf());
  expect(made()).toBe("bin/python3");
  expect(existsSync(room.path("env/mine.txt"))).toBe(false);
});

test("an environment whose Python is gone is made anew, and that is told", async () => {
  python("bin/python3", "3, 12, 1");
  mkdirSync(room.path("env/bin"), { recursive: true });
  symlinkSync("/nowhere/python3", room.path("env/bin/python"));
  writeFileSync(room.path("env/pyvenv.cfg"), "mine\n");
  const context = contextOf();
  await makeEnvironment(request(), context);
  expect(made()).toBe("bin/python3");
  expect(context.told[0]).toBe(`the Python of "${room.path("env")}" is gone: it is made anew`);
});

test("a directory with something else in it is refused and left alone", async () => {
  python("bin/python3", "3, 12, 1");
  writeFileSync(room.path("env/precious.txt"), "");
  for (const clear of [false, true]) {
    await expect(makeEnvironment(request({ clear }), contextOf())).rejects.toMatchObject({
      code: "invalid_argument",
      field: "--venv",
      value: room.path("env"),
      rule: "a virtual environment, or a directory that is empty or not there yet",
    });
  }
  expect(readdirSync(room.path("env/."))).toEqual(["precious.txt"]);
});

test("where no Python can make one, uv does", async () => {
  python("bin/python3", "3, 12, 1", '["ensurepip"]');
  room.script("bin/uv", `echo "$*" > '${room.path("call")}'`);
  const context = contextOf();
  await makeEnvironment(request(), context);
  expect(readFileSync(room.path("call"), "utf8")).toBe(`venv --allow-existing --python >=3.11 ${room.path("env")}\n`);
  expect(context.told).toEqual([`made "${room.path("env")}" with uv`]);
});

test("where nothing can make one, what was tried is told, and what is there stays", async () => {
  python("bin/python3", "3, 12, 1", '["ensurepip"]');
  existing();
  await expect(makeEnvironment(request({ clear: true }), contextOf())).rejects.toMatchObject({
    code: "python_missing",
    message: expect.stringMatching(/python3 is Python 3\.12\.1 but lacks ensurepip.*apt-get install python3\.12-venv/),
  });
  expect(made()).toBe("mine");
  expect(existsSync(room.path("env/mine.txt"))).toBe(true);
});

test("a maker that fails is told with its last words", async () => {
  room.script(
    "bin/python3",
    "if [ \"$1\" = -c ]; then echo 'synapse:[[3, 12, 1], []]'; else echo 'no room'; exit 1; fi",
  );
  await expect(makeEnvironment(request(), contextOf())).rejects.toMatchObject({
    code: "python_missing",
    message: `[python_missing] "${room.path("env")}" could not be made: no room`,
  });
});

test("the Python of the environment itself can be named although it is made anew", async () => {
  python("base", "3, 12, 1");
  mkdirSync(room.path("env/bin"), { recursive: true });
  symlinkSync(room.path("base"), room.path("env/bin/python"));
  writeFileSync(room.path("env/pyvenv.cfg"), "mine\n");
  const named = join(room.path("env"), "bin", "python");
  await makeEnvironment(request({ python: named, clear: true }), contextOf());
  expect(made()).toBe("base");
});
