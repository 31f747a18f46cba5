import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { promisify } from 'node:util';
import { Framer } from '../../codec/framer.ts';
import type { Node } from '../../codec/wire/node.ts';
import { Answering, type Asked } from '../answering.ts';
import { children, connect, find, type Identity } from '../client.ts';
import { mainFile } from '../fixture/kmipd.ts';
import type { Case, Exchange } from './case.ts';
import { compareMessages } from './compare.ts';
import { Comparison } from './comparison.ts';
import type { Difference } from './describe.ts';
import { operationsOf, type Result } from './exchange.ts';
import { type Knowledge, learn, nothingKnown } from './knowledge.ts';
import type { TestServer } from './server.ts';
import { type Bindings, resolveExpectation, resolveRequest } from './tokens.ts';

/**
 * Cases with requests of the server: the client listens with its own certificate, as the operator configured.
 */

const run = promisify(execFile);

/** Operations that only the server sends; in the cases named S2C it sends all. */
const serverToClient: ReadonlySet<string> = new Set(['Notify', 'Put']);

const operationIn = ({ request }: Exchange): string =>
  /<Operation [^>]*value="(\w+)"/.exec(request)?.[1] ?? '';

const isAsked = ({ name }: Case, exchange: Exchange): boolean =>
  name.includes('-S2C-') || serverToClient.has(operationIn(exchange));

/** Whether the case contains a request of the server. */
export function isReversed(each: Case): boolean {
  return each.exchanges.some((exchange) => isAsked(each, exchange));
}

/** Runs a case with a client that sends requests on one connection and answers them on another. */
export async function runReversed(each: Case, server: TestServer, name: string): Promise<Result> {
  const identity = server.identities.get(name) as Identity;
  const answers = new Map(
    each.exchanges
      .filter((exchange) => isAsked(each, exchange))
      .map((exchange) => [
        operationIn(exchange),
        payloadOf(resolveExpectation(exchange.response, now()).message),
      ]),
  );
  const answering = new Answering({
    versions: [each.version],
    react: ({ operation }) => (answers.get(operation)?.value as readonly Node[] | undefined) ?? 'usual',
  });
  const endpoint = listen(identity, answering);
  await once(endpoint, 'listening');
  const client = await connect({ port: server.port, ...identity });
  try {
    const to = `127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
    const words = [
      'client',
      'notify',
      name,
      '--home',
      server.home,
      '--to',
      to,
      '--put',
      '--kmip',
      each.version,
    ];
    await run(process.execPath, [mainFile, ...words]);
    await answering.seen('Query');
    return { case: each, failures: await runAll(each, answering, (request) => client.exchange(request)) };
  } finally {
    await run(process.execPath, [mainFile, 'client', 'notify', name, '--home', server.home, '--off']);
    await client.close();
    endpoint.close();
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

function listen({ ca, cert, key }: Identity, answering: Answering): Server {
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true });
  server.on('secureConnection', (socket) => {
    const framer = new Framer('RequestMessage', 16_777_216);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const message of framer.push(chunk)) {
        const answer = answering.answer(message);
        if (answer !== undefined) socket.write(answer);
      }
    });
  });
  return server.listen(0, '127.0.0.1');
}

async function runAll(
  each: Case,
  answering: Answering,
  exchange: (request: Node) => Promise<Node>,
): Promise<Result['failures']> {
  const failures: Result['failures'][number][] = [];
  let bindings: Bindings = new Map();
  let known: Knowledge = nothingKnown;
  for (const [index, step] of each.exchanges.entries()) {
    const place = { exchange: index + 1, operations: [operationIn(step)] };
    try {
      if (isAsked(each, step)) {
        const asked = await answering.seen(operationIn(step));
        const differences = compareRequests(step.request, asked, bindings, known);
        if (differences.length > 0)
          failures.push({ ...place, differences, expected: step.request, actual: asked.message });
        continue;
      }
      const { message: request } = resolveRequest(step.request, bindings, now(), known.latest);
      const actual = await exchange(request);
      const expectation = resolveExpectation(step.response, now());
      const verdict = compareMessages(expectation, actual, { request, now: now(), bindings, known });
      bindings = verdict.bindings;
      known = learn(known, request, actual, verdict.replays);
      const { differences } = verdict;
      if (differences.length > 0)
        failures.push({ ...place, operations: operationsOf(request), differences, request, actual });
    } catch (error) {
      const actual = (error as Error).message;
      failures.push({
        ...place,
        differences: [{ path: '', expected: 'an exchange that can be run', actual }],
      });
      break;
    }
  }
  return failures;
}

/** Compares the server's requests with those of the case: the server may query and report more attributes. */
function compareRequests(
  xml: string,
  asked: Asked,
  bindings: Bindings,
  known: Knowledge,
): readonly Difference[] {
  const { message, tokens } = resolveExpectation(xml, now());
  const scope = {
    ...{ version: asked.version, operation: asked.operation, now: now(), tokens, known },
    ...{ generated: true, formatAsked: false, randomised: false },
  };
  const comparison = new Comparison(scope, bindings);
  const [expected, actual] = [message, asked.message].map(payloadOf) as [Payload, Payload];
  if (asked.operation === 'Query') {
    const wanted = new Set(children(actual, 'QueryFunction').map(({ value }) => value));
    for (const { value } of children(expected, 'QueryFunction')) {
      if (!wanted.has(value)) comparison.report('QueryFunction', String(value), 'not asked');
    }
  } else comparison.fields(expected.value, actual.value, 'RequestPayload', [expected], 'allowed');
  return comparison.differences;
}

type Payload = Extract<Node, { type: 'Structure' }>;

function payloadOf(message: Node): Payload {
  const item = find(message, 'BatchItem') as Node;
  return (find(item, 'RequestPayload') ?? find(item, 'ResponsePayload')) as Payload;
}
