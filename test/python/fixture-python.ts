/** Interpreters to be found or refused: the real python3 with stand-ins for the packages, and shell scripts that pretend. */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createZip } from "../../scripts/zip.ts";
import { dependencies, ownPackage } from "../../src/python/needs.ts";
import { recordOf, type WheelFile } from "../../src/python/wheel.ts";

/** The interpreter itself: `python3` on PATH may be a shim. */
export const realPython = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();

const versionOfReal = execFileSync(realPython, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], {
  encoding: "utf8",
}).trim();

/** A package to stand in a site-packages folder. Its modules raise when they are imported. */
export interface StandIn {
  /** As it is imported: "google.rpc". */
  module: string;
  distribution: string;
  version: string;
  /** The text of its `__init__.py`. */
  source?: string;
  /** Whether it has metadata: with "no RECORD", none that says what its files are. Default true. */
  metadata?: boolean | "no RECORD";
}

/** What a pretender answers. */
export interface Pretence {
  version: number[];
  modules?: Record<string, string>;
  own?: object;
  inVirtualEnv?: boolean;
  prefix?: string;
}

/** A directory for one test. */
export interface PythonRoom {
  /** The path of a name in the room; its directories are made. */
  path(name: string): string;
  /** Writes an executable shell script and answers its path. */
  script(name: string, body: string): string;
  /** A script that gives the probe this answer, and appends a line to `asked` each time it is run. */
  pretender(name: string, answer: Pretence): string;
  /** How often any pretender was run. */
  timesAsked(): number;
  /** A virtual environment of the real python3, without pip, that has stand-ins for the given packages; answers its python. */
  venv(name: string, packages?: readonly StandIn[]): string;
  /** The site-packages folder of a {@link venv}. */
  sitePackages(name: string): string;
  /**
   * A machine's own Python: its prefix has the real standard library, an empty site-packages folder, this file, no pyvenv.cfg, and an
   * interpreter in bin/python3.
   */
  home(name: string, file: string): string;
  /** Puts a stand-in into any folder. */
  place(folder: string, standIn: StandIn): void;
}

const raises = "raise ImportError('the probe must not import this')\n";

/** A stand-in for our own package, with its mark. */
export function ownStandIn(version: string = ownPackage.version, contract: number = ownPackage.contract): StandIn {
  const source = `"""A stand-in."""\n__version__ = "${version}"\n__synapse_contract__ = ${contract}\n${raises}`;
  return { module: ownPackage.module, distribution: ownPackage.distribution, version, source };
}

/** Stand-ins for what workers need of other projects, in versions that fit: "1.99.0" of ">=1.70,<2". */
export const dependencyStandIns: readonly StandIn[] = dependencies.map(({ module, distribution, range }) => ({
  module,
  distribution,
  version: `${/\d+/.exec(range)}.99.0`,
}));

/** All that a worker needs. */
export const allStandIns: readonly StandIn[] = [ownStandIn(), ...dependencyStandIns];

/** The answer of an interpreter that has all that a worker needs. */
export const goodPretence: Pretence = {
  version: [3, 12, 1],
  own: { file: "/x/synapse_otp/__init__.py", contract: ownPackage.contract, version: ownPackage.version, hides: false },
  modules: Object.fromEntries(dependencies.map(({ module }) => [module, "9.8.7"])),
};

/** A fresh room for every test of the file; removed after it. */
export function usePythonRoom(): PythonRoom {
  let root = "";
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "st-python-")));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const path = (name: string) => {
    const full = join(root, name);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  const script = (name: string, body: string) => {
    writeFileSync(path(name), `#!/bin/sh\n${body}\n`);
    chmodSync(path(name), 0o755);
    return path(name);
  };
  const sitePackages = (name: string) => join(root, name, "lib", `python${versionOfReal}`, "site-packages");
  return {
    path,
    script,
    pretender(name, { version, modules = {}, inVirtualEnv = true, ...rest }) {
      const answer = JSON.stringify({ executable: path(name), version, inVirtualEnv, modules, ...rest });
      return script(name, `echo asked >> '${path("asked")}'\ncat <<'END'\nsome noise\nsynapse-probe:${answer}\nEND`);
    },
    timesAsked: () =>
      Number(execFileSync("sh", ["-c", `cat '${path("asked")}' 2>/dev/null | wc -l`], { encoding: "utf8" })),
    venv(name, packages = allStandIns) {
      const python = path(join(name, "bin/python"));
      symlinkSync(realPython, python);
      writeFileSync(
        path(join(name, "pyvenv.cfg")),
        `home = ${dirname(realPython)}\ninclude-system-site-packages = false\n`,
      );
      for (const standIn of packages) place(sitePackages(name), standIn);
      return python;
    },
    sitePackages,
    home(name, file) {
      const library = join("lib", `python${versionOfReal}`);
      for (const entry of readdirSync(join(dirname(dirname(realPython)), library))) {
        if (entry === "site-packages") mkdirSync(path(join(name, library, entry)), { recursive: true });
        else symlinkSync(join(dirname(dirname(realPython)), library, entry), path(join(name, library, entry)));
      }
      writeFileSync(path(join(name, file)), "");
      // A copy: of a link, Python would take the place that it leads to for its own.
      copyFileSync(realPython, path(join(name, "bin/python3")));
      return path(name);
    },
    place,
  };
}

function place(folder: string, standIn: StandIn): void {
  const { metadata = true } = standIn;
  for (const { path, content } of filesOf(standIn)) {
    if (path.includes(".dist-info/") && metadata === false) continue;
    if (path.endsWith("/RECORD") && metadata === "no RECORD") continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** The files of a stand-in, as a wheel has them. */
export function filesOf({ module, distribution, version, source = raises }: StandIn): WheelFile[] {
  // As it is installed, google.rpc is a folder without an __init__.py.
  const file = module === "google.rpc" ? "status_pb2.py" : "__init__.py";
  const info = `${distribution.replaceAll("-", "_")}-${version}.dist-info`;
  const files = [
    { path: `${module.replaceAll(".", "/")}/${file}`, content: Buffer.from(source) },
    {
      path: `${info}/METADATA`,
      content: Buffer.from(`Metadata-Version: 2.1\nName: ${distribution}\nVersion: ${version}\n`),
    },
    {
      path: `${info}/WHEEL`,
      content: Buffer.from("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    },
  ];
  return [...files, { path: `${info}/RECORD`, content: Buffer.from(recordOf(files, info)) }];
}

/** Writes made-up wheels into a folder, for --find-links, and answers the environment in which pip and uv know nothing else. */
export function offlineIndex(folder: string, packages: readonly StandIn[]): Record<string, string> {
  mkdirSync(folder, { recursive: true });
  for (const standIn of packages) {
    const name = `${standIn.distribution.replaceAll("-", "_")}-${standIn.version}-py3-none-any.whl`;
    writeFileSync(join(folder, name), createZip(filesOf(standIn)));
  }
  const shared = { PIP_NO_INDEX: "1", PIP_FIND_LINKS: folder, UV_NO_INDEX: "1", UV_FIND_LINKS: folder };
  return { ...shared, UV_OFFLINE: "1", UV_PYTHON_DOWNLOADS: "never", UV_NO_CACHE: "1" };
}
