import { expect, test } from "vitest";
import { dependencies, ownPackage } from "../../src/python/needs.ts";
import type { OwnModule, ProbeAnswer } from "../../src/python/probe.ts";
import { findPackageFault, isOld } from "../../src/python/verdict.ts";

const { version, contract } = ownPackage;
const file = "/env/site-packages/synapse_otp/__init__.py";
const own: OwnModule = { file, contract, version, distribution: version, hides: false };
const modules = Object.fromEntries(dependencies.map(({ module }) => [module, "99.0"])) as ProbeAnswer["modules"];
const good: ProbeAnswer = {
  executable: "/env/bin/python",
  version: [3, 12, 1],
  inVirtualEnv: true,
  prefix: "/env",
  externallyManaged: false,
  sitePackages: "/env/site-packages",
  hasPip: true,
  own,
  namesake: undefined,
  modules,
};
const all = dependencies.map(({ module }) => module).join(", ");
const none = Object.fromEntries(dependencies.map(({ module }) => [module, undefined])) as ProbeAnswer["modules"];
const needed = `version ${version} of the npm package needs ${version.split(".").slice(0, 2).join(".")}.x with contract ${contract}`;

test("an interpreter with our package and what it needs has no fault", () => {
  expect(findPackageFault(good)).toBeUndefined();
  expect(findPackageFault({ ...good, namesake: "0.9" })).toBeUndefined();
  expect(findPackageFault({ ...good, own: { ...own, distribution: undefined } })).toBeUndefined();
});

test("what is not there is missing", () => {
  expect(findPackageFault({ ...good, own: undefined, modules: none })).toEqual({
    code: "python_package_missing",
    facts: [`lacks the Python modules synapse_otp, ${all}`],
    inTheWay: undefined,
    own: true,
    requirements: dependencies.map(({ distribution, range }) => distribution + range),
  });
  expect(findPackageFault({ ...good, modules: { ...modules, grpc: undefined } })).toEqual({
    code: "python_package_missing",
    facts: ["lacks the Python module grpc"],
    inTheWay: undefined,
    own: false,
    requirements: ["grpcio>=1.85.1,<2"],
  });
});

test("the other project's package is named where ours is missing, and it alone is no fault", () => {
  expect(findPackageFault({ ...good, own: undefined, namesake: "0.9" })).toMatchObject({
    code: "python_package_missing",
    facts: [
      "lacks the Python module synapse_otp",
      "has synapse-agent 0.9, which is another project's package and not Synapse's",
    ],
  });
});

test.each([
  ["an older version without a mark", { contract: undefined, version: "0.0.1", distribution: "0.0.1" }, "0.0.1"],
  ["an older version", { version: "0.0.1" }, `0.0.1 with contract ${contract}`],
  ["a newer minor version", { version: "0.99.0" }, `0.99.0 with contract ${contract}`],
  ["another contract", { contract: contract + 1 }, `${version} with contract ${contract + 1}`],
  ["no version", { version: undefined }, `unknown with contract ${contract}`],
])("%s of our package is a mismatch that tells both", (_what, changes, found) => {
  expect(findPackageFault({ ...good, own: { ...own, ...changes } })).toEqual({
    code: "python_package_mismatch",
    facts: [`has version ${found} of the Python package synapse-otp ("${file}"), while ${needed}`],
    inTheWay: undefined,
    own: true,
    requirements: [],
  });
});

test.each([
  ["of a version that is not older", { version: "5.0", distribution: "5.0" }, undefined],
  ["of no version", { version: undefined, distribution: undefined }, file],
])("a module of our name without a mark and %s is another project's", (_what, changes, inTheWay) => {
  expect(findPackageFault({ ...good, own: { ...own, contract: undefined, ...changes } })).toMatchObject({
    code: "python_package_missing",
    facts: [`has a Python module synapse_otp ("${file}") that is not Synapse's`],
    inTheWay,
    own: true,
  });
});

test("a module that goes before what is installed is in the way, whose ever it is", () => {
  expect(findPackageFault({ ...good, own: { ...own, version: "0.0.1", hides: true } })).toMatchObject({
    code: "python_package_mismatch",
    inTheWay: file,
  });
});

test("a dependency that is too old is a mismatch, one past the upper end is not", () => {
  expect(findPackageFault({ ...good, modules: { ...modules, grpc: "1.60.0" } })).toEqual({
    code: "python_package_mismatch",
    facts: ["has grpcio 1.60.0, while >=1.85.1,<2 is needed"],
    inTheWay: undefined,
    own: false,
    requirements: ["grpcio>=1.85.1,<2"],
  });
});

test("missing goes before mismatch, ours before others'", () => {
  const outdated = { ...modules, grpc: "1.60.0" };
  expect(findPackageFault({ ...good, own: undefined, modules: outdated })?.code).toBe("python_package_missing");
  expect(findPackageFault({ ...good, modules: { ...outdated, pydantic_ai: undefined } })?.code).toBe(
    "python_package_missing",
  );
  expect(findPackageFault({ ...good, own: { ...own, version: "0.0.1" }, modules: none })?.code).toBe(
    "python_package_mismatch",
  );
});

test("a Python before 3.11 is old", () => {
  expect(
    [
      [3, 10, 14],
      [2, 7, 18],
      [3, 11, 0],
      [4, 0, 0],
    ].map(isOld),
  ).toEqual([true, true, false, false]);
});
