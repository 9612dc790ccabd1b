/** The door "synapse-otp/testing": doubles that pass the same contract suites as the real things. */

export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
