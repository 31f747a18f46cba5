/** The part of an error that may be logged. */
export interface ErrorText {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  /** Stack positions, without the first line of the stack, which repeats the message. */
  readonly at?: readonly string[];
}

const maxMessageLength = 300;
const maxStackLines = 12;
const maxCauses = 4;

/**
 * Describes an error without the values that it quotes. Drivers and Node quote arguments in their messages
 * ("invalid input syntax: "…"", "Received '…'", JSON.parse shows the text), and an argument may be a key or a
 * password. Quoted text, text after "Received", and runs of 16 or more characters of hexadecimal or Base64
 * are removed.
 */
export function describeError(error: unknown): ErrorText {
  if (!(error instanceof Error)) return { name: typeof error, message: '' };
  const { code } = error as { code?: unknown };
  const at = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, maxStackLines)
    .map((line) => line.trim().slice(0, maxMessageLength));
  return {
    name: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    message: removeValues(error instanceof SyntaxError ? 'syntax error' : error.message),
    ...(at.length > 0 ? { at } : {}),
  };
}

/** Describes the chain of `cause`s of an error, the nearest first; undefined when there is none. */
export function describeCauses(error: unknown): readonly ErrorText[] | undefined {
  const found: ErrorText[] = [];
  for (let cause = causeOf(error); cause !== undefined && found.length < maxCauses; cause = causeOf(cause)) {
    found.push(describeError(cause));
  }
  return found.length > 0 ? found : undefined;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function removeValues(message: string): string {
  return message
    .slice(0, maxMessageLength)
    .replace(/Received .*/s, 'Received …')
    .replace(/"[^"]*("|$)|'[^']*('|$)|`[^`]*(`|$)/gs, '"…"')
    .replace(/[A-Za-z0-9+/_=-]{16,}/g, (run) => (/^[a-z]+([_-][a-z]+)*$/i.test(run) ? run : '…'));
}
