/** How a finding of the doctor reads on a terminal of 80 columns. Signs and words tell how it stands; nothing is told by a colour. */

import type { Finding, FindingStatus, Fix } from "../doctor/finding.ts";

const columns = 80;

const signs: Readonly<Record<FindingStatus, string>> = {
  ok: "✓ ok",
  warning: "! warning",
  failure: "✗ FAILURE",
  skipped: "- skipped",
};

/** How far the sentences stand in: after the sign, its word and the name of the check. */
const indent = 24;

/** A finding, over as many lines as it needs. A command has a line of its own, however long it is, to be copied. */
export function findingText({ check, status, message, fix }: Finding): string {
  const [first = "", ...rest] = wrap(message, columns - indent);
  const lines = [`${signs[status].padEnd(10)} ${check.padEnd(indent - 12)} ${first}`, ...rest.map(inset)];
  if (fix === undefined) return lines.join("\n");
  lines.push(...wrap(fix.before, columns - indent).map(inset));
  if (fix.command !== undefined) lines.push(`  $ ${fix.command}`);
  if (fix.after !== undefined) lines.push(...wrap(fix.after, columns - indent).map(inset));
  return lines.join("\n");
}

/** The last line: how many of each. */
export function summaryText(findings: readonly Finding[]): string {
  const count = (status: FindingStatus) => findings.filter((finding) => finding.status === status).length;
  const failures = count("failure");
  const verdict = failures === 0 ? "agents can run here" : "agents cannot run here";
  return `${verdict}: ${count("ok")} ok, ${plural(count("warning"), "warning")}, ${plural(failures, "failure")}, ${count("skipped")} skipped`;
}

/** A fix as one sentence. */
export function fixSentence({ before, command, after }: Fix): string {
  const start = command === undefined ? before : `${before} ${command}`;
  return after === undefined ? start : `${start}; ${after}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function inset(line: string): string {
  return `${" ".repeat(indent)}${line}`;
}

/** Lines of whole words; a word that is longer than a line has one of its own. */
function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    for (const word of paragraph.split(" ")) {
      const last = lines.at(-1);
      if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
      else lines[lines.length - 1] = `${last} ${word}`;
    }
    return lines;
  });
}
