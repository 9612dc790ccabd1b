/** The package as npm publishes it: packed from a copy of the sources, and unpacked as npm install does. */

import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The root of the checkout. */
export const root = resolve(import.meta.dirname, "..", "..");

/** How long packing may take, in ms. */
export const packingMs = 60_000;

/** What a checkout collects and no package should have. */
const litter = [
  "dist/left-over.js",
  "python/agents/__pycache__/example_agent.cpython-311.pyc",
  "python/dist/synapse_otp-0.0.1-py3-none-any.whl",
  "python/src/synapse_otp/__pycache__/__init__.cpython-311.pyc",
  "python/src/synapse_otp.egg-info/PKG-INFO",
];

/** Packs the package, from a copy with litter in it; answers the path of the tarball in `directory`. */
export async function packPackage(directory: string): Promise<string> {
  const source = copySource(join(directory, "source"));
  // npm pack runs "prepack", which builds; in a copy, so that the checkout's own dist stays as it is for the tests beside this one.
  const npm = ["pack", "--offline", "--no-update-notifier", "--loglevel=error", `--cache=${join(directory, "cache")}`];
  await run("npm", [...npm, `--pack-destination=${directory}`], { cwd: source }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`npm pack failed:\n${stdout}\n${stderr}`);
  });
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz")) ?? "no tarball";
  return join(directory, tarball);
}

/** Puts a packed package into a node_modules folder, with its commands beside it. */
export async function installPacked(tarball: string, modules: string): Promise<void> {
  const installed = join(modules, "synapse-otp");
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { bin: Record<string, string> };
  mkdirSync(join(modules, ".bin"));
  for (const [name, path] of Object.entries(bin)) {
    chmodSync(join(installed, path), 0o755);
    symlinkSync(join("..", "synapse-otp", path), join(modules, ".bin", name));
  }
}

/** Links the packages that npm would install beside a packed one, and no others. */
export function linkDependencies(modules: string): void {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const needed = Object.keys(packages).flatMap((path) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    return name === undefined || packages[path]?.dev === true ? [] : [name];
  });
  for (const name of [...needed, "xstate"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
}

/** Copies what npm needs to make the package. */
export function copySource(to: string): string {
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
  const needed = ["package.json", "README.md", "LICENSE", "tsconfig.json", "tsconfig.build.json", "scripts"];
  const built = ["dist", "python/dist"];
  for (const path of [...needed, ...files.filter((file) => !built.includes(file) && !file.startsWith("!"))]) {
    cpSync(join(root, path), join(to, path), { recursive: true });
  }
  for (const path of litter) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), "");
  }
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
  return to;
}
