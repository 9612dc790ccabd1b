/** What waits in a machine's mailbox and was sent by nobody: events of XState's own that are not for now. */

import { RuntimeMessage } from "../process/runtime-message.ts";

/** The events that came while the process was suspended have their turn. */
export class HeldEvents extends RuntimeMessage {
  readonly type = "$held";
}
