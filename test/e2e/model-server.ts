/** A model provider on this machine: speaks OpenAI's Responses, Chat Completions and Embeddings over HTTP, and answers from a script. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** What a model answers: a text, or the tools that it calls, each with its arguments. */
export type Reply = string | [tool: string, args: unknown][];

/** The replies to one prompt, one for each request; a function makes its own from the results of the calls before it. */
export type Script = (Reply | ((results: string[]) => Reply))[];

/** A request that has been answered. */
export interface ModelRequest {
  model: string;
  prompt: string;
  instructions: string;
  tools: string[];
  body: Record<string, unknown>;
}

/** The server; it is closed after the file's last test. */
export interface ModelServer {
  /** What a worker needs in its environment to find it. */
  env: { OPENAI_BASE_URL: string; OPENAI_API_KEY: string };
  requests: ModelRequest[];
  /** What it answers to a prompt from now on. */
  script(prompt: string, ...replies: Script): void;
  /** Awaited in the middle of each answer that is streamed. */
  halfway: Promise<unknown> | undefined;
}

interface Item {
  type?: string;
  role?: string;
  content?: string | { text?: string }[];
  call_id?: string;
  tool_call_id?: string;
  output?: string;
}

/** Starts one on a free port. */
export async function startModelServer(): Promise<ModelServer> {
  const scripts = new Map<string, Script>();
  const requests: ModelRequest[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: String(error), type: "invalid_request_error" } }));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    if (request.url === "/v1/embeddings") return send(response, embedding(String(body.input)));
    const isChat = request.url === "/v1/chat/completions";
    const items = (isChat ? body.messages : body.input) as Item[];
    const prompt = text(items.findLast(({ role }) => role === "user"));
    const turn = items.slice(items.findLastIndex(({ role }) => role === "user") + 1);
    const results = turn.filter(({ type, role }) => type === "function_call_output" || role === "tool");
    const last = results.at(-1);
    const step = Number((last?.call_id ?? last?.tool_call_id ?? "call-0").split("-")[1]);
    const scripted = scripts.get(prompt)?.[step];
    if (scripted === undefined) throw new Error(`no reply ${step + 1} to ${JSON.stringify(prompt)}`);
    const reply = typeof scripted === "function" ? scripted(results.map((one) => one.output ?? text(one))) : scripted;
    const tools = ((body.tools ?? []) as { name?: string; function?: { name: string } }[]).map(
      (tool) => tool.name ?? tool.function?.name ?? "",
    );
    const system = items.filter(({ role }) => role === "system" || role === "developer").map(text);
    const instructions = [String(body.instructions ?? ""), ...system].join("\n").trim();
    requests.push({ model: String(body.model), prompt, instructions, tools, body });
    const prefix = `call-${step + 1}`;
    if (body.stream !== true)
      return send(response, isChat ? completion(reply, prefix) : responsesAnswer(reply, prefix));
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = [...(isChat ? completionChunks(reply, prefix) : responsesEvents(reply, prefix))];
    for (const [index, event] of events.entries()) {
      if (index === Math.floor(events.length / 2)) await model.halfway;
      response.write(`${isChat ? "" : `event: ${event.type}\n`}data: ${JSON.stringify(event)}\n\n`);
    }
    response.end(isChat ? "data: [DONE]\n\n" : undefined);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const script = (prompt: string, ...replies: Script) => void scripts.set(prompt, replies);
  const env = { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: "none" };
  const model: ModelServer = { requests, script, env, halfway: undefined };
  return model;
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function text(item: Item | undefined): string {
  const content = item?.content ?? "";
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
}

/** Near for texts that share words: their numbers, in a few dimensions, as a vector of length 1. */
function embedding(input: string): unknown {
  const counts = Array.from({ length: 64 }, () => 0);
  for (const word of input.toLowerCase().match(/\w+/g) ?? []) {
    const place = [...word].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 64, 0);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const length = Math.hypot(...counts);
  const data = [{ object: "embedding", index: 0, embedding: counts.map((count) => count / length) }];
  return { object: "list", model: "words", data, usage: { prompt_tokens: 1, total_tokens: 1 } };
}

