/** The door "synapse-otp/viewer": the local viewer of a running system, or of a recording. */

import "../supported-node.ts";

export { startViewer, type Viewer, type ViewerOptions, viewRecording } from "./viewer.ts";
