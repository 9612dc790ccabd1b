/** webpack bundles the package as it is. */

import { describe, expect, test } from "vitest";
import { agentOutput, agentProgram, coreProgram } from "../e2e/user-programs.ts";
import { createProject, titled, whatIsMissing } from "./user-project.ts";

const tools = ["webpack@5", "webpack-cli"];
const missing = await whatIsMissing(...tools);

const configs = {
  "main.cjs": "",
  "main.mjs": 'experiments: { outputModule: true }, output: { module: true, chunkFormat: "module" },',
};

describe.skipIf(missing !== undefined)(titled("webpack", missing), () => {
  test("makes CommonJS and ES modules of it without a warning, and the bundles run", async () => {
    const project = await createProject(tools);
    project.write({ "agent.js": agentProgram, "core.js": coreProgram });
    for (const [name, more] of Object.entries(configs)) {
      project.write({
        "webpack.config.mjs": `
          const config = { mode: "production", target: "node", entry: { agent: "./agent.js", core: "./core.js" }, ${more} };
          config.output = { ...config.output, filename: "[name]-${name}" };
          export default config;
        `,
      });
      const built = await project.node(["node_modules/webpack-cli/bin/cli.js"]);
      expect(built.stdout + built.stderr).toMatch(/compiled successfully/);
      expect(built.status).toBe(0);
      expect(await project.node([`dist/agent-${name}`])).toEqual({ status: 0, stdout: agentOutput, stderr: "" });
      expect(await project.node([`dist/core-${name}`])).toEqual({ status: 0, stdout: "42\n", stderr: "" });
    }
  });
});
