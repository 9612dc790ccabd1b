/** What the demonstration writes on: lines that stay, text that grows, and on a terminal a status line that is always last. */

import { stripVTControlCharacters, styleText } from "node:util";

/** A style of node:util's styleText. Colour is left out where the terminal or NO_COLOR says so. */
export type Style = Parameters<typeof styleText>[0];

/** Text that grows while it is shown. */
export interface GrowingText {
  /** Adds to what is shown. */
  add(text: string): void;
  /** Shows this instead; without a terminal, as a line of its own. */
  replace(text: string): void;
  /** Leaves the text as a line that stays. */
  end(): void;
}

/** A heading with an empty line before it. */
export function showHeading(screen: Screen, title: string): void {
  screen.line();
  screen.line(screen.style(["bold", "blue"], title));
}

/** Where the demonstration writes. */
export interface Screen {
  /** A line that stays. */
  line(text?: string): void;
  /** A line on stderr. */
  error(text: string): void;
  /** Begins a text that grows behind `prefix`. One at a time. */
  grow(prefix: string): GrowingText;
  /** Sets what the status line shows; drawn anew ten times a second. */
  status(render: (() => string) | undefined): void;
  style(style: Style, text: string): string;
  /** Removes the status line. */
  close(): void;
}

const redrawMs = 100;

/** Creates a screen on this process's stdout. Live on a terminal that is neither CI's nor "dumb"; plain lines otherwise. */
export function createScreen(out: NodeJS.WriteStream = process.stdout, env: NodeJS.ProcessEnv = process.env): Screen {
  const live = out.isTTY === true && (env.CI ?? "") === "" && env.TERM !== "dumb";
  // A reader that has gone (npm start | head) is no reason to leave the agents unstopped.
  out.on("error", () => undefined);
  return live ? new LiveScreen(out) : new PlainScreen(out);
}

function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

class PlainScreen implements Screen {
  readonly style = paint;
  readonly #out: NodeJS.WriteStream;
  /** Whether a growing text has left the cursor within a line. */
  #open = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  line(text = ""): void {
    this.#closeLine();
    this.#out.write(`${text}\n`);
  }

  error(text: string): void {
    this.#closeLine();
    process.stderr.write(`${text}\n`);
  }

  grow(prefix: string): GrowingText {
    let begun = false;
    return {
      add: (text) => {
        this.#out.write(begun && this.#open ? text : `${prefix}${text}`);
        begun = true;
        this.#open = true;
      },
      replace: (text) => this.line(`${prefix}${text}`),
      end: () => this.#closeLine(),
    };
  }

  status(): void {
    // There is no last line to keep.
  }

  close(): void {
    this.#closeLine();
  }

  #closeLine(): void {
    if (this.#open) this.#out.write("\n");
    this.#open = false;
  }
}

class LiveScreen implements Screen {
  readonly style = paint;
  readonly #out: NodeJS.WriteStream;
  #growing: string | undefined;
  #render: (() => string) | undefined;
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  line(text = ""): void {
    this.#draw(`${text}\n`);
  }

  error(text: string): void {
    this.#draw("");
    this.#erase();
    process.stderr.write(`${text}\n`);
  }

  grow(prefix: string): GrowingText {
    let text = "";
    const show = () => {
      this.#growing = `${prefix}${text}`;
      this.#draw("");
    };
    return {
      add(more) {
        text += more;
        show();
      },
      replace(whole) {
        text = whole;
        show();
      },
      end: () => {
        this.#growing = undefined;
        this.line(`${prefix}${text}`);
      },
    };
  }

  status(render: (() => string) | undefined): void {
    this.#render = render;
    clearInterval(this.#timer);
    if (render !== undefined) this.#timer = setInterval(() => this.#draw(""), redrawMs).unref();
    this.#draw("");
  }

  close(): void {
    this.#growing = undefined;
    this.status(undefined);
  }

  /** Writes what stays above what is redrawn. */
  #draw(lasting: string): void {
    this.#erase();
    const lines: string[] = [];
    if (this.#growing !== undefined) lines.push(this.#fit(this.#growing, "end"));
    if (this.#render !== undefined) lines.push(this.#fit(this.#render(), "start"));
    this.#out.write(`${lasting}${lines.join("\n")}`);
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines === 0) return;
    this.#out.write(`\r\x1b[2K${"\x1b[1A\x1b[2K".repeat(this.#drawnLines - 1)}`);
    this.#drawnLines = 0;
  }

  /** A redrawn line must not wrap: of a long one the given part is shown, without colour. */
  #fit(text: string, part: "start" | "end"): string {
    // A pseudo-terminal may say 0.
    const width = (this.#out.columns || 80) - 1;
    const plain = stripVTControlCharacters(text);
    if (plain.length <= width) return text;
    return part === "start" ? `${plain.slice(0, width - 1)}…` : `…${plain.slice(plain.length - width + 1)}`;
  }
}
