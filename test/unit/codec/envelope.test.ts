import t from 'tap';
import {
  decodeRequest,
  encodeResponse,
  type RequestItem,
  UnsupportedVersionError,
} from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { maybe, struct, text } from '../../../codec/schema.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { bytes, limits } from './hex.ts';

function version(major: number, minor: number): string {
  return `<ProtocolVersion><ProtocolVersionMajor type="Integer" value="${major}"/><ProtocolVersionMinor type="Integer" value="${minor}"/></ProtocolVersion>`;
}

const count = '<BatchCount type="Integer" value="1"/>';
const activate =
  '<BatchItem><Operation type="Enumeration" value="Activate"/><RequestPayload><UniqueIdentifier type="TextString" value="a"/></RequestPayload></BatchItem>';

function message(header: string, items: string = activate): Uint8Array {
  const xml = `<RequestMessage><RequestHeader>${header}</RequestHeader>${items}</RequestMessage>`;
  return encodeBinary(xmlToNodes(xml, limits)[0] as Node);
}

const payload = struct({ UniqueIdentifier: maybe(text) });

t.test('decodeRequest returns version, header and items with unread payloads', (t) => {
  const items =
    '<BatchItem><Operation type="Enumeration" value="Activate"/><UniqueBatchItemID type="ByteString" value="01"/><RequestPayload/></BatchItem>' +
    '<BatchItem><Operation type="Enumeration" value="0x80000001"/><Ephemeral type="Boolean" value="true"/><RequestPayload><UniqueIdentifier type="TextString" value="b"/></RequestPayload>' +
    '<MessageExtension><VendorIdentification type="TextString" value="Acme"/><CriticalityIndicator type="Boolean" value="true"/><VendorExtension><TTLV tag="0x540001" type="Integer" value="1"/></VendorExtension></MessageExtension></BatchItem>';
  const header = `${version(2, 1)}<MaximumResponseSize type="Integer" value="2048"/><ClientCorrelationValue type="TextString" value="c"/><BatchCount type="Integer" value="2"/>`;
  const request = decodeRequest(message(header, items), limits);
  t.equal(request.version, '2.1');
  t.match(request.header, { MaximumResponseSize: 2048, ClientCorrelationValue: 'c', BatchCount: 2 });
  const [first, second] = request.items as [RequestItem, RequestItem];
  t.match(first, {
    operation: 'Activate',
    ephemeral: false,
    uniqueBatchItemID: bytes('01'),
    messageExtensions: [],
  });
  t.same(plan(payload, '2.1').read(first.payload), {});
  t.match(second, { operation: 0x80000001, ephemeral: true, uniqueBatchItemID: undefined });
  t.same(plan(payload, '2.1').read(second.payload), { UniqueIdentifier: 'b' });
  t.match(second.messageExtensions, [{ VendorIdentification: 'Acme', CriticalityIndicator: true }]);
  t.end();
});

t.test('an invalid payload affects only its own item', (t) => {
  const bad = activate.replace('type="TextString" value="a"', 'type="Integer" value="1"');
  const request = decodeRequest(message(`${version(1, 2)}${count}`, `${bad}${activate}`), limits);
  const [first, second] = request.items as [RequestItem, RequestItem];
  t.throws(() => plan(payload, '1.2').read(first.payload), { name: 'WireError', kind: 'field' });
  t.same(plan(payload, '1.2').read(second.payload), { UniqueIdentifier: 'a' });
  t.end();
});

t.test('Asynchronous Indicator is a Boolean in 1.x and an Enumeration in 2.x', (t) => {
  const boolean = '<AsynchronousIndicator type="Boolean" value="true"/>';
  const enumeration = '<AsynchronousIndicator type="Enumeration" value="Mandatory"/>';
  const read = (minor: [number, number], field: string): unknown =>
    decodeRequest(message(`${version(...minor)}${field}${count}`), limits).header.AsynchronousIndicator;
  t.equal(read([1, 4], boolean), true);
  t.equal(read([2, 0], enumeration), 'Mandatory');
  t.throws(() => read([1, 4], enumeration), { name: 'WireError' });
  t.throws(() => read([2, 0], boolean), { name: 'WireError' });
  t.end();
});

t.test('decodeRequest reads header fields in any order and of later versions', (t) => {
  const header = `${count}<ClientCorrelationValue type="TextString" value="c"/><TimeStamp type="DateTime" value="2008-03-14T11:56:40Z"/>${version(1, 0)}`;
  const request = decodeRequest(message(header), limits);
  t.equal(request.version, '1.0');
  t.match(request.header, { ClientCorrelationValue: 'c', TimeStamp: 1205495800 });
  t.end();
});

t.test('decodeRequest refuses unsupported versions', (t) => {
  for (const [major, minor] of [
    [0, 0],
    [1, 5],
    [1, -1],
    [2, 2],
    [3, 0],
    [9, 9],
    [-1, 0],
  ] as const) {
    try {
      decodeRequest(message(`${version(major, minor)}${count}`), limits);
      t.fail('must throw');
    } catch (error) {
      t.ok(error instanceof UnsupportedVersionError, `${major}.${minor}`);
      t.match(error, { major, minor });
    }
  }
  t.doesNotThrow(() => decodeRequest(message(`${version(2, 1)}${count}`), limits));
  t.throws(
    () => decodeRequest(message(`${version(3, 0)}<Username type="TextString" value="?"/>`), limits),
    UnsupportedVersionError,
    'reported before the rest of the header is read',
  );
  t.end();
});

