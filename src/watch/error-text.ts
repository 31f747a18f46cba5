/** What of an error may be logged. */
export interface ErrorText {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  /** Positions only: the first line of a stack repeats the message. */
  readonly at?: readonly string[];
}

const maxMessageLength = 300;
const maxStackLines = 12;
const maxCauses = 4;

/**
 * An error without the values it quotes: drivers and Node put what they were given into their messages ("invalid input
 * syntax: "…"", "Received '…'", JSON.parse shows the text), and that may be a key or a password. Quoted text, what follows
 * "Received", and runs of 16 or more characters of hexadecimal or Base64 are left out.
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

/** The errors behind an error, the nearest first; undefined when there are none. */
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
