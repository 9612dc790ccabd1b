/** The interpreter of the workers and what is installed for it. */

import { type FindInterpreterOptions, type Survey, surveyInterpreters } from "../python/interpreter.ts";
import { compareReleases, dependencies, ownPackage, requirementOf } from "../python/needs.ts";
import { explainSearch, nearestOf } from "../python/rejection.ts";
import { shellWord } from "../python/setup-command.ts";
import { type Finding, type Fix, fixIn, runs } from "./finding.ts";

/** How the interpreter was come by, as a reader would say it. */
const origins = {
  option: "named by --python",
  PYTHON_EXEC: "named by PYTHON_EXEC",
  "cwd/python/.venv": "found in python/.venv",
  "cwd/.venv": "found in .venv",
  VIRTUAL_ENV: "the active virtual environment's",
  CONDA_PREFIX: "the active conda environment's",
  package: "the one in the npm package's folder",
  PATH: "found on PATH",
} as const;

/** Looks for the interpreter as a system does. */
export function lookAtPython(options: FindInterpreterOptions): Promise<Survey> {
  return surveyInterpreters(options);
}

/** Judges what the search came to: the interpreter, then its packages. */
export function judgePython({ interpreter, rejections }: Survey, cwd: string): readonly Finding[] {
  if (interpreter !== undefined) {
    const { path, version, source } = interpreter;
    const message = `Python ${version}, ${origins[source]}: "${path}"`;
    return [judgeSearch(message, rejections, cwd), judgeVersions(interpreter)];
  }
  const { code, what, remedy } = explainSearch(rejections, cwd);
  const fix = fixIn(remedy);
  if (code === "python_missing" || code === "python_too_old") {
    const message = "they are not looked at without an interpreter";
    return [
      { check: "interpreter", status: "failure", message: what, fix },
      { check: "packages", status: "skipped", message },
    ];
  }
  const nearest = nearestOf(rejections);
  const version = nearest !== undefined && "answer" in nearest ? nearest.answer.version.join(".") : "unknown";
  const message = `Python ${version} answers, ${origins[nearest?.candidate.source ?? "PATH"]}: "${nearest?.path}"`;
  return [
    { check: "interpreter", status: "ok", message },
    { check: "packages", status: "failure", message: what, fix },
  ];
}

/** An environment that was meant to be taken, and was passed over for a fault of it, is told. */
function judgeSearch(message: string, rejections: Survey["rejections"], cwd: string): Finding {
  if (nearestOf(rejections) === undefined) return { check: "interpreter", status: "ok", message };
  const { what, remedy } = explainSearch(rejections, cwd);
  return {
    check: "interpreter",
    status: "warning",
    message: `${message}; one that goes before it was passed over: ${what}`,
    fix: fixIn(remedy),
  };
}

function judgeVersions({ path, modules }: NonNullable<Survey["interpreter"]>): Finding {
  const versions = [
    `${ownPackage.distribution} ${modules[ownPackage.module]}`,
    ...dependencies.map(({ distribution, module }) => `${distribution} ${modules[module]}`),
  ].join(", ");
  const beyond = dependencies.filter(({ module, range }) => isBeyond(modules[module], range));
  if (beyond.length === 0) return { check: "packages", status: "ok", message: versions };
  const names = beyond.map(({ distribution, range }) => `${distribution} (${range})`).join(", ");
  const message = `${versions}: newer than this version was made for: ${names}`;
  const wanted = beyond.map((one) => shellWord(requirementOf(one))).join(" ");
  const fix: Fix = runs(`${shellWord(path)} -m pip install ${wanted}`);
  return { check: "packages", status: "warning", message, fix };
}

function isBeyond(version: string, range: string): boolean {
  const below = /<(\d[^,]*)/.exec(range)?.[1];
  return below !== undefined && /^\d/.test(version) && compareReleases(version, below) >= 0;
}
