import t from 'tap';
import { nodeToText } from '../../../codec/wire/text.ts';
import { xmlToNodes } from '../../../codec/wire/xml.ts';
import { limits } from './hex.ts';

function text(inner: string, options = {}): string {
  const [message] = xmlToNodes(`<RequestMessage>${inner}</RequestMessage>`, limits);
  return message === undefined ? '' : nodeToText(message, options);
}

t.test('nodeToText writes one line for each item with tag, type and value', (t) => {
  const inner = `
    <BatchItem>
      <Operation type="Enumeration" value="Create"/>
      <Operation type="Enumeration" value="0x80000001"/>
      <UniqueBatchItemID type="ByteString" value="01ff"/>
      <UniqueBatchItemID type="ByteString" value=""/>
      <RequestPayload>
        <CryptographicUsageMask type="Integer" value="Encrypt Decrypt"/>
        <CryptographicUsageMask type="Integer" value="0"/>
        <UsageLimitsTotal type="LongInteger" value="-5"/>
        <BatchOrderOption type="Boolean" value="true"/>
        <TimeStamp type="DateTime" value="2008-03-14T11:56:40Z"/>
        <TimeStamp type="DateTimeExtended" value="2008-03-14T11:56:40.5Z"/>
        <LeaseTime type="Interval" value="60"/>
        <TTLV tag="0x540001" type="Integer" value="7"/>
        <Attribute>
          <AttributeName type="TextString" value="State"/>
          <AttributeValue type="Enumeration" value="Active"/>
        </Attribute>
      </RequestPayload>
    </BatchItem>`;
  t.equal(
    text(inner),
    `RequestMessage
  BatchItem
    Operation  Enumeration  Create (0x00000001)
    Operation  Enumeration  0x80000001
    UniqueBatchItemID  ByteString  01ff
    UniqueBatchItemID  ByteString  (empty)
    RequestPayload
      CryptographicUsageMask  Integer  Encrypt | Decrypt (0x0000000c)
      CryptographicUsageMask  Integer  0
      UsageLimitsTotal  LongInteger  -5
      BatchOrderOption  Boolean  true
      TimeStamp  DateTime  2008-03-14T11:56:40+00:00
      TimeStamp  DateTimeExtended  2008-03-14T11:56:40.500000+00:00
      LeaseTime  Interval  60 s
      0x540001  Integer  7
      Attribute
        AttributeName  TextString  "State"
        AttributeValue  Enumeration  Active (0x00000002)
`,
  );
  t.end();
});

/** Every item that may contain a secret, with a value that the test can find. */
const secrets: [name: string, xml: string, shown: RegExp][] = [
  ['raw key material', '<KeyMaterial type="ByteString" value="deadbeef"/>', /deadbeef/],
  ['a wrapped key', '<KeyValue type="ByteString" value="deadbeef"/>', /deadbeef/],
  [
    'transparent key material',
    '<KeyMaterial><D type="BigInteger" value="deadbeefdeadbeef"/></KeyMaterial>',
    /deadbeef/,
  ],
  [
    'a structure in key material',
    '<KeyMaterial><TTLV tag="0x540001"><Q type="BigInteger" value="deadbeefdeadbeef"/></TTLV></KeyMaterial>',
    /deadbeef/,
  ],
  ['a password', '<Password type="TextString" value="deadbeef"/>', /deadbeef/],
  ['a one-time password', '<OneTimePassword type="TextString" value="deadbeef"/>', /deadbeef/],
  ['a hashed password', '<HashedPassword type="ByteString" value="deadbeef"/>', /deadbeef/],
  ['an opaque object', '<OpaqueDataValue type="ByteString" value="deadbeef"/>', /deadbeef/],
  ['data', '<Data type="ByteString" value="deadbeef"/>', /deadbeef/],
  ['derivation data', '<DerivationData type="ByteString" value="deadbeef"/>', /deadbeef/],
  ['a ticket', '<TicketValue type="ByteString" value="deadbeef"/>', /deadbeef/],
  [
    'parameters of a PKCS#11 call',
    '<PKCS_11InputParameters type="ByteString" value="deadbeef"/>',
    /deadbeef/,
  ],
  [
    'a number',
    '<KeyMaterial><TTLV tag="0x540001" type="Integer" value="305419896"/></KeyMaterial>',
    /305419896/,
  ],
];

t.test('nodeToText replaces secrets by their length unless show is set', (t) => {
  for (const [name, xml, shown] of secrets) {
    t.notMatch(text(xml), shown, name);
    t.match(text(xml), /not shown/, name);
    t.match(text(xml, { show: true }), shown, `${name}, shown`);
  }
  t.match(text('<KeyMaterial type="ByteString" value="deadbeef"/>'), /\(4 bytes, not shown\)/);
  t.match(text('<Password type="TextString" value="€"/>'), /\(3 bytes, not shown\)/);
  t.match(
    text('<KeyValue><Attributes><State type="Enumeration" value="Active"/></Attributes></KeyValue>'),
    /not shown/,
  );
  t.end();
});

t.test('nodeToText escapes text that could control the terminal or forge a line', (t) => {
  const shown = text(
    '<NameValue type="TextString" value="a&#10;RequestMessage&#9;\u009b31m\u202etxet\u007f"/>',
  );
  t.match(shown, /"a\\nRequestMessage\\t\\u009b31m\\u202etxet\\u007f"/);
  t.equal(shown.trimEnd().split('\n').length, 2);
  t.end();
});
