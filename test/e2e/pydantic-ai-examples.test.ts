/** pydantic-ai's own examples run as entries. */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { deps, entry, examplesFolder, startExamples, withModel } from "./examples.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});

test("what is alive in an example's dependencies is made for each run", async () => {
  const sqlGen = withModel("sql_gen", "google:gemini-3-flash-preview", "openai:gpt-5.2");
  const system = await startExamples(model, {
    bank: { ...entry("bank_support:support_agent"), ...deps("bank") },
    weather: { ...entry("weather_agent:weather_agent"), ...deps("weather") },
    rag: { ...entry("rag:agent"), ...deps("rag") },
    sql: { entry: `${sqlGen}:agent`, ...deps("sql") },
  });

  model.script("What is my balance?", [["customer_balance", {}]], ([balance]) => [
    ["final_result", { support_advice: `John, you have ${balance}.`, block_card: false, risk: 1 }],
  ]);
  const balance = await system.agent("bank").run("What is my balance?", { deps: { customer_id: 123 } });
  expect(balance.output).toEqual({ support_advice: "John, you have $123.45.", block_card: false, risk: 1 });
  expect(balance.usage).toMatchObject({ requests: 2, toolCalls: 1, inputTokens: 20, outputTokens: 10 });
  expect(model.requests.at(-1)?.instructions).toContain("The customer's name is 'John'");

  const london = "What is the weather like in London and in Wiltshire?";
  const places = [
    ["get_lat_lng", { location_description: "London" }],
    ["get_lat_lng", { location_description: "Wiltshire" }],
  ] as [string, unknown][];
  const points = [
    ["get_weather", { lat: 51.5, lng: -0.1 }],
    ["get_weather", { lat: 51.5, lng: -0.1 }],
  ] as [string, unknown][];
  model.script(london, places, points, (results) => results.slice(2).join(" "));
  const sunny = '{"temperature":"21 °C","description":"Sunny"}';
  expect((await system.agent("weather").run(london)).output).toBe(`${sunny} ${sunny}`);

  const question = "How do I configure logfire to work with FastAPI?";
  model.script(question, [["retrieve", { search_query: "FastAPI" }]], (results) => results.join());
  expect((await system.agent("rag").run(question)).output).toContain("Call logfire.instrument_fastapi(app).");

  const logs = "show me logs from yesterday";
  model.script(logs, [["final_result_Success", { sql_query: "SELECT * FROM logs" }]], ([refused]) => [
    ["final_result_Success", { sql_query: "SELECT * FROM records", explanation: refused }],
  ]);
  expect((await system.agent("sql").run(logs)).output).toEqual({
    sql_query: "SELECT * FROM records",
    explanation: expect.stringContaining("Invalid query: no such table: logs"),
  });
});

test("dependencies that JSON can say come with the run", async () => {
  const roulette = withModel("roulette_wheel", "groq:llama-3.3-70b-versatile", "openai:gpt-5.2");
  const system = await startExamples(model, {
    roulette: { entry: `${roulette}:roulette_agent` },
    times: entry("evals.agent:time_range_agent"),
    triage: entry("medical_agent_delegation:triage_agent"),
  });

  model.script("Put my money on square eighteen", [["roulette_wheel", { square: 18 }]], ([won]) => [
    ["final_result", { response: won === "winner" }],
  ]);
  const bet = system.agent("roulette").stream("Put my money on square eighteen", { deps: { winning_number: 18 } });
  expect((await bet.result).output).toBe(true);

  const now = "2026-11-26T09:00:00Z";
  model.script("yesterday", [["get_current_time", {}]], ([told]) => [
    [
      "final_result_TimeRangeBuilderSuccess",
      { min_timestamp_with_offset: now, max_timestamp_with_offset: now, explanation: told },
    ],
  ]);
  expect((await system.agent("times").run("yesterday", { deps: { now } })).output).toEqual({
    min_timestamp_with_offset: now,
    max_timestamp_with_offset: now,
    explanation: "The user's current time is Thursday, November 26, 2026 09:00:00 UTC.",
  });

  const report = {
    diagnosis: ["angina"],
    differential: [],
    recommended_tests: ["ECG"],
    immediate_actions: [],
    estimated_time_minutes: 30,
  };
  model.script(
    "Patient P001: chest pain",
    [["consult_specialist", { specialty: "cardiology", question: "Pain?" }]],
    ([told = ""]) => [["final_result", JSON.parse(told)]],
  );
  model.script("Consultation: Pain?", [["final_result", report]]);
  const patient = { patient_id: "P001", age: 64, known_conditions: ["hypertension"] };
  expect((await system.agent("triage").run("Patient P001: chest pain", { deps: patient })).output).toEqual({
    specialty: "cardiology",
    final_report: report,
    treatment_plan: null,
    final_status: "resolved_by_specialist",
  });
});

