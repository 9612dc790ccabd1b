/** Where conversations are kept: their messages, and a revision that tells whether somebody else has gone on. */

/** A conversation as it is stored. JSON. */
export interface StoredConversation {
  /** pydantic-ai messages (JSON values), oldest first. */
  readonly messages: readonly unknown[];
  /** 1 for the first that was written, and one more each time. */
  readonly revision: number;
}

/** A place for conversations; one that several hosts share keeps them apart by `revision`. */
export interface ConversationStore {
  /** Undefined: there is none of this id. */
  read(id: string): Promise<StoredConversation | undefined>;
  /**
   * Compare and set: writes it where the stored revision is `conversation.revision - 1` (0: there is none).
   * @returns false where it is another, and nothing was written
   */
  write(id: string, conversation: StoredConversation): Promise<boolean>;
  delete(id: string): Promise<void>;
}

/** A store in this process's memory. A conversation is kept until it is deleted; what is read and written is copied, as any other store does. */
export function createConversationStore(): ConversationStore {
  const stored = new Map<string, StoredConversation>();
  return {
    read: async (id) => structuredClone(stored.get(id)),
    async write(id, conversation) {
      if ((stored.get(id)?.revision ?? 0) !== conversation.revision - 1) return false;
      stored.set(id, structuredClone(conversation));
      return true;
    },
    async delete(id) {
      stored.delete(id);
    },
  };
}