const pieces = (words: string) => words.match(/[\s\S]{1,16}/g) ?? [""];
const calls = (reply: Exclude<Reply, string>, prefix: string) =>
  reply.map(([name, args], index) => ({ id: `${prefix}-${index + 1}`, name, arguments: JSON.stringify(args) }));

function outputItems(reply: Reply, prefix: string): Record<string, unknown>[] {
  if (typeof reply !== "string") {
    return calls(reply, prefix).map(({ id, ...call }) => ({
      type: "function_call",
      id: `fc_${id}`,
      call_id: id,
      status: "completed",
      ...call,
    }));
  }
  const content = [{ type: "output_text", text: reply, annotations: [] }];
  return [{ type: "message", id: "msg_1", role: "assistant", status: "completed", content }];
}

function responsesAnswer(reply: Reply, prefix: string, status = "completed"): Record<string, unknown> {
  const details = { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
  return {
    id: "resp_1",
    object: "response",
    created_at: 1_700_000_000,
    model: "local",
    status,
    output: status === "completed" ? outputItems(reply, prefix) : [],
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    usage: status === "completed" ? { input_tokens: 10, output_tokens: 5, total_tokens: 15, ...details } : null,
  };
}

function* responsesEvents(reply: Reply, prefix: string): Generator<Record<string, unknown>> {
  let sequence_number = 0;
  const event = (type: string, fields: object) => ({ type, sequence_number: sequence_number++, ...fields });
  yield event("response.created", { response: responsesAnswer(reply, prefix, "in_progress") });
  for (const [output_index, item] of outputItems(reply, prefix).entries()) {
    const at = { output_index, item_id: item.id };
    if (typeof reply === "string") {
      const part = { type: "output_text", text: "", annotations: [] };
      yield event("response.output_item.added", {
        output_index,
        item: { ...item, status: "in_progress", content: [] },
      });
      yield event("response.content_part.added", { ...at, content_index: 0, part });
      for (const delta of pieces(reply)) {
        yield event("response.output_text.delta", { ...at, content_index: 0, delta, logprobs: [] });
      }
      yield event("response.output_text.done", { ...at, content_index: 0, text: reply, logprobs: [] });
      yield event("response.content_part.done", { ...at, content_index: 0, part: { ...part, text: reply } });
    } else {
      const args = String(item.arguments);
      yield event("response.output_item.added", {
        output_index,
        item: { ...item, status: "in_progress", arguments: "" },
      });
      for (const delta of pieces(args)) yield event("response.function_call_arguments.delta", { ...at, delta });
      yield event("response.function_call_arguments.done", { ...at, name: item.name, arguments: args });
    }
    yield event("response.output_item.done", { output_index, item });
  }
  yield event("response.completed", { response: responsesAnswer(reply, prefix) });
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const chat = (object: string, choice: object, rest: object = {}) => ({
  id: "chat_1",
  object,
  created: 1_700_000_000,
  model: "local",
  choices: [{ index: 0, ...choice }],
  ...rest,
});
const toolCalls = (reply: Exclude<Reply, string>, prefix: string) =>
  calls(reply, prefix).map(({ id, ...call }, index) => ({ index, id, type: "function", function: call }));

function completion(reply: Reply, prefix: string): unknown {
  const isText = typeof reply === "string";
  const said = isText ? { content: reply } : { content: null, tool_calls: toolCalls(reply, prefix) };
  const finish_reason = isText ? "stop" : "tool_calls";
  return chat("chat.completion", { finish_reason, message: { role: "assistant", ...said } }, { usage });
}

function* completionChunks(reply: Reply, prefix: string): Generator<Record<string, unknown>> {
  const isText = typeof reply === "string";
  const deltas = isText ? pieces(reply).map((content) => ({ content })) : [{ tool_calls: toolCalls(reply, prefix) }];
  for (const delta of deltas) {
    yield chat("chat.completion.chunk", { delta: { role: "assistant", ...delta }, finish_reason: null });
  }
  yield chat("chat.completion.chunk", { delta: {}, finish_reason: isText ? "stop" : "tool_calls" }, { usage });
}
