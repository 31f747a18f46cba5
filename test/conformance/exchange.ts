import { Operation } from '../../codec/enums.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children, valueOf } from '../client.ts';
import type { Case, CaseGroup, Exchange } from './case.ts';
import { compareMessages } from './compare.ts';
import type { Difference } from './describe.ts';
import { type Knowledge, learn, nothingKnown, replay } from './knowledge.ts';
import { type Bindings, resolveExpectation, resolveRequest } from './tokens.ts';

/** An exchange whose answer was not the expected one. */
export interface Failure {
  /** Place in the case, from 1. */
  readonly exchange: number;
  /** Operations of the batch. */
  readonly operations: readonly string[];
  readonly differences: readonly Difference[];
  readonly request?: Node;
  /** As the case file has it, tokens included. */
  readonly expected?: string;
  readonly actual?: Node;
}

export interface Result {
  readonly case: Case;
  readonly failures: readonly Failure[];
}

/** A connection for the exchanges of a case; `Client` is one. */
export interface Connection {
  exchange(request: Node): Promise<Node>;
  close(): Promise<void>;
}

/** Seconds since 1970. */
const clock = (): number => Math.floor(Date.now() / 1000);

/**
 * Runs the cases of a group one after the other on one connection; each finds the objects of those before it.
 */
export async function runGroup(group: CaseGroup, connect: () => Promise<Connection>): Promise<Result[]> {
  const results: Result[] = [];
  let known = nothingKnown;
  for (const each of group.cases) {
    const client = await connect();
    try {
      const outcome = await runCase(each, client, known);
      known = outcome.known;
      results.push({ case: each, failures: outcome.failures });
    } finally {
      await client.close();
    }
  }
  return results;
}

interface State {
  readonly bindings: Bindings;
  readonly known: Knowledge;
}

async function runCase(
  each: Case,
  client: Connection,
  known: Knowledge,
): Promise<{ failures: Failure[]; known: Knowledge }> {
  const failures: Failure[] = [];
  // Tokens belong to a file; knowledge about objects belongs to the whole group.
  let state: State = { bindings: new Map(), known };
  for (const [index, exchange] of each.exchanges.entries()) {
    const at = { exchange: index + 1, operations: [] };
    try {
      const outcome = await runExchange(exchange, state, client, each.name.startsWith('TC-OFFSET'));
      state = outcome.state;
      if (outcome.differences.length > 0) failures.push({ ...at, ...outcome });
    } catch (error) {
      const actual = (error as Error).message;
      failures.push({
        ...at,
        differences: [{ path: '', expected: 'an exchange that can be run', actual }],
      });
      break;
    }
  }
  return { failures, known: state.known };
}

interface ExchangeOutcome extends Omit<Failure, 'exchange'> {
  readonly state: State;
}

async function runExchange(
  exchange: Exchange,
  state: State,
  client: Connection,
  ordered: boolean,
): Promise<ExchangeOutcome> {
  const now = clock();
  const resolved = resolveRequest(exchange.request, state.bindings, now, state.known.latest);
  const request = replay(resolved.message, state.known.replays);
  const expectation = resolveExpectation(exchange.response, now);
  const actual = await client.exchange(request);
  const verdict = compareMessages(expectation, actual, {
    request,
    now,
    bindings: resolved.bindings,
    known: state.known,
    ordered,
  });
  return {
    state: { bindings: verdict.bindings, known: learn(state.known, request, actual, verdict.replays) },
    operations: operationsOf(request),
    differences: verdict.differences,
    request,
    expected: exchange.response,
    actual,
  };
}

export function operationsOf(request: Node): string[] {
  return children(request, 'BatchItem').map((item) =>
    String(Operation.fromNumber(Number(valueOf(item, 'Operation')))),
  );
}
