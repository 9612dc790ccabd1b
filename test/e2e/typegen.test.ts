import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build-if-stale.ts";
import { runProgram } from "../script/script-process.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..", "..");
const python = join(root, "python", ".venv", "bin", "python");
const tsc = join(root, "node_modules", ".bin", "tsc");

/** Inside the package, so that "synapse-otp" is this package; ignored by git. */
let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  await buildIfStale();
  mkdirSync(join(root, ".bench"), { recursive: true });
  folder = mkdtempSync(join(root, ".bench", "typegen-"));
  writeFileSync(path("shop.py"), shop());
  writeFileSync(path("service.ts"), service);
  const config = { extends: "../../tsconfig.json", include: ["*.ts"], compilerOptions: { types: ["node"] } };
  writeFileSync(path("tsconfig.json"), JSON.stringify(config));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An agent that looks a price up, and answers with an order; `total` is of this type. */
function shop(total = "float"): string {
  return `
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel
from pydantic_ai import Agent, RunContext
from synapse_otp.scripted import CallTools, Fill, Reply, Turn, scripted_model


@dataclass
class Shop:
    currency: str
    discount: float = 0.0


class Line(BaseModel):
    item: str
    price: float


class Order(BaseModel):
    """What is bought."""

    lines: list[Line]
    total: ${total}
    due: date | None = None


def script(turn: Turn) -> Reply:
    if "price_of" not in turn.tool_returns:
        return CallTools((("price_of", {"item": "tea"}),))
    price = turn.tool_returns["price_of"]
    return Fill({"lines": [{"item": "tea", "price": price}], "total": price, "due": "2030-01-02"})


agent = Agent(scripted_model(script), deps_type=Shop, output_type=Order)


@agent.tool
def price_of(ctx: RunContext[Shop], item: str) -> float:
    """The price of an item."""
    return 4.0 - ctx.deps.discount
`;
}

const service = `
import { defineAgent, isToolCall, startSystem, WorkerError } from "synapse-otp";
import { contract, type Deps, type Output } from "./shop.ts";

const shop = defineAgent({ id: "shop", contract });
const system = await startSystem({ children: [shop], python: { cwd: import.meta.dirname, interpreter: ${JSON.stringify(python)} } });
const deps: Deps = { currency: "EUR", discount: 0.5 };
try {
  const stream = system.agent(shop).stream("one tea", { deps });
  for await (const event of stream) {
    if (isToolCall(event, contract)) console.log("asks for", event.args.item.toUpperCase());
  }
  const { output } = await stream.result;
  const total: number = output.total;
  const due: Output["due"] = output.due;
  console.log(total.toFixed(2), output.lines.map(({ item }) => item).join(), due?.slice(0, 4));
  // @ts-expect-error a misspelt dependency
  await system.agent(shop).run("one tea", { deps: { curency: "EUR" } }).catch((error: Error) => console.log(error.name));
} catch (error) {
  console.log(error instanceof WorkerError ? [error.code, ...(error.crash?.contractFaults ?? [])] : error);
} finally {
  await system.stop();
}
`;

/** What the command says of the shop's agent. */
async function typegen(...options: string[]) {
  const { code, out, error } = await runProgram(["typegen", "shop.py:agent", "--python", python, ...options], {
    cwd: folder,
  }).ended;
  return { code, out, error };
}

test("types are written, and a program with them type-checks and runs, until the agent is another: then its start fails with the fields", async () => {
  expect(await typegen()).toEqual({ code: 0, out: "shop.ts: written\n", error: "" });
  expect(await run(tsc, ["-p", folder])).toMatchObject({ stdout: "" });
  const { stdout } = await run(process.execPath, [path("service.ts")]);
  expect(stdout).toBe("asks for TEA\n3.50 tea 2030\nRunError\n");

  expect(await typegen("--check", "--json")).toMatchObject({ code: 0, out: expect.stringContaining('"up_to_date"') });
  writeFileSync(path("shop.py"), shop("str"));
  const { code, error } = await typegen("--check");
  expect({ code, error }).toEqual({ code: 1, error: expect.stringContaining("shop.ts: out of date") });
  const { stdout: refused } = await run(process.execPath, [path("service.ts")]);
  expect(refused).toContain("'contract_mismatch'");
  expect(refused).toContain("'output.total: the agent says string, the contract number'");
}, 120_000);

test("--watch writes whenever the agent's code changes, tells what is broken, and a signal ends it with 0", async () => {
  writeFileSync(path("shop.py"), "broken(");
  const words = ["typegen", "shop.py:agent", "--python", python, "--out", "watched.ts", "--watch"];
  const watching = runProgram(words, { cwd: folder });
  await watching.said("was never closed");
  writeFileSync(path("shop.py"), shop());
  await watching.said("watched.ts: written");
  expect(readFileSync(path("watched.ts"), "utf8")).toContain("total: number;");
  writeFileSync(path("shop.py"), shop("str"));
  await watching.said(/written\n[\s\S]*written\n/);
  expect(readFileSync(path("watched.ts"), "utf8")).toContain("total: string;");
  watching.child.kill("SIGTERM");
  expect(await watching.ended).toMatchObject({ code: 0, signal: null });
}, 120_000);

test("an agent that cannot be loaded says why, and writes nothing", async () => {
  const words = ["typegen", "shop.py:nobody", "--python", python, "--out", "nobody.ts"];
  const { code, error } = await runProgram(words, { cwd: folder }).ended;
  expect({ code, error }).toEqual({ code: 1, error: expect.stringContaining("nobody") });
  expect(existsSync(path("nobody.ts"))).toBe(false);
}, 60_000);
