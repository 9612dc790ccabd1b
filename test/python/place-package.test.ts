import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { ownPackage } from "../../src/python/needs.ts";
import { pythonFolder } from "../../src/python/package-folder.ts";
import { type PackagePlace, placePackage } from "../../src/python/place-package.ts";
import { probeInterpreter } from "../../src/python/probe.ts";
import { readWheel } from "../../src/python/wheel.ts";
import { ownStandIn, type StandIn, usePythonRoom } from "./fixture-python.ts";

const room = usePythonRoom();
const wheel = readWheel(pythonFolder());
let place: PackagePlace;
let python: string;

beforeEach(() => {
  python = room.venv("env", []);
  place = { sitePackages: room.sitePackages("env"), prefix: room.path("env") };
});

const put = () => placePackage(wheel, place, pythonFolder());
const inSite = (...names: string[]) => join(place.sitePackages, ...names);

function errorOf(run: () => unknown): WorkerError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(WorkerError);
    return error as WorkerError;
  }
  throw new Error("it did not throw");
}

/** What Python's own metadata says of the installed package. */
function installed(): { version: string; wrong: string[]; installer: string; files: number } {
  const script = `
import base64, hashlib, importlib.metadata, json
distribution = importlib.metadata.distribution("synapse-otp")
def is_wrong(path):
    content = path.read_binary()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return path.hash is not None and (path.hash.value != digest or path.size != len(content))
files = distribution.files
print(json.dumps({
    "version": distribution.version,
    "installer": distribution.read_text("INSTALLER").strip(),
    "files": len(files),
    "wrong": [str(path) for path in files if not path.locate().exists() or is_wrong(path)],
}))
`;
  return JSON.parse(execFileSync(python, ["-c", script], { encoding: "utf8" }));
}

test("Python finds the package, its version, and every file as RECORD has it", () => {
  expect(put()).toEqual([]);
  expect(installed()).toEqual({
    version: ownPackage.version,
    installer: "synapse-otp",
    wrong: [],
    files: wheel.files.length + 4, // INSTALLER, REQUESTED, direct_url.json and RECORD
  });
  const url = JSON.parse(readFileSync(inSite(wheel.infoFolder, "direct_url.json"), "utf8"));
  expect(url).toEqual({ url: pathToFileURL(pythonFolder()).href, dir_info: {} });
});

test("a second time leaves the same", () => {
  put();
  const before = readdirSync(place.sitePackages, { recursive: true }).sort();
  expect(put()).toEqual([ownPackage.version]);
  expect(readdirSync(place.sitePackages, { recursive: true }).sort()).toEqual(before);
});

const old: StandIn = { module: "synapse_otp", distribution: "synapse-otp", version: "0.0.1" };

test("an old version goes with all its files, and nothing of its neighbours", () => {
  room.place(place.sitePackages, old);
  room.place(place.sitePackages, { module: "neighbour", distribution: "neighbour", version: "1" });
  const info = inSite("synapse_otp-0.0.1.dist-info");
  mkdirSync(inSite("synapse_otp", "__pycache__"));
  writeFileSync(inSite("synapse_otp", "__pycache__", "gone.cpython-311.pyc"), "");
  writeFileSync(inSite("synapse_otp", "left_over.py"), "");
  writeFileSync(inSite("_synapse_otp.pth"), "/somewhere\n");
  writeFileSync(join(info, "RECORD"), 'synapse_otp/__init__.py,,\nsynapse_otp/left_over.py,,\n"_synapse_otp.pth",,\n');
  expect(put()).toEqual(["0.0.1"]);
  expect(existsSync(info)).toBe(false);
  expect(existsSync(inSite("_synapse_otp.pth"))).toBe(false);
  expect(existsSync(inSite("synapse_otp", "left_over.py"))).toBe(false);
  expect(existsSync(inSite("neighbour", "__init__.py"))).toBe(true);
  expect(installed().wrong).toEqual([]);
});

