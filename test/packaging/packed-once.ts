/** Runs once for all files: the Python environment, and the package as npm publishes it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { setupPython } from "../../scripts/setup-python.ts";
import { packPackage } from "../e2e/packed.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the tarball. */
    tarball: string;
  }
}

let directory: string;

/** Packs. */
export async function setup({ provide }: TestProject): Promise<void> {
  await setupPython();
  directory = mkdtempSync(join(tmpdir(), "synapse-packed-"));
  provide("tarball", await packPackage(directory));
}

/** Removes what was packed. */
export function teardown(): void {
  rmSync(directory, { recursive: true, force: true });
}
