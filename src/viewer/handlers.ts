/** What the viewer's server answers: the page, the stream of messages, and the buttons. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { SynapseError } from "../errors.ts";
import type { LoopbackHandlers } from "../inspect/loopback-server.ts";
import { type AgentAction, type AgentControl, agentActions } from "./agent-control.ts";
import type { PageFiles } from "./page-files.ts";

/** Who is told what happens. */
export interface Spectators {
  /** Welcomes a page. */
  join(response: ServerResponse): void;
}

/** What a viewer has. */
export interface ViewerParts {
  readonly page: PageFiles;
  readonly audience: Spectators;
  /** Absent: there is nothing to press. */
  readonly control?: AgentControl;
  /** Whether a system runs behind it. */
  readonly live: boolean;
}

/** Nothing from elsewhere is loaded, and the page can be framed by nobody: no click on it is another page's doing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Makes the handlers. */
export function createHandlers(parts: ViewerParts): LoopbackHandlers {
  return {
    request(request, response, url) {
      response.setHeader("Content-Security-Policy", policy);
      response.setHeader("X-Frame-Options", "DENY");
      const action = /^\/agents\/([^/]+)\/([a-z]+)$/.exec(url.pathname);
      if (action !== null) act(request, response, parts, action);
      else if (request.method !== "GET") answer(response, 405, "only GET");
      else if (url.pathname === "/messages") parts.audience.join(response);
      else if (url.pathname === "/about")
        answerJson(response, 200, { live: parts.live, actions: parts.control === undefined ? [] : agentActions });
      else show(response, parts.page, url.pathname);
    },
  };
}

function show(response: ServerResponse, page: PageFiles, path: string): void {
  const file = page.get(path);
  if (file === undefined) answer(response, 404, "there is nothing of this name");
  else response.writeHead(200, { "Content-Type": file.type }).end(file.body);
}

function act(
  request: IncomingMessage,
  response: ServerResponse,
  { control }: ViewerParts,
  [, id = "", name = ""]: RegExpExecArray,
): void {
  if (request.method !== "POST") answer(response, 405, "only POST");
  // A form of another page cannot set it without being asked (CORS); this server never says yes.
  else if (request.headers["x-synapse-viewer"] !== "1") answer(response, 403, "only the viewer's own page");
  else if (control === undefined) answer(response, 409, "a recording has no agents to act on");
  else if (!isAction(name)) answer(response, 404, `there is no action "${name}"; there are ${agentActions.join(", ")}`);
  else void perform(response, control, id, name);
}

/** Never rejects. */
async function perform(response: ServerResponse, control: AgentControl, id: string, name: AgentAction): Promise<void> {
  try {
    await control(decodeURIComponent(id), name);
    answerJson(response, 202, { done: name });
  } catch (error) {
    if (error instanceof SynapseError) answer(response, 409, error.message);
    else if (error instanceof URIError) answer(response, 404, "there is no such agent");
    else answer(response, 500, String(error));
  }
}

function isAction(name: string): name is AgentAction {
  return (agentActions as readonly string[]).includes(name);
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}
