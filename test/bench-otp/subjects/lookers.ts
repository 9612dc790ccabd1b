/** Who looks at an agent's machine, by the number that stands in a request. */
export const lookers = ["nobody", "an unwatched inspector", "Stately's inspector", "a recorder"] as const;
