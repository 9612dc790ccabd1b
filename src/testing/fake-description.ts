/** What a fake agent says of itself. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DescribeResponseSchema } from "../gen/synapse_otp/v1/agent_pb.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import { encode } from "./fake-response.ts";

/** What a fake agent is described as; what is left out it does not say, so that no contract is broken by it. */
export type FakeDescription = Partial<
  Pick<
    AgentDescription,
    "outputSchema" | "depsSchema" | "depsType" | "unknownToolsets" | "outputTools" | "schemaHash"
  > & { tools: readonly Partial<AgentDescription["tools"][number]>[] }
>;

/** The answer of Describe. */
export function describeResponse(
  agentId: string,
  modelName: string,
  described: FakeDescription,
): MessageInitShape<typeof DescribeResponseSchema> {
  const { outputSchema, depsSchema, depsType = "", tools = [], unknownToolsets = [], outputTools = [] } = described;
  return {
    agentId,
    name: agentId,
    model: modelName,
    ...(outputSchema === undefined ? {} : { outputSchemaJson: encode(outputSchema) }),
    ...(depsSchema === undefined ? {} : { depsSchemaJson: encode(depsSchema) }),
    depsType,
    tools: tools.map(
      ({ name = "", description = "", parametersSchema = {}, needsApproval = false, external = false }) => ({
        name,
        description,
        parametersSchemaJson: encode(parametersSchema),
        requiresApproval: needsApproval,
        external,
      }),
    ),
    unknownToolsets,
    outputTools,
    schemaHash: described.schemaHash ?? "0".repeat(64),
    synapseOtpVersion: "0.0.0",
    pydanticAiVersion: "0.0.0",
    pythonVersion: "0.0.0",
    protocolVersion: 1,
  };
}
