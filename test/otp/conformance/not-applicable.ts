/** Rows of the catalogue that have no counterpart here, and why. */

/** A row that is not tested. */
export interface NotApplicable {
  readonly id: string;
  readonly why: string;
}

/** By letter: S, G, P, D, R, T. */
export const notApplicable: readonly NotApplicable[] = [
  { id: "S27", why: "Hibernation compacts the heap of one process; here all processes share one." },
  { id: "S55", why: "The modules of a child serve hot code upgrade: a running child keeps its code." },
  {
    id: "S121",
    why: "The callback module is what OTP's release handling asks for: a supervisor has none, and nothing is upgraded.",
  },
  { id: "S137", why: "Hot code upgrade of a supervisor's flags: they cannot be changed while it runs." },
  {
    id: "S138",
    why: "Hot code upgrade of a supervisor's children: startChild, terminateChild and deleteChild change them one at a time.",
  },
  {
    id: "S139",
    why: "Hot code upgrade of a simple_one_for_one template: a dynamic supervisor has none, each child brings its specification.",
  },
  { id: "S143", why: "Tuples as specifications are Erlang's older format: there is one shape here, an object." },
  {
    id: "G28",
    why: "A thrown value is never a handler's answer here: a throw is a crash, and `throw new Exit(reason)` chooses the reason.",
  },
  { id: "G40", why: "Responses do not come through the mailbox: there is none to pick out of other messages." },
  {
    id: "G47",
    why: "Responses do not come through the mailbox: a collection is waited on, messages are not fed to it.",
  },
  { id: "G48", why: "How a reply address is encoded is internal: `reply` takes what handleCall was given." },
  { id: "G53", why: "There is one node: nobody to broadcast to. `cast` to each of a list does it." },
  { id: "G61", why: "The legacy timeout of 0 is not offered: 0 comes before what waits." },
  {
    id: "G62",
    why: "Hibernation is a means of Erlang's heaps; a JavaScript process that waits holds its state and no more.",
  },
  { id: "G73", why: "Hot code upgrade: a running server keeps its callbacks. Start another one." },
  {
    id: "G79",
    why: "Replacing a state from outside is a back door for debugging; it is tested as part of `sys`, without this row.",
  },
  { id: "G80", why: "No process enters the server loop by hand: `start` and `createActor` are the only ways in." },
  { id: "G82", why: "No process enters the server loop by hand, so that none claims a name that another has." },
  { id: "G90", why: "There is one node. A call to many is tested over a list of servers." },
  { id: "G94", why: "Hot code upgrade: a cell keeps its state, and its functions come with each request." },
  {
    id: "P6",
    why: "Priority messages are new and optional in Erlang; system messages are the only ones that pass a suspended process.",
  },
  {
    id: "P41",
    why: "Distribution and its clocks: there is one node. The reason noconnection is kept for lost transports.",
  },
  {
    id: "D7",
    why: "Options of the Erlang VM's processes (priority, initial call); there is one thread and no such option.",
  },
  { id: "D8", why: "Hot code upgrade: flags of a running supervisor cannot be changed. Start another one." },
  { id: "R2", why: "A registry is one table in one thread: it has no partitions to start." },
  { id: "R26", why: "Parallel dispatch is one call per partition; there are none." },
  {
    id: "T17",
    why: "Waiting does not read the mailbox: an outcome goes to who waits for it, so no message is in the way.",
  },
  { id: "T40", why: "A stream does not read the mailbox: forged DOWN messages never reach it." },
];