test("an old version without a RECORD goes with its folder", () => {
  room.place(place.sitePackages, { ...old, metadata: "no RECORD" });
  writeFileSync(inSite("synapse_otp", "left_over.py"), "");
  expect(put()).toEqual(["0.0.1"]);
  expect(existsSync(inSite("synapse_otp", "left_over.py"))).toBe(false);
  expect(existsSync(inSite("synapse_otp-0.0.1.dist-info"))).toBe(false);
  expect(installed().version).toBe(ownPackage.version);
});

test("a RECORD that names files outside the environment removes nothing there", () => {
  room.place(place.sitePackages, old);
  const outside = room.path("precious.txt");
  writeFileSync(outside, "");
  writeFileSync(
    inSite("synapse_otp-0.0.1.dist-info", "RECORD"),
    `${outside},,\n../../../../precious.txt,,\nsynapse_otp/__init__.py,,\n`,
  );
  put();
  expect(existsSync(outside)).toBe(true);
});

test("a distribution whose name only begins like ours stays", () => {
  room.place(place.sitePackages, { module: "synapse_otp_more", distribution: "synapse-otp-more", version: "1" });
  expect(put()).toEqual([]);
  expect(existsSync(inSite("synapse_otp_more-1.dist-info", "METADATA"))).toBe(true);
});

test("another project's module that no distribution of our name has stays, and is named", () => {
  room.place(place.sitePackages, { module: "synapse_otp", distribution: "other", version: "1" });
  const { code, message } = errorOf(put);
  expect(code).toBe("python_package_missing");
  expect(message).toContain(`"${inSite("synapse_otp")}" is not Synapse's`);
  expect(existsSync(inSite("synapse_otp", "__init__.py"))).toBe(true);
  expect(existsSync(inSite(wheel.infoFolder))).toBe(false);
  rmSync(inSite("synapse_otp"), { recursive: true });
  put();
  expect(installed().wrong).toEqual([]);
});

test("what an interrupted set-up or a copy by hand has left is replaced", () => {
  room.place(place.sitePackages, { ...ownStandIn("0.0.9"), metadata: false });
  put();
  rmSync(inSite("synapse_otp", "__init__.py"));
  rmSync(inSite(wheel.infoFolder), { recursive: true });
  expect(put()).toEqual([]);
  expect(installed().wrong).toEqual([]);
});

test("the mark is written last, so that half a package is not taken for one, and the next set-up mends it", async () => {
  // A file where a folder belongs ends the installation in the middle.
  const broken = { ...wheel, files: [...wheel.files, { path: "synapse_otp/worker.py/x", content: Buffer.alloc(0) }] };
  errorOf(() => placePackage(broken, place, pythonFolder()));
  expect(existsSync(inSite("synapse_otp", "worker.py"))).toBe(true);
  const env = { PATH: "/usr/bin:/bin" };
  expect(await probeInterpreter(python, { cwd: room.path("."), env })).toMatchObject({ answer: { own: undefined } });
  expect(put()).toEqual([ownPackage.version]);
  expect(installed().wrong).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)("a folder that may not be written to is told with the system's words", () => {
  mkdirSync(place.sitePackages, { recursive: true });
  chmodSync(place.sitePackages, 0o500);
  const { code, message } = errorOf(put);
  chmodSync(place.sitePackages, 0o700);
  expect(code).toBe("python_package_missing");
  expect(message).toMatch(/synapse-otp cannot be installed into ".*": EACCES/);
});

test("a place that cannot be a folder is told with the system's words", () => {
  mkdirSync(join(place.sitePackages, ".."), { recursive: true });
  writeFileSync(place.sitePackages, "a file");
  const { code, message } = errorOf(put);
  expect(code).toBe("python_package_missing");
  expect(message).toMatch(/^\[python_package_missing\] synapse-otp cannot be installed into ".*": (?:ENOTDIR|EEXIST)/);
});
