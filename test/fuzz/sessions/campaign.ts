import fc from 'fast-check';
import type { InvariantName } from './invariants.ts';
import { SessionServer } from './server.ts';
import { FindingError, Session } from './session.ts';
import { steps } from './steps.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  /** Where a finding was, to send it alone. */
  readonly path?: string | undefined;
  readonly ignored?: readonly InvariantName[];
  /** Milliseconds for the search for a smaller session. */
  readonly shrinkMilliseconds?: number;
  progress?(sessions: number, milliseconds: number): void;
}

export interface CampaignReport {
  readonly sessions: number;
  readonly seconds: number;
  /** Results of batch items. */
  readonly tally: ReadonlyMap<string, number>;
  readonly finding: Finding | undefined;
}

export interface Finding {
  readonly invariant: InvariantName | undefined;
  readonly text: string;
  readonly lines: readonly string[];
  /** The session in which it was found, counted from 1. */
  readonly session: number;
  readonly seed: number;
  readonly path: string;
}

/** Runs random sessions until the count is reached or an invariant does not hold. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { seed, count, path, ignored = [], shrinkMilliseconds = 60_000, progress } = options;
  // Refusals are errors, and their stacks are most of the time that a session takes.
  const { stackTraceLimit } = Error;
  if (path === undefined) Error.stackTraceLimit = 0;
  const server = new SessionServer();
  const tally = new Map<string, number>();
  const started = performance.now();
  let sessions = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let failure: unknown;
  const property = fc.asyncProperty(steps, async (session) => {
    if (performance.now() > deadline) return;
    const run = new Session(server, new Set(ignored));
    try {
      await run.run(session);
    } catch (error) {
      if (deadline === Number.POSITIVE_INFINITY) deadline = performance.now() + shrinkMilliseconds;
      failure = error;
      throw error;
    }
    if (deadline !== Number.POSITIVE_INFINITY) return;
    sessions += 1;
    for (const [key, number] of run.tally) tally.set(key, (tally.get(key) ?? 0) + number);
    progress?.(sessions, performance.now() - started);
  });
  const details = await fc.check(property, { seed, numRuns: count, ...(path !== undefined && { path }) });
  await server.close();
  Error.stackTraceLimit = stackTraceLimit;
  const seconds = (performance.now() - started) / 1000;
  if (!details.failed) return { sessions, seconds, tally, finding: undefined };
  const finding = {
    ...describeFailure(failure),
    session: sessions + 1,
    seed: details.seed,
    path: details.counterexamplePath ?? '',
  };
  return { sessions, seconds, tally, finding };
}

function describeFailure(error: unknown): Pick<Finding, 'invariant' | 'text' | 'lines'> {
  if (error instanceof FindingError)
    return { invariant: error.invariant, text: error.message, lines: error.lines };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { invariant: undefined, text, lines: [] };
}

/** The report as lines for a person. */
export function campaignText({ sessions, seconds, tally, finding }: CampaignReport): string {
  const histogram = [...tally]
    .sort(([, a], [, b]) => b - a)
    .map(([result, number]) => `  ${String(number).padStart(9)}  ${result}`);
  return [
    `${sessions} sessions in ${seconds.toFixed(1)} s (${Math.round(sessions / seconds)}/s)`,
    ...histogram.slice(0, 60),
    ...(finding === undefined
      ? ['0 findings']
      : [
          `session ${finding.session}: ${finding.text}`,
          ...finding.lines,
          `again: npm run fuzz:sessions -- --seed ${finding.seed} --path ${finding.path}`,
        ]),
  ].join('\n');
}
