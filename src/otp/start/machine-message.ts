/** What waits in a machine's mailbox and was sent by nobody: events of XState's own that are not for now. */

import type { EventObject } from "xstate";
import { RuntimeMessage } from "../process/runtime-message.ts";

/** An event that was postponed, and would be taken for something else if it came again as it is. */
export class PostponedEvent extends RuntimeMessage {
  readonly event: EventObject;

  constructor(event: EventObject) {
    super();
    this.event = event;
  }

  get type(): string {
    return this.event.type;
  }
}

/** The events that came while the process was suspended have their turn. */
export class HeldEvents extends RuntimeMessage {
  readonly type = "$held";
}
