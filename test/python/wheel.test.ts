import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pythonFolder } from "../../src/python/package-folder.ts";
import { readWheel, recordOf } from "../../src/python/wheel.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "wheel-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the wheel is what the build backend of pyproject.toml makes of the same sources", () => {
  const python = join(pythonFolder(), ".venv", "bin", "python");
  execFileSync(python, ["-m", "hatchling", "build", "-t", "wheel", "-d", directory], {
    cwd: pythonFolder(),
    stdio: "pipe",
  });
  const { files, fileName, infoFolder } = readWheel(pythonFolder());
  const metadata = files.find(({ path }) => path === `${infoFolder}/METADATA`);
  writeFileSync(join(directory, "METADATA"), metadata?.content ?? "");
  const script = `
import email, json, sys, zipfile
from packaging.requirements import Requirement

def read(text):
    message = email.message_from_string(text)
    fields = [(key, str(Requirement(value)) if key == "Requires-Dist" else value) for key, value in message.items()]
    return {"fields": sorted(field for field in fields if field[0] != "Metadata-Version"), "body": message.get_payload()}

archive = zipfile.ZipFile(sys.argv[1])
theirs = archive.read(sys.argv[2] + "/METADATA").decode()
print(json.dumps({"names": sorted(archive.namelist()), "theirs": read(theirs), "ours": read(open(sys.argv[3]).read())}))
`;
  const wheel = join(directory, fileName);
  const answer = execFileSync(python, ["-c", script, wheel, infoFolder, join(directory, "METADATA")], {
    encoding: "utf8",
  });
  const { names, theirs, ours } = JSON.parse(answer);
  expect([...files.map(({ path }) => path), `${infoFolder}/RECORD`].sort()).toEqual(names);
  expect(ours).toEqual(theirs);
});

test("what Python writes when it runs is no part of the package", () => {
  const source = join(directory, "src", "synapse_otp");
  mkdirSync(join(source, "v1", "__pycache__"), { recursive: true });
  writeFileSync(join(source, "__init__.py"), '__version__ = "3.2.1"\n');
  writeFileSync(join(source, "v1", "__pycache__", "x.cpython-311.pyc"), "");
  const toml = `[project]\nname = "synapse-otp"\ndescription = "d"\nreadme = "README.md"\nlicense = "MIT"\nrequires-python = ">=3.11"\n
[tool.hatch.version]\npath = "src/synapse_otp/__init__.py"\n`;
  writeFileSync(join(directory, "pyproject.toml"), toml);
  writeFileSync(join(directory, "README.md"), "");
  const { files, version, fileName } = readWheel(directory);
  expect({ version, fileName }).toEqual({ version: "3.2.1", fileName: "synapse_otp-3.2.1-py3-none-any.whl" });
  expect(files.map(({ path }) => path)).toEqual([
    "synapse_otp-3.2.1.dist-info/METADATA",
    "synapse_otp-3.2.1.dist-info/WHEEL",
    "synapse_otp/__init__.py",
  ]);
});

test("RECORD has digest and size of every file, and itself without", () => {
  expect(recordOf([{ path: "a/b.py", content: Buffer.from("x = 1\n") }], "a-1.dist-info")).toBe(
    "a/b.py,sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q,6\na-1.dist-info/RECORD,,\n",
  );
});
