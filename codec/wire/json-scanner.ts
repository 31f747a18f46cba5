import { WireError } from '../wire-error.ts';
import { maxStepUnits } from './steps.ts';

/** A JSON value without parts. */
export type JsonScalar = string | number | boolean | null;

/** Digits of each part of a number; no value of KMIP needs more than 20. */
const number = /-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,9})?/y;
/** A text with more white space in one place is refused. */
const space = /[ \t\n\r]{0,16384}/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 excludes them
const plain = /[^"\\\0-\x1f]{0,16384}/y;
/** A part of a text with escapes, at most 24,576 units long. JSON.parse decodes it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const escaped = /(?:[^"\\\0-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,4096}/y;

const literals: readonly (readonly [text: string, value: JsonScalar])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * Reads the tokens of a JSON text (RFC 8259) one after the other. A method takes the time of at most
 * `maxStepUnits` units; those that may need more are generators and yield. Every method skips white space
 * first, and throws a WireError `malformed` where the text is not well-formed.
 */
export class JsonScanner {
  readonly #text: string;
  #at: number;
  #lastYield = 0;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** Throws: the text is not well-formed here. The message quotes nothing of the text. */
  fail(): never {
    throw new WireError('malformed', `not well-formed JSON (character ${this.#at + 1})`);
  }

  /** Whether the caller has to yield, once for each true. */
  get isStepOver(): boolean {
    if (this.#at - this.#lastYield < maxStepUnits) return false;
    this.#lastYield = this.#at;
    return true;
  }

  /** The next character; an empty text at the end. */
  peek(): string {
    this.#match(space);
    return this.#text.charAt(this.#at);
  }

  /** Takes the next character if it is `character`. */
  takes(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at++;
    return true;
  }

  /** Takes `character`. */
  expect(character: string): void {
    if (!this.takes(character)) this.fail();
  }

  /** Takes a comma (true) or `end` (false). */
  hasMore(end: '}' | ']'): boolean {
    if (this.takes(',')) return true;
    this.expect(end);
    return false;
  }

  /** Takes a number or a literal. */
  literal(): JsonScalar {
    this.peek();
    for (const [text, value] of literals) {
      if (!this.#text.startsWith(text, this.#at)) continue;
      this.#at += text.length;
      return value;
    }
    const digits = this.#match(number);
    if (digits === '' || /[0-9]/.test(this.#text.charAt(this.#at))) this.fail();
    return Number(digits);
  }

  /** Takes a text without escapes that ends within one step; undefined when the next one is another. */
  shortText(): string | undefined {
    this.expect('"');
    const start = this.#at;
    const value = this.#match(plain);
    if (this.#text[this.#at] === '"') {
      this.#at++;
      return value;
    }
    this.#at = start - 1;
    return undefined;
  }

  /** Takes any text. */
  *text(): Generator<void, string> {
    this.expect('"');
    let value = '';
    for (;;) {
      value += this.#match(plain);
      const next = this.#text[this.#at];
      if (next === '"') break;
      if (next === '\\') value += JSON.parse(`"${this.#match(escaped) || this.fail()}"`);
      else if (next === undefined || next < ' ') this.fail();
      if (this.isStepOver) yield;
    }
    this.#at++;
    return value;
  }

  /** Skips a value of any kind without building it; brackets nest `maxDepth` deep at most. */
  *skip(maxDepth: number): Generator<void, void> {
    const ends: ('}' | ']')[] = [];
    do {
      if (this.isStepOver) yield;
      const end = this.takes('{') ? '}' : this.takes('[') ? ']' : undefined;
      if (end === undefined) yield* this.#skipScalar();
      else if (ends.length >= maxDepth)
        throw new WireError('malformed', `brackets nested deeper than ${maxDepth}`);
      else if (!this.takes(end)) {
        ends.push(end);
        if (end === '}') yield* this.#skipName();
        continue;
      }
      while (ends.length > 0 && !this.hasMore(ends.at(-1) as '}' | ']')) ends.pop();
      if (ends.at(-1) === '}') yield* this.#skipName();
    } while (ends.length > 0);
  }

  *#skipScalar(): Generator<void, void> {
    if (this.peek() !== '"') this.literal();
    else if (this.shortText() === undefined) yield* this.text();
  }

  *#skipName(): Generator<void, void> {
    if (this.shortText() === undefined) yield* this.text();
    this.expect(':');
  }

  #match(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const text = expression.exec(this.#text)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }
}