t.test('decodeRequest refuses messages that are not requests', (t) => {
  const good = message(`${version(1, 4)}${count}`);
  const header = `${version(1, 4)}${count}`;
  const response = encodeBinary({ tag: tagNumber('ResponseMessage'), type: 'Structure', value: [] });
  const empty = encodeBinary({ tag: tagNumber('RequestMessage'), type: 'Structure', value: [] });
  const cases: [label: string, bytes: Uint8Array, kind: string, message: RegExp][] = [
    ['nothing', new Uint8Array(0), 'malformed', /not a Request Message/],
    ['a response', response, 'malformed', /not a Request Message/],
    ['an empty message', empty, 'field', /RequestHeader is missing/],
    ['two messages', Uint8Array.of(...good, ...good), 'malformed', /more than one message/],
    ['a message cut short', good.subarray(0, good.length - 8), 'malformed', /longer than its parent/],
    ['no version', message(count), 'field', /ProtocolVersion is missing/],
    [
      'half a version',
      message(`<ProtocolVersion><ProtocolVersionMajor type="Integer" value="1"/></ProtocolVersion>${count}`),
      'field',
      /ProtocolVersionMinor is missing/,
    ],
    [
      'a version that is no structure',
      message(`<ProtocolVersion type="Integer" value="1"/>${count}`),
      'field',
      /ProtocolVersion is Integer/,
    ],
    ['no batch count', message(version(1, 4)), 'field', /BatchCount is missing/],
    ['a field twice', message(`${header}${count}`), 'field', /twice/],
    [
      'a field of something else',
      message(`${header}<State type="Enumeration" value="Active"/>`),
      'unknown',
      /State is not expected/,
    ],
    [
      'no operation',
      message(header, '<BatchItem><RequestPayload/></BatchItem>'),
      'field',
      /Operation is missing/,
    ],
    [
      'no payload',
      message(header, '<BatchItem><Operation type="Enumeration" value="Query"/></BatchItem>'),
      'field',
      /RequestPayload is missing/,
    ],
    [
      'an item of something else',
      message(header, '<State type="Enumeration" value="Active"/>'),
      'field',
      /only Batch Items/,
    ],
    [
      'a batch item that is no structure',
      message(header, '<BatchItem type="Integer" value="1"/>'),
      'field',
      /BatchItem is Integer/,
    ],
  ];
  for (const [label, encoded, kind, text] of cases) {
    t.throws(() => decodeRequest(encoded, limits), { name: 'WireError', kind, message: text }, label);
  }
  t.end();
});

t.test('a payload that is not a structure affects only its own item', (t) => {
  const request = decodeRequest(
    message(
      `${version(1, 4)}${count}`,
      '<BatchItem><Operation type="Enumeration" value="Query"/><RequestPayload type="Integer" value="1"/></BatchItem>',
    ),
    limits,
  );
  t.throws(() => plan(payload, '1.4').read((request.items[0] as RequestItem).payload), {
    name: 'WireError',
    message: /must be Structure/,
  });
  t.end();
});

t.test('encodeResponse writes header and items in the order of the specification', (t) => {
  const encoded = encodeResponse({ version: '1.4', timeStamp: 1205495800, clientCorrelationValue: 'c' }, [
    {
      operation: 'Activate',
      uniqueBatchItemID: bytes('01'),
      status: 'Success',
      payload: (writer) =>
        plan(payload, '1.4').write(writer, tagNumber('ResponsePayload'), { UniqueIdentifier: 'a' }),
    },
    { operation: 'Poll', status: 'OperationPending', asynchronousCorrelationValue: bytes('02') },
    { status: 'OperationFailed', reason: 'InvalidMessage', message: 'no' },
  ]);
  t.equal(
    nodeToXml(decodeBinary(encoded, limits)),
    `<ResponseMessage>
  <ResponseHeader>
    <ProtocolVersion>
      <ProtocolVersionMajor type="Integer" value="1"/>
      <ProtocolVersionMinor type="Integer" value="4"/>
    </ProtocolVersion>
    <TimeStamp type="DateTime" value="2008-03-14T11:56:40+00:00"/>
    <ClientCorrelationValue type="TextString" value="c"/>
    <BatchCount type="Integer" value="3"/>
  </ResponseHeader>
  <BatchItem>
    <Operation type="Enumeration" value="Activate"/>
    <UniqueBatchItemID type="ByteString" value="01"/>
    <ResultStatus type="Enumeration" value="Success"/>
    <ResponsePayload>
      <UniqueIdentifier type="TextString" value="a"/>
    </ResponsePayload>
  </BatchItem>
  <BatchItem>
    <Operation type="Enumeration" value="Poll"/>
    <ResultStatus type="Enumeration" value="OperationPending"/>
    <AsynchronousCorrelationValue type="ByteString" value="02"/>
  </BatchItem>
  <BatchItem>
    <ResultStatus type="Enumeration" value="OperationFailed"/>
    <ResultReason type="Enumeration" value="InvalidMessage"/>
    <ResultMessage type="TextString" value="no"/>
  </BatchItem>
</ResponseMessage>
`,
  );
  const old = nodeToXml(
    decodeBinary(encodeResponse({ version: '1.0', timeStamp: 0, clientCorrelationValue: 'c' }, []), limits),
  );
  t.notMatch(old, /ClientCorrelationValue/, 'no correlation value below 1.4');
  t.match(old, /ProtocolVersionMinor type="Integer" value="0"/);
  t.end();
});
