import { existsSync } from 'node:fs';
import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { find } from '../client.ts';
import { type Case, readCases } from './case.ts';
import { type Context, compareMessages } from './compare.ts';
import { nameOf, stepOf } from './describe.ts';
import { learn, nothingKnown } from './knowledge.ts';
import { casesDirectory } from './run.ts';
import { type Bindings, type Expectation, resolveExpectation, resolveRequest } from './tokens.ts';

/**
 * The comparison held against the cases themselves, without a server: the answer that a case expects passes,
 * and the same answer with a field too few or too many does not.
 */

const directory = casesDirectory();
const absent = existsSync(directory) ? {} : { skip: `no conformance cases in ${directory}` };
const now = Math.floor(Date.now() / 1000);

interface RecordedExchange {
  readonly place: string;
  readonly expectation: Expectation;
  readonly answer: Node;
  readonly context: Context;
}

/** The exchanges of a case as if a server had answered each exactly as expected. */
function* runExpectedAnswers({ name, exchanges }: Case): Generator<RecordedExchange> {
  let bindings: Bindings = new Map();
  let known = nothingKnown;
  for (const [index, exchange] of exchanges.entries()) {
    const request = resolveRequest(exchange.request, bindings, now, known.latest);
    const expectation = resolveExpectation(exchange.response, now);
    const answer = own(expectation, request.message, bindings);
    const context = {
      request: request.message,
      now,
      bindings: request.bindings,
      known,
      ordered: name.startsWith('TC-OFFSET'),
    };
    yield { place: `${name} exchange ${index + 1}`, expectation, answer, context };
    const verdict = compareMessages(expectation, answer, context);
    bindings = verdict.bindings;
    known = learn(known, request.message, answer, verdict.replays);
  }
}

/** The expected answer with values in place of tokens, and a header as this server gives it. */
function own({ message, tokens }: Expectation, request: Node, bindings: Bindings): Node {
  const correlation = find(request, 'RequestHeader', 'ClientCorrelationValue');
  const fill = (node: Node): Node => {
    if (node.type === 'Structure') {
      const value = node.value.filter((child) => nameOf(child) !== 'ServerCorrelationValue').map(fill);
      if (nameOf(node) === 'ResponseHeader' && correlation !== undefined) value.splice(-1, 0, correlation);
      return { ...node, value };
    }
    if (nameOf(node) === 'TimeStamp') return { tag: node.tag, type: 'DateTime', value: now };
    const token = tokens.get(node);
    if (token === undefined || token.startsWith('$NOW')) return node;
    const bound = bindings.get(token);
    if (bound !== undefined) return { ...bound, tag: node.tag };
    return node.type === 'TextString'
      ? { tag: node.tag, type: node.type, value: token }
      : { tag: node.tag, type: 'ByteString', value: new TextEncoder().encode(token) };
  };
  return fill(message);
}

t.setTimeout(120_000);

t.test('the answer that a case expects passes', absent, async (t) => {
  for (const each of await readCases(directory)) {
    for (const { place, expectation, answer, context } of runExpectedAnswers(each)) {
      t.same(compareMessages(expectation, answer, context).differences, [], place);
    }
  }
});

/**
 * Fields that a response may lack or repeat, because they are the server's own: see `variations.ts` and
 * `payloads.ts`.
 */
const free: Readonly<Record<'less' | 'more', RegExp>> = {
  // Attributes that a server need not have, and their names in a list, where the missing name cannot be
  // identified.
  less: /(LeaseTime|Lease Time\)|RandomNumberGenerator.*|Random Number Generator\).*|ProtectionStorageMask|ShortUniqueIdentifier|ResponsePayload\/Attribute(Name|Reference)|(RNGParameters|CapabilityInformation|ValidationInformation|ClientRegistrationMethod).*)$/,
  more: /^$/,
};

/** Every answer with one item left out, or with one item twice. */
function* spoil(node: Node, path: string): Generator<{ kind: 'less' | 'more'; path: string; answer: Node }> {
  if (node.type !== 'Structure') return;
  for (const [index, child] of node.value.entries()) {
    const at = `${path}/${stepOf(child)}`;
    yield { kind: 'less', path: at, answer: { ...node, value: node.value.toSpliced(index, 1) } };
    yield { kind: 'more', path: at, answer: { ...node, value: node.value.toSpliced(index, 0, child) } };
    for (const inner of spoil(child, at)) {
      yield { ...inner, answer: { ...node, value: node.value.toSpliced(index, 1, inner.answer) } };
    }
  }
}

t.test('a field too few or too many is found', absent, async (t) => {
  const missed = new Set<string>();
  for (const each of await readCases(directory)) {
    for (const { answer, expectation, context } of runExpectedAnswers(each)) {
      for (const spoilt of spoil(answer, '')) {
        if (free[spoilt.kind].test(spoilt.path)) continue;
        const { differences } = compareMessages(expectation, spoilt.answer, context);
        if (differences.length === 0) missed.add(`${spoilt.kind}: ${spoilt.path}`);
      }
    }
  }
  t.same([...missed], []);
});
