import { Operation, ResultStatus } from '../../codec/enums.ts';
import type { TagName } from '../../codec/tags.ts';
import { newestVersion } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children, find, valueOf } from '../client.ts';
import { Comparison, type Scope, sameValue } from './comparison.ts';
import { type Difference, describe } from './describe.ts';
import { identifiersIn, isRandomised, type Knowledge, learn, wrapsRandomly } from './knowledge.ts';
import { comparePayload } from './payloads.ts';
import { checkRules, versionIn } from './rules.ts';
import type { Bindings, Expectation } from './tokens.ts';

/** The input of one comparison besides the response. */
export interface Context {
  readonly request: Node;
  /** Seconds. */
  readonly now: number;
  readonly bindings: Bindings;
  readonly known: Knowledge;
  /** Locate answers come in a fixed order. */
  readonly ordered?: boolean;
}

export interface ComparisonResult {
  readonly differences: readonly Difference[];
  /** Tokens bound so far, those of this answer included. */
  readonly bindings: Bindings;
  /** Bytes of the case file (hex) and those the server gave in their place. */
  readonly replays: ReadonlyMap<string, Uint8Array>;
}

/**
 * Compares an answer with the one a case expects. Strict: header, counts, order of fields, statuses, reasons
 * and bytes; `variations.ts` and `payloads.ts` list permitted differences, `rules.ts` the rules for every
 * response. A pure function.
 */
export function compareMessages(expectation: Expectation, actual: Node, context: Context): ComparisonResult {
  const { request, now } = context;
  const version = versionIn(request) ?? newestVersion;
  // Later items know the objects that earlier items of the same response created.
  const known = learn(context.known, request, actual, new Map());
  const scope: Scope = {
    version,
    operation: '',
    now,
    tokens: expectation.tokens,
    known,
    generated: false,
    formatAsked: false,
    randomised: false,
  };
  const differences = [...checkRules(request, actual)];
  const header = new Comparison(scope, context.bindings);
  compareHeaders(header, request, expectation.message, actual);
  differences.push(...header.differences);
  let bindings: Bindings = header.bindings;
  const replays = new Map<string, Uint8Array>();
  const [asked, wanted, given] = [request, expectation.message, actual].map((message) =>
    children(message, 'BatchItem'),
  ) as [Node[], Node[], Node[]];
  if (wanted.length !== given.length) {
    differences.push({
      path: 'BatchItem',
      expected: `${wanted.length} items`,
      actual: `${given.length} items`,
    });
  }
  wanted.forEach((item, index) => {
    const answer = given[index];
    if (answer === undefined) return;
    const question = asked[index];
    const comparison = new Comparison({ ...scope, ...aspects(question, answer, known) }, bindings);
    compareItems(comparison, question, item, answer, `BatchItem[${index + 1}]`, context.ordered ?? false);
    differences.push(...comparison.differences);
    bindings = comparison.bindings;
    for (const [hex, value] of comparison.replays) replays.set(hex, value);
  });
  return { differences, bindings, replays };
}

/** Special properties of the object of an item. */
function aspects(
  question: Node | undefined,
  answer: Node,
  known: Knowledge,
): Pick<Scope, 'operation' | 'generated' | 'formatAsked' | 'randomised'> {
  const operation = Operation.fromNumber(Number(valueOf(question ?? answer, 'Operation')));
  const ids = [...identifiersIn(question), ...identifiersIn(answer)];
  return {
    operation: String(operation),
    generated:
      ids.some((id) => known.generated.has(id)) || (question !== undefined && wrapsRandomly(question)),
    formatAsked: question !== undefined && find(question, 'RequestPayload', 'KeyFormatType') !== undefined,
    randomised:
      ids.some((id) => known.randomised.has(id)) || (question !== undefined && isRandomised(question)),
  };
}

function compareHeaders(comparison: Comparison, request: Node, expected: Node, actual: Node): void {
  const same = (name: TagName) => {
    const [left, right] = [expected, actual].map((message) => find(message, 'ResponseHeader', name));
    if (left === undefined || right === undefined || !sameValue(left, right)) {
      comparison.report(`ResponseHeader/${name}`, describe(left), describe(right));
    }
  };
  same('ProtocolVersion');
  same('BatchCount');
  const stamp = find(actual, 'ResponseHeader', 'TimeStamp');
  if (stamp?.type === 'DateTime' && !comparison.plausible(stamp.value)) {
    comparison.report('ResponseHeader/TimeStamp', 'the time of the answer', describe(stamp));
  }
  const sent = find(request, 'RequestHeader', 'ClientCorrelationValue');
  const echoed = find(actual, 'ResponseHeader', 'ClientCorrelationValue');
  if (sent?.value !== echoed?.value)
    comparison.report('ResponseHeader/ClientCorrelationValue', describe(sent), describe(echoed));
  const others: readonly TagName[] = ['Nonce', 'ServerHashedPassword', 'AttestationType'];
  for (const name of others) {
    const [left, right] = [expected, actual].map((message) => find(message, 'ResponseHeader', name));
    if ((left === undefined) !== (right === undefined))
      comparison.report(`ResponseHeader/${name}`, describe(left), describe(right));
  }
}

function compareItems(
  comparison: Comparison,
  question: Node | undefined,
  expected: Node,
  actual: Node,
  path: string,
  ordered: boolean,
): void {
  for (const name of ['Operation', 'ResultStatus', 'ResultReason'] as const) {
    const [left, right] = [find(expected, name), find(actual, name)];
    if (left?.value !== right?.value)
      comparison.report(`${path}/${name}`, describe(left), `${describe(right)}${explanation(actual)}`);
  }
  const [asked, answered] = [question, actual].map((item) =>
    item === undefined ? undefined : find(item, 'UniqueBatchItemID'),
  );
  if (asked === undefined ? answered !== undefined : answered === undefined || !sameValue(asked, answered)) {
    comparison.report(`${path}/UniqueBatchItemID`, describe(asked), describe(answered));
  }
  const [pending, given] = [
    find(expected, 'AsynchronousCorrelationValue'),
    find(actual, 'AsynchronousCorrelationValue'),
  ];
  if ((pending === undefined) !== (given === undefined)) {
    comparison.report(`${path}/AsynchronousCorrelationValue`, describe(pending), describe(given));
  }
  const [left, right] = [find(expected, 'ResponsePayload'), find(actual, 'ResponsePayload')];
  if (left === undefined && right === undefined) return;
  if (left?.type === 'Structure' && right?.type === 'Structure') {
    comparePayload(comparison, {
      request: find(question ?? expected, 'RequestPayload') ?? { tag: 0, type: 'Structure', value: [] },
      expected: left.value,
      actual: right.value,
      path: `${path}/ResponsePayload`,
      ordered,
      parents: [left],
    });
    // A failed item has no payload: its status has been reported already.
  } else if (statusOf(actual) === statusOf(expected)) {
    comparison.report(`${path}/ResponsePayload`, describe(left), describe(right));
  }
}

function statusOf(item: Node): string | number {
  return ResultStatus.fromNumber(Number(valueOf(item, 'ResultStatus')));
}

/** The server's message about its failure, for the report. */
function explanation(item: Node): string {
  const [reason, message] = [find(item, 'ResultReason'), find(item, 'ResultMessage')];
  return message === undefined ? '' : ` (${describe(reason)}: ${describe(message)})`;
}
