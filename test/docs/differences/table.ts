/** The table "Differences from OTP" of docs/otp.md, and what holds it against its tests. */

/** What is tested: it throws or rejects when it does not hold. */
export type Check = () => void | Promise<void>;

/** By the subject of a row, as the page writes it: what holds, as a title, and its test. */
export type Differences = Readonly<Record<string, Readonly<Record<string, Check>>>>;

/** A row of the table. */
export interface Difference {
  readonly subject: string;
  readonly erlang: string;
  readonly here: string;
}

const heading = "\n## Differences from OTP\n";

/** The rows of the table, in order. @throws Error for a page without it, and for a row that has not three cells */
export function readDifferences(page: string): Difference[] {
  const start = page.indexOf(heading);
  if (start === -1) throw new Error(`the page has no heading "${heading.trim()}"`);
  const table = /\n\|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)/.exec(page.slice(start))?.[1] ?? "";
  return table
    .trimEnd()
    .split("\n")
    .map((line) => {
      const cells = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      const [subject = "", erlang = "", here = ""] = cells;
      if (cells.length !== 3 || subject === "" || here === "") throw new Error(`no row of three cells: ${line}`);
      return { subject, erlang, here };
    });
}

/** What does not fit: rows without a test, tests without a row, and what stands twice. Each as a sentence that says what to do. */
export function findGaps(rows: readonly Difference[], areas: readonly Differences[]): string[] {
  const subjects = rows.map(({ subject }) => subject);
  const tested = areas.flatMap((area) => Object.keys(area));
  const empty = areas.flatMap((area) =>
    Object.keys(area).filter((subject) => Object.keys(area[subject] ?? {}).length === 0),
  );
  const untested = subjects.filter((subject) => !tested.includes(subject) || empty.includes(subject));
  return [
    ...untested.map((subject) => `the row "${subject}" has no test: add what it claims to test/docs/differences`),
    ...tested
      .filter((subject) => !subjects.includes(subject))
      .map((subject) => `there is no row "${subject}": its tests are of nothing`),
    ...repeated(subjects).map((subject) => `the row "${subject}" stands twice: make one of both`),
    ...repeated(tested).map((subject) => `the row "${subject}" has tests in two files: put them into one`),
  ];
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
