/** What `output: "text"` of a definition means. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** Says whether an answer is a text. */
export const textSchema: StandardSchemaV1<unknown, string> & StandardJSONSchemaV1<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "synapse-otp",
    jsonSchema: { input: () => ({ type: "string" }), output: () => ({ type: "string" }) },
    validate: (value) =>
      typeof value === "string"
        ? { value }
        : { issues: [{ message: 'it is no text, as the definition says: output: "text"' }] },
  },
};
