/** The door "synapse-otp/http": requests in the web's own words, for servers that have others. */

import "../supported-node.ts";

export { type FetchHandler, type NodeRequest, toNodeHandler } from "./node-handler.ts";
