/** The files of a new project: a service in TypeScript, an agent in Python that answers from a script, and a test of both. */

import { ownPackage } from "../python/needs.ts";

/** The files of a project of this name, by their paths. */
export function projectFiles(name: string): Readonly<Record<string, string>> {
  return {
    "package.json": `${JSON.stringify(packageJson(name), undefined, 2)}\n`,
    "tsconfig.json": `${JSON.stringify(tsconfig, undefined, 2)}\n`,
    ".gitignore": "node_modules/\n.venv/\n__pycache__/\n",
    "README.md": readme(name),
    "tree.ts": tree(name),
    "service.ts": service,
    "faults.ts": faults,
    "tree.test.ts": test,
    "agents/greeter.py": agent,
  };
}

function packageJson(name: string) {
  return {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    engines: { node: ">=22.19" },
    scripts: {
      setup: "synapse-otp setup",
      start: "node service.ts",
      dev: "synapse-otp run tree.ts --watch",
      test: "node --test",
      simulate: "synapse-otp simulate tree.ts --faults faults.ts",
      check: "tsc",
    },
    dependencies: { "synapse-otp": `^${ownPackage.version}`, xstate: "^5.33" },
    devDependencies: { "@types/node": "^24", typescript: ">=5.8" },
  };
}

const tsconfig = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
  include: ["*.ts"],
};

const readme = (name: string) => `# ${name}

\`\`\`sh
npm install
npm run setup     # the Python side, in .venv
npm test          # a real worker, no key and no network
npm start         # http://127.0.0.1:3000/?q=hello
\`\`\`

| file | what it is |
|---|---|
| \`tree.ts\` | the system: its agents, and what becomes of them when they crash |
| \`agents/greeter.py\` | the agent; it answers from a script until GREETER_MODEL names a model |
| \`service.ts\` | the service that asks it |
| \`tree.test.ts\` | the test |
| \`faults.ts\` | what befalls the agents in \`npm run simulate\` |

While it runs: \`npx synapse-otp ps\`, \`npx synapse-otp crashes\`, \`npx synapse-otp kill greeter\`. \`npm run dev\` runs the tree alone and follows its changes.
`;

const tree = (name: string) =>
  flush(`
  import { defineAgent, defineSystem, exponentialBackoff } from "synapse-otp";

  export const greeter = defineAgent({
    id: "greeter",
    entry: "agents/greeter.py:agent",
    output: "text",
    policy: exponentialBackoff(),
  });

  export default defineSystem({
    name: ${JSON.stringify(name)},
    python: { cwd: import.meta.dirname },
    children: [greeter],
  });
`);

const service = flush(`
  import { createServer } from "node:http";
  import { httpStatusOf, startSystem } from "synapse-otp";
  import tree, { greeter } from "./tree.ts";

  const system = await startSystem({ ...tree, handleSignals: true, control: true });

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/health") {
      const { status } = system.health();
      response.statusCode = status === "serving" ? 200 : 503;
      response.end(status);
      return;
    }
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    try {
      const { output } = await system.agent(greeter).run(url.searchParams.get("q") ?? "", { signal: gone.signal });
      response.end(output);
    } catch (error) {
      response.statusCode = httpStatusOf(error);
      response.end(error instanceof Error ? error.message : "unknown error");
    }
  });
  server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
  void system.ended.then(() => server.close());
`);

const faults = flush(`
  import { defineFaults } from "synapse-otp/simulate";

  export default defineFaults({
    others: {
      crashAfterMs: { meanMs: 600_000 },
      crashKinds: { signaled: 3, out_of_memory: 1 },
      runs: { everyMs: { meanMs: 2_000 }, takesMs: { fromMs: 500, toMs: 3_000 } },
    },
  });
`);

const test = flush(`
  import assert from "node:assert/strict";
  import { test } from "node:test";
  import { startSystem } from "synapse-otp";
  import { simulate } from "synapse-otp/simulate";
  import faults from "./faults.ts";
  import tree, { greeter } from "./tree.ts";

  test("the greeter answers", async () => {
    await using system = await startSystem(tree);
    const { output } = await system.agent(greeter).run("hello");
    assert.equal(output, "You said: hello");
  });

  test("the greeter answers word by word", async () => {
    await using system = await startSystem(tree);
    const words: string[] = [];
    for await (const word of system.agent(greeter).stream("hello").text()) words.push(word);
    assert.deepEqual(words, ["You ", "said: ", "hello"]);
  });

  test("the greeter is there 99 % of a day with crashes", async () => {
    const { children, gaveUp } = await simulate(tree, faults, { forMs: 86_400_000 });
    assert.deepEqual(gaveUp, []);
    for (const { downMs } of children) assert.ok(downMs < 864_000);
  });
`);

const agent = flush(`
  """An agent that greets. Until GREETER_MODEL names a model ("openai:gpt-5", "test"), it answers from a script: no key, no network."""

  import os
  from collections.abc import AsyncIterator

  from pydantic_ai import Agent
  from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
  from pydantic_ai.models.function import AgentInfo, FunctionModel


  def prompt_of(messages: list[ModelMessage]) -> str:
      """What was asked last."""
      requests = [message for message in messages if isinstance(message, ModelRequest)]
      prompts = [part for part in requests[-1].parts if isinstance(part, UserPromptPart)]
      return str(prompts[-1].content)


  def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
      """Answers at once."""
      return ModelResponse(parts=[TextPart(f"You said: {prompt_of(messages)}")])


  async def words(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
      """Answers word by word."""
      for word in ("You ", "said: ", prompt_of(messages)):
          yield word


  model = os.environ.get("GREETER_MODEL") or FunctionModel(answer, stream_function=words)
  agent = Agent(model, name="greeter", instructions="Greet in one sentence.")
`);

/** A text without the line break before it and the two spaces before each line, by which it stands apart from the code round it. */
function flush(text: string): string {
  return text.slice(1).replace(/^ {2}/gm, "");
}
