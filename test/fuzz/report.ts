export interface Options {
  readonly seed: number;
  /** Number of the first message; seed and number determine the message. */
  readonly from: number;
  readonly count: number;
  /** Milliseconds in which each message must be answered. */
  readonly deadline: number;
  /** URL of an empty database; SQLite in a temporary directory when left out. */
  readonly store?: string;
  /** Problems after which the campaign ends. */
  readonly maxProblems: number;
  progress?(report: Report, milliseconds: number): void;
}

export interface Problem {
  readonly number: number;
  readonly problem: string;
  readonly details: string;
  /** The message, its identifiers replaced by stand-ins: may be kept in `regressions/`. */
  readonly hex: string;
}

export interface Report {
  messages: number;
  seconds: number;
  readonly results: Map<string, number>;
  slowest: { milliseconds: number; number: number };
  /** Milliseconds for which nothing else could be done, at most; service and fuzzer share the thread. */
  stall: number;
  /** Bytes held by the process after garbage collection, at the start, now and then, and at the end. */
  readonly memory: number[];
  readonly problems: Problem[];
}

export function emptyReport(): Report {
  return {
    messages: 0,
    seconds: 0,
    results: new Map(),
    slowest: { milliseconds: 0, number: -1 },
    stall: 0,
    memory: [],
    problems: [],
  };
}

const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

/** The report as lines for a person. */
export function reportText({ messages, seconds, results, slowest, stall, memory, problems }: Report): string {
  const histogram = [...results]
    .sort(([, a], [, b]) => b - a)
    .map(([result, count]) => `  ${String(count).padStart(9)}  ${result}`);
  return [
    `${messages} messages in ${seconds.toFixed(1)} s (${Math.round(messages / seconds)}/s)`,
    'results of batch items:',
    ...histogram,
    `longest answer: ${slowest.milliseconds.toFixed(0)} ms, message ${slowest.number}`,
    `event loop held for at most ${stall.toFixed(0)} ms, the making of messages included`,
    `memory: ${memory.map(mebibytes).join(', ')}`,
    ...problems.flatMap(({ number, problem, details, hex }) =>
      [`\nmessage ${number}: ${problem}`, details, hex].filter(Boolean),
    ),
    `${problems.length} problems`,
  ].join('\n');
}
