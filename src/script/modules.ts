/**
 * The modules of a script: loaded by Node as they are, TypeScript too, and loaded again when they change, without those that do not depend on what has
 * changed. A module that is loaded again is another one for Node; the older stays in memory until the process ends.
 */

import { createRequire, type RegisterHooksOptions, registerHooks } from "node:module";
import { join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type PackageSearch, searchPackage } from "../python/package-folder.ts";

/** Files of packages are not a script's own, and neither is this package. */
const packages = /[/\\]node_modules[/\\]/;
const ownFolders = foldersOf(searchPackage());

/** What tells a version of a module from those before, in its URL. */
const versionName = "synapse-version";

/** The modules of one script. */
export class ScriptModules implements Disposable {
  readonly #entry: string;
  /** The files that each file is imported by. */
  readonly #importers = new Map<string, Set<string>>();
  /** How often each has changed. */
  readonly #versions = new Map<string, number>();
  readonly #hooks: ReturnType<typeof registerHooks>;

  /** @param entry absolute path of the script */
  constructor(entry: string) {
    this.#entry = entry;
    this.#importers.set(entry, new Set());
    this.#hooks = registerHooks({ resolve: this.#resolve });
  }

  /** The script, and what it imports, directly or not, as far as it is not of a package: absolute paths. */
  get files(): string[] {
    return [...this.#importers.keys()];
  }

  /** Loads the script, or again what of it has changed. Rejects with what the modules throw, and with what Node says of what it cannot load. */
  async load(): Promise<Record<string, unknown>> {
    const { href } = pathToFileURL(this.#entry);
    return (await import(this.#versioned(href, this.#entry))) as Record<string, unknown>;
  }

  /** These files have changed: they and all that depend on them are loaded anew the next time. */
  changed(files: readonly string[]): void {
    const stale = new Set(files);
    // The set grows while it is read.
    for (const file of stale) for (const importer of this.#importers.get(file) ?? []) stale.add(importer);
    // One that could not be loaded has nothing that was kept: Node remembers its failure by its URL.
    const { cache } = createRequire(this.#entry);
    for (const file of stale) {
      this.#versions.set(file, (this.#versions.get(file) ?? 0) + 1);
      delete cache[file];
    }
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister();
  }

  readonly #resolve: NonNullable<RegisterHooksOptions["resolve"]> = (specifier, context, next) => {
    const found = next(specifier, context);
    const importer = fileOf(context.parentURL);
    const file = fileOf(found.url);
    if (importer === undefined || file === undefined || !this.#importers.has(importer)) return found;
    if (packages.test(file) || ownFolders.some((folder) => file.startsWith(folder))) return found;
    const importers = this.#importers.get(file) ?? new Set();
    this.#importers.set(file, importers.add(importer));
    // What require() loads, it finds by its path alone; its cache is emptied instead.
    return context.conditions.includes("require") ? found : { ...found, url: this.#versioned(found.url, file) };
  };

  #versioned(url: string, file: string): string {
    const version = this.#versions.get(file);
    if (version === undefined) return url;
    const versioned = new URL(url);
    versioned.searchParams.set(versionName, String(version));
    return versioned.href;
  }
}

function fileOf(url: string | undefined): string | undefined {
  return url?.startsWith("file:") === true ? fileURLToPath(url.replace(/[?#].*$/, "")) : undefined;
}

function foldersOf(search: PackageSearch): string[] {
  return "root" in search ? ["src", "dist"].map((folder) => join(search.root, folder, sep)) : [];
}
