/** The package as npm publishes it: packed from a copy of the sources, and unpacked as npm install does. */

import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The root of the checkout. */
export const root = resolve(import.meta.dirname, "..", "..");

/** How long packing may take, in ms. */
export const packingMs = 60_000;

/** Packs the package; answers the path of the tarball in `directory`. */
export async function packPackage(directory: string): Promise<string> {
  const source = copySource(join(directory, "source"));
  // npm pack runs "prepare", which builds; in a copy, so that the checkout's own dist stays as it is for the tests beside this one.
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

/** Copies what npm needs to make the package. */
function copySource(to: string): string {
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
  const needed = ["package.json", "README.md", "LICENSE", "tsconfig.json", "tsconfig.build.json", "scripts"];
  const built = ["dist", "python/dist"];
  for (const path of [...needed, ...files.filter((file) => !built.includes(file))]) {
    cpSync(join(root, path), join(to, path), { recursive: true, filter: (name) => !name.includes("__pycache__") });
  }
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
  return to;
}
