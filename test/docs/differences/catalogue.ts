/** Where the table of differences says what the conformance catalogue marks as adapted, or as not applicable. */

/** By the subject of a row: what of the catalogue it covers. */
export const catalogued: Readonly<Record<string, string>> = {
  answers: "S80 S185",
  "bad arguments": "P30",
  "a value that is thrown": "G28",
  "the reason of a crash": "G13 G57 G70 P15 P16 T13",
  "messages and reasons that are tuples": "P37",
  "a message that looks like the runtime's own": "T40",
  "`kill`, and any exit signal that is not trapped": "S21 S22 S23 S24 D25 D29 P14 T53",
  "code outside any process": "T15",
  names: "S107 G18 P40",
  "timeouts of servers": "G9 G60 G61",
  replies: "G35 G40 G43 G46 G47 G48 T17 T26",
  "`async_stream`": "T41 T45",
  "`$callers`, `$ancestors`": "T55",
  "`sys`": "G74 G78 G79",
  reports: "S81 S122 G75 G77 G83 P46 T49",
  "Elixir's `Agent`": "G93",
  "hibernate, hot code upgrade, process dictionary, priorities":
    "S27 S55 S121 S135 S136 S137 S138 S139 G62 G73 G94 P6 P43 D8",
  "`enter_loop`, `spawn_opt`, `debug`, `start_timer`, `apply_after`, `exit_after`": "G80 G82 D7",
  nodes: "G37 G50 G53 G84 G90 P25 P41 T9 T14 T27",
  "child specifications": "S51 S140 S143 S147 D3 D35",
  "unknown keys of a specification": "S18 S70",
  "window of the intensity": "S158",
  "a child and its supervisor": "S106 S178 S183",
  "`simple_one_for_one`": "D10",
  "partitions of a partition supervisor": "D36 D42",
  "a call to a supervisor that it does not know": "S182",
  "the end of a registry": "R16",
  "a key in a registry": "R8 R24",
  "match specifications": "R7 R9 R21 R29 R32",
  "partitions of a registry, parallel dispatch": "R2 R26",
  "`Registry.lock`": "R35 R36 R37 R38 R39",
};

/**
 * Adapted for the sake of the test alone, with nothing that a user sees: smaller numbers, what is stored instead of the heap, one order of events where
 * OTP's suite tries many, and words (a task is let go, not unlinked and demonitored).
 */
export const sameForUsers = "S85 S97 S120 G36 P5 P17 T7 T8 T31";
