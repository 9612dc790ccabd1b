/** The process numbers of fake workers. Linux gives out numbers below 2^22 only: nothing that lives can have one of these. They are never signalled. */

let lastPid = 2 ** 22;

/** The next one. */
export function nextFakePid(): number {
  lastPid += 1;
  return lastPid;
}
