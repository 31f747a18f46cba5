import t from 'tap';
import type { Node } from '../../../codec/wire/node.ts';
import { valueOf } from '../../client.ts';
import type { Case } from '../../conformance/case.ts';
import { runGroup } from '../../conformance/exchange.ts';
import { parseMessage } from '../../conformance/tokens.ts';

const protocol =
  '<ProtocolVersion><ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/></ProtocolVersion>';
const request = (operation: string, payload: string) =>
  `<RequestMessage><RequestHeader>${protocol}<BatchCount type="Integer" value="1"/></RequestHeader><BatchItem><Operation type="Enumeration" value="${operation}"/><RequestPayload>${payload}</RequestPayload></BatchItem></RequestMessage>`;
const response = (operation: string, payload: string, stamp = '$NOW') =>
  `<ResponseMessage><ResponseHeader>${protocol}<TimeStamp type="DateTime" value="${stamp}"/><BatchCount type="Integer" value="1"/></ResponseHeader><BatchItem><Operation type="Enumeration" value="${operation}"/><ResultStatus type="Enumeration" value="Success"/><ResponsePayload>${payload}</ResponsePayload></BatchItem></ResponseMessage>`;
const uid = (value: string) => `<UniqueIdentifier type="TextString" value="${value}"/>`;
const created = (value: string) => `<ObjectType type="Enumeration" value="SymmetricKey"/>${uid(value)}`;

const create = {
  request: request('Create', ''),
  response: response('Create', created('$UNIQUE_IDENTIFIER_0')),
};
const activate = {
  request: request('Activate', uid('$UNIQUE_IDENTIFIER_0')),
  response: response('Activate', uid('$UNIQUE_IDENTIFIER_0')),
};
const make = (name: string, exchanges: Case['exchanges']): Case => ({
  name,
  version: '1.4',
  family: 'BL',
  file: `${name}.xml`,
  exchanges,
});

/** A server of canned answers that keeps what it was sent. */
function fake(answers: readonly (string | Error)[]) {
  const sent: Node[] = [];
  let closed = 0;
  const connect = async () => ({
    async exchange(message: Node) {
      sent.push(message);
      const answer = answers[sent.length - 1];
      if (typeof answer !== 'string') throw answer ?? new Error('no more answers');
      return parseMessage(answer.replace('$NOW', new Date().toISOString()));
    },
    async close() {
      closed++;
    },
  });
  return { connect, sent, closed: () => closed };
}

t.test('an identifier from one answer stands in the next request', async (t) => {
  const server = fake([response('Create', created('17')), response('Activate', uid('17'))]);
  const results = await runGroup(
    { version: '1.4', cases: [make('BL-M-1-14', [create, activate])] },
    server.connect,
  );
  t.same(results[0]?.failures, []);
  t.equal(valueOf(server.sent[1] as Node, 'BatchItem', 'RequestPayload', 'UniqueIdentifier'), '17');
  t.equal(server.closed(), 1);
});

t.test('a wrong answer fails its exchange, the next one still runs', async (t) => {
  const server = fake([response('Create', created('17')), response('Activate', uid('18'))]);
  const [result] = await runGroup(
    { version: '1.4', cases: [make('BL-M-1-14', [create, activate])] },
    server.connect,
  );
  t.equal(result?.failures.length, 1);
  t.equal(result?.failures[0]?.exchange, 2);
  t.same(result?.failures[0]?.operations, ['Activate']);
  t.ok(result?.failures[0]?.actual);
});

t.test('a token that no answer gave ends the case, and only that', async (t) => {
  const server = fake([response('Create', created('17'))]);
  const results = await runGroup(
    { version: '1.4', cases: [make('BL-M-1-14', [activate, create]), make('BL-M-2-14', [create])] },
    server.connect,
  );
  t.equal(results[0]?.failures.length, 1);
  t.match(results[0]?.failures[0]?.differences[0]?.actual, 'UNIQUE_IDENTIFIER_0');
  t.same(results[1]?.failures, []);
});

t.test('a connection that breaks fails the case and is closed', async (t) => {
  const server = fake([new Error('connection closed by the server')]);
  const [result] = await runGroup(
    { version: '1.4', cases: [make('BL-M-1-14', [create, activate])] },
    server.connect,
  );
  t.equal(result?.failures.length, 1);
  t.match(result?.failures[0]?.differences[0]?.actual, 'connection closed');
  t.equal(server.sent.length, 1);
  t.equal(server.closed(), 1);
});