test("agents that work for each other, and a person who answers in between", async () => {
  const system = await startExamples(model, {
    search: entry("flight_booking:search_agent"),
    seat: entry("flight_booking:seat_preference_agent"),
    chat: entry("chat_app:agent"),
    ticket: entry("realtime_handoff:triage_agent"),
  });

  const flight = (flight_number: string, origin: string, price: number) => ({
    flight_number,
    price,
    origin,
    destination: "ANC",
    date: "2025-01-10",
  });
  const page = "1. Flight SFO-AK123 ... 2. Flight NYC-LA101 ...";
  const flights = [flight("SFO-AK123", "SFO", 350), flight("NYC-LA101", "SFO", 250)];
  const find = "Find me a flight from SFO to ANC on 2025-01-10";
  model.script(page, [["final_result", { response: flights }]]);
  model.script(
    find,
    [["extract_flights", {}]],
    [["final_result_FlightDetails", flight("BOS-SEA303", "BOS", 120)]],
    ([found = ""]) => [["final_result_FlightDetails", JSON.parse(found)[0]]],
  );
  model.script("Please suggest another flight", [["final_result_FlightDetails", flights[1]]]);
  const options = {
    deps: { web_page_text: page, req_origin: "SFO", req_destination: "ANC", req_date: "2025-01-10" },
    usageLimits: { requestLimit: 15 },
  };
  const conversation = system.agent("search").conversation("customer-7");
  const first = await conversation.run(find, options);
  expect(first.output).toEqual(flights[0]);
  expect(first.usage.requests).toBe(4);
  expect(JSON.stringify(first.newMessages)).toContain("Flight should have origin SFO, not BOS");
  expect((await conversation.run("Please suggest another flight", options)).output).toEqual(flights[1]);

  model.script("A window seat in the front row", [["final_result_SeatPreference", { row: 1, seat: "A" }]]);
  model.script("Anything", [["final_result_Failed", {}]]);
  const seat = system.agent("seat");
  expect((await seat.run("Anything")).output).toEqual({});
  expect((await seat.run("A window seat in the front row")).output).toEqual({ row: 1, seat: "A" });

  model.script("Hello", "Hello you.");
  model.script("Again", "Hello again.");
  const chat = system.agent("chat").conversation("page-1");
  await chat.run("Hello");
  expect((await chat.run("Again")).output).toBe("Hello again.");
  expect(JSON.stringify(model.requests.at(-1)?.body.input)).toContain("Hello you.");

  const support = { summary: "No charge", category: "hardware", priority: "high", follow_up_questions: [] };
  model.script("Create the support ticket for this call.", [["final_result", support]]);
  const call = await chat.messages();
  const ticket = system.agent("ticket").run("Create the support ticket for this call.", { messageHistory: call });
  expect((await ticket).output).toEqual(support);
});

test("text and objects grow while a stream is read", async () => {
  const system = await startExamples(model, {
    markdown: entry("stream_markdown:agent"),
    whales: entry("stream_whales:agent"),
    city: entry("pydantic_model:agent"),
    lead: entry("slack_lead_qualifier.agent:agent"),
  });

  const code = "```python\nfrom pydantic import BaseModel\n```";
  model.script("Show me a short example of using Pydantic.", code);
  for (const name of ["openai:gpt-5-mini", "openai-chat:gpt-5-mini"]) {
    const stream = system.agent("markdown").stream("Show me a short example of using Pydantic.", { model: name });
    const deltas: string[] = [];
    for await (const delta of stream.text()) deltas.push(delta);
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join("")).toBe(code);
    expect((await stream.result).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  }

  const pod = [
    { name: "Blue whale", length: 25, weight: 140_000, ocean: "all" },
    { name: "Orca", length: 8, ocean: "all" },
  ];
  model.script("Generate me details of 5 species of Whale.", [["final_result", { response: pod }]]);
  const seen = Promise.withResolvers<void>();
  model.halfway = seen.promise;
  const whales = system.agent("whales").stream("Generate me details of 5 species of Whale.");
  const grown: unknown[] = [];
  for await (const partial of whales.partial()) {
    grown.push(partial);
    if (JSON.stringify(partial).includes("Blue whale")) seen.resolve();
  }
  expect(grown.length).toBeGreaterThan(1);
  expect(grown.at(-1)).toEqual(pod);
  expect((await whales.result).output).toEqual(pod);

  model.script("The windy city in the US of A.", [["final_result", { city: "Chicago", country: "USA" }]]);
  expect((await system.agent("city").run("The windy city in the US of A.")).output).toEqual({
    city: "Chicago",
    country: "USA",
  });

  const profile = "<profile><email>samuel@example.org</email></profile>";
  const analysis = {
    profile: { first_name: null, last_name: null, display_name: null, email: "samuel@example.org" },
    organization_name: "Pydantic",
    organization_domain: "example.org",
    job_title: "founder",
    relevance: 5,
  };
  model.script(profile, [["duckduckgo_search", { query: "samuel" }]], ([found = ""]) =>
    JSON.stringify({ result: { kind: "Analysis", data: { ...analysis, summary: JSON.parse(found)[0].body } } }),
  );
  expect((await system.agent("lead").run(profile)).output).toEqual({ ...analysis, summary: "found by samuel" });
});

test("docs/python.md says of every module that makes an agent how it is run, or why it is not", () => {
  const page = readFileSync("docs/python.md", "utf8");
  const section = page.slice(page.indexOf("### pydantic-ai's own examples"), page.indexOf("\n## Models"));
  const folder = examplesFolder();
  const makesAgent = (file: string) => /\bAgent(\[.*\])?\(/.test(readFileSync(join(folder, file), "utf8"));
  const modules = globSync("**/*.py", { cwd: folder }).filter(makesAgent);
  const names = modules.map((file) => file.replace(/(\/app)?\.py$/, "").replaceAll("/", "."));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !section.includes(`\`${name}\``) && !section.includes(`\`${name}:`))).toEqual([]);
});
