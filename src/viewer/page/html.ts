/** Markup of the page, without a compiler: htm over preact. */

import htm from "htm";
import { h, type VNode } from "preact";

/** Makes elements of a template. */
export const html = (htm as unknown as { bind(make: typeof h): Template }).bind(h);

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;
