import t from 'tap';
import type { Node } from '../../../codec/wire/node.ts';
import { valueOf } from '../../client.ts';
import { learn, nothingKnown, replay } from '../../conformance/knowledge.ts';
import { parseMessage, resolveExpectation, resolveRequest } from '../../conformance/tokens.ts';

const now = 1_700_000_000;
const request = (payload: string, operation = 'Get') =>
  `<RequestMessage><RequestHeader><BatchCount type="Integer" value="1"/></RequestHeader><BatchItem><Operation type="Enumeration" value="${operation}"/><RequestPayload>${payload}</RequestPayload></BatchItem></RequestMessage>`;
const response = (payload: string, operation = 'Get') =>
  `<ResponseMessage><ResponseHeader><BatchCount type="Integer" value="1"/></ResponseHeader><BatchItem><Operation type="Enumeration" value="${operation}"/><ResultStatus type="Enumeration" value="Success"/><ResponsePayload>${payload}</ResponsePayload></BatchItem></ResponseMessage>`;
const payload = ['BatchItem', 'RequestPayload'] as const;
const text = (value: string): Node => ({ tag: 0x420094, type: 'TextString', value });

t.test('bound tokens are replaced, markup in their values survives', async (t) => {
  const bindings = new Map([['$UNIQUE_IDENTIFIER_0', text('a"&<b')]]);
  const { message } = resolveRequest(
    request('<UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_0"/>'),
    bindings,
    now,
  );
  t.equal(valueOf(message, ...payload, 'UniqueIdentifier'), 'a"&<b');
});

t.test('an unbound token stops the case', async (t) => {
  t.throws(
    () =>
      resolveRequest(
        request('<UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_7"/>'),
        new Map(),
        now,
      ),
    /UNIQUE_IDENTIFIER_7/,
  );
});

t.test('times are relative to now', async (t) => {
  for (const [token, seconds] of Object.entries({
    $NOW: now,
    '$NOW-3600': now - 3600,
    '$NOW+20': now + 20,
  })) {
    const { message } = resolveRequest(
      request(`<ActivationDate type="DateTime" value="${token}"/>`),
      new Map(),
      now,
    );
    t.equal(valueOf(message, ...payload, 'ActivationDate'), seconds, token);
  }
});

t.test('random tokens are invented once', async (t) => {
  const xml = request('<UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_RANDOM_0"/>');
  const first = resolveRequest(xml, new Map(), now);
  const second = resolveRequest(xml, first.bindings, now);
  const value = valueOf(first.message, ...payload, 'UniqueIdentifier');
  t.match(value, /^[0-9a-f]{32}$/);
  t.equal(valueOf(second.message, ...payload, 'UniqueIdentifier'), value);
  t.not(valueOf(resolveRequest(xml, new Map(), now).message, ...payload, 'UniqueIdentifier'), value);
});

t.test('a token that no answer showed is the last value under its tag', async (t) => {
  const answer = parseMessage(response('<MACData type="ByteString" value="0102"/>', 'MAC'));
  const known = learn(nothingKnown, parseMessage(request('', 'MAC')), answer, new Map());
  const { message } = resolveRequest(
    request('<MACData type="ByteString" value="$MAC_DATA"/>'),
    new Map(),
    now,
    known.latest,
  );
  t.same(valueOf(message, ...payload, 'MACData'), new Uint8Array([1, 2]));
});

t.test('the items that stand for tokens are known', async (t) => {
  const { tokens } = resolveExpectation(
    response(
      '<UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_0"/><Data type="ByteString" value="$DATA"/><ActivationDate type="DateTime" value="$NOW"/><Name><NameValue type="TextString" value="$5"/></Name>',
    ),
    now,
  );
  t.same([...tokens.values()], ['$UNIQUE_IDENTIFIER_0', '$DATA', '$NOW']);
  t.same(
    [...tokens.keys()].map((node) => node.type),
    ['TextString', 'ByteString', 'DateTime'],
  );
});

t.test('runs of spaces in attribute names are one space', async (t) => {
  const message = parseMessage(request(''));
  const { message: tidied } = resolveRequest(
    request('<AttributeName type="TextString" value="Activation   Date"/>'),
    new Map(),
    now,
  );
  t.equal(valueOf(tidied, ...payload, 'AttributeName'), 'Activation Date');
  t.equal(valueOf(message, ...payload, 'AttributeName'), undefined);
});

t.test('objects that the server made are remembered, registered ones are not', async (t) => {
  const answer = (id: string, operation: string) =>
    parseMessage(response(`<UniqueIdentifier type="TextString" value="${id}"/>`, operation));
  const created = learn(nothingKnown, parseMessage(request('', 'Create')), answer('a', 'Create'), new Map());
  const both = learn(created, parseMessage(request('', 'Register')), answer('b', 'Register'), new Map());
  t.same([...both.generated], ['a']);
  const fromGenerated = request('<UniqueIdentifier type="TextString" value="a"/>', 'DeriveKey');
  const fromRegistered = request('<UniqueIdentifier type="TextString" value="b"/>', 'DeriveKey');
  t.same(
    [...learn(both, parseMessage(fromGenerated), answer('c', 'DeriveKey'), new Map()).generated],
    ['a', 'c'],
  );
  t.same(
    [...learn(both, parseMessage(fromRegistered), answer('c', 'DeriveKey'), new Map()).generated],
    ['a'],
  );
});

t.test('bytes that the server drew replace those of the case', async (t) => {
  const message = parseMessage(request('<Data type="ByteString" value="0011"/>'));
  const replaced = replay(message, new Map([['0011', new Uint8Array([9])]]));
  t.same(valueOf(replaced, ...payload, 'Data'), new Uint8Array([9]));
  t.equal(replay(message, new Map()), message);
});
