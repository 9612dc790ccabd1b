/** OpenTelemetry's API, where it is installed: it is optional, and without a provider whatever it makes does nothing. */

import type { Meter } from "@opentelemetry/api";

/** The name of meter and tracer. */
const scope = "synapse-otp";

/** What a system takes of the API. */
export interface OpenTelemetry {
  readonly api: typeof import("@opentelemetry/api");
  /** Of the global meter provider. */
  readonly meter: Meter;
  readonly scope: string;
}

/** The API; undefined where it is not installed. */
export async function findOpenTelemetry(): Promise<OpenTelemetry | undefined> {
  // A variable, and the comments: bundlers do not look for what need not be there.
  const name: string = "@opentelemetry/api";
  try {
    const api = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as OpenTelemetry["api"];
    return { api, meter: api.metrics.getMeter(scope), scope };
  } catch {
    return undefined; // Optional.
  }
}
