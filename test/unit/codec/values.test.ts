import t from 'tap';
import { one, struct } from '../../../codec/schema.ts';
import { credential } from '../../../codec/structures/credentials.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { KeyBlock } from '../../../codec/structures/key-block.ts';
import {
  decodeManagedObject,
  encodeManagedObject,
  hasKeyBlock,
  type ManagedObjectValue,
  managedObject,
  managedObjectTags,
} from '../../../codec/structures/managed-objects.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { decodeFromXml, decodeValue, encodeToXml } from './convert.ts';
import { bytes } from './hex.ts';

const payload = struct({ UniqueIdentifier: one(identifier) });

function read(type: string, value: string): unknown {
  return decodeFromXml(payload, '2.1', `<UniqueIdentifier type="${type}" value="${value}"/>`);
}

t.test('an identifier is a text', (t) => {
  t.same(read('TextString', 'a'), { UniqueIdentifier: 'a' });
  t.same(read('TextString', ''), { UniqueIdentifier: '' });
  t.throws(() => read('ByteString', '00'), { name: 'WireError', message: /must be TextString/ });
  t.throws(() => read('Integer', '-1'), { name: 'WireError', message: /must be TextString/ });
  t.end();
});

t.test('an identifier is read without padding that its length includes', (t) => {
  const encoded = (text: Uint8Array): Uint8Array => {
    const item = new Uint8Array(8 + Math.ceil(text.length / 8) * 8);
    item.set([0x42, 0x00, 0x94, 0x07]);
    new DataView(item.buffer).setUint32(4, text.length);
    item.set(text, 8);
    return item;
  };
  t.equal(decodeValue(identifier, '1.0', encoded(bytes('6162 0000 0000 0000'))), 'ab');
  t.equal(decodeValue(identifier, '1.0', encoded(bytes('6100 62'))), 'a\0b');
  t.equal(decodeValue(identifier, '1.0', encoded(bytes('0000'))), '');
  const hostile = new Uint8Array(1_000_000);
  hostile[hostile.length - 1] = 0x61;
  const start = process.hrtime.bigint();
  t.equal((decodeValue(identifier, '1.0', encoded(hostile)) as string).length, hostile.length);
  t.ok(process.hrtime.bigint() - start < 1_000_000_000n, 'in linear time');
  t.end();
});

t.test('the type of a credential decides the schema of its value', (t) => {
  const schema = struct({ Credential: one(credential) });
  const user = '<Username type="TextString" value="u"/>';
  for (const [type, value, expected] of [
    ['UsernameAndPassword', user, { Username: 'u' }],
    [
      'UsernameAndPassword',
      '<Username type="TextString" value=""/><Password type="TextString" value=""/>',
      { Username: '', Password: '' },
    ],
    ['Device', '<DeviceSerialNumber type="TextString" value="s"/>', { DeviceSerialNumber: 's' }],
    [
      'HashedPassword',
      `${user}<TimeStamp type="DateTimeExtended" value="1970-01-01T00:00:01.000000+00:00"/><HashedPassword type="ByteString" value="01"/>`,
      { Username: 'u', TimeStamp: 1_000_000n, HashedPassword: bytes('01') },
    ],
    [
      'Ticket',
      '<Ticket><TicketType type="Enumeration" value="Login"/><TicketValue type="ByteString" value="01"/></Ticket>',
      { Ticket: { TicketType: 'Login', TicketValue: bytes('01') } },
    ],
  ] as const) {
    const xml = `<Credential><CredentialType type="Enumeration" value="${type}"/><CredentialValue>${value}</CredentialValue></Credential>`;
    const expectation = { Credential: { CredentialType: type, CredentialValue: expected } };
    t.same(decodeFromXml(schema, '2.1', xml), expectation, type);
    t.equal(encodeToXml(schema, '2.1', expectation), xml, `${type} written`);
  }
  const unknown =
    '<Credential><CredentialType type="Enumeration" value="0x80000001"/><CredentialValue><Username type="TextString" value="u"/></CredentialValue></Credential>';
  t.match(decodeFromXml(schema, '2.1', unknown), {
    Credential: { CredentialType: 0x80000001, CredentialValue: { type: 'Structure' } },
  });
  t.equal(
    encodeToXml(schema, '2.1', decodeFromXml(schema, '2.1', unknown)),
    unknown,
    'one of an unknown type is kept',
  );
  const wrong =
    '<Credential><CredentialType type="Enumeration" value="UsernameAndPassword"/><CredentialValue><Nonce/></CredentialValue></Credential>';
  t.throws(() => decodeFromXml(schema, '2.1', wrong), { name: 'WireError' });
  t.end();
});

t.test('a key block is raw, transparent, wrapped or without a value', (t) => {
  const schema = struct({ KeyBlock: one(KeyBlock) });
  const material = '<KeyMaterial type="ByteString" value="000102"/>';
  for (const [label, version, value, expected] of [
    ['raw', '1.0', `<KeyValue>${material}</KeyValue>`, { KeyMaterial: bytes('000102'), Attributes: [] }],
    [
      'transparent',
      '1.4',
      '<KeyValue><KeyMaterial><Key type="ByteString" value="000102"/></KeyMaterial></KeyValue>',
      { KeyMaterial: { Key: bytes('000102') }, Attributes: [] },
    ],
    ['wrapped', '2.1', '<KeyValue type="ByteString" value="0001"/>', bytes('0001')],
    [
      'with attributes, 1.x',
      '1.4',
      `<KeyValue>${material}<Attribute><AttributeName type="TextString" value="Sensitive"/><AttributeValue type="Boolean" value="true"/></Attribute></KeyValue>`,
      { KeyMaterial: bytes('000102'), Attributes: [{ name: 'Sensitive', value: true }] },
    ],
    [
      'with attributes, 2.x',
      '2.0',
      `<KeyValue>${material}<Attributes><Sensitive type="Boolean" value="true"/></Attributes></KeyValue>`,
      { KeyMaterial: bytes('000102'), Attributes: [{ name: 'Sensitive', value: true }] },
    ],
    ['without', '1.2', '', undefined],
  ] as const) {
    const xml = `<KeyBlock><KeyFormatType type="Enumeration" value="Raw"/>${value}</KeyBlock>`;
    const block = { KeyFormatType: 'Raw', ...(expected === undefined ? {} : { KeyValue: expected }) };
    t.same(decodeFromXml(schema, version, xml), { KeyBlock: block }, label);
    t.equal(encodeToXml(schema, version, { KeyBlock: block }), xml, `${label} written`);
  }
  t.throws(
    () =>
      decodeFromXml(
        schema,
        '1.0',
        '<KeyBlock><KeyFormatType type="Enumeration" value="Raw"/><KeyValue type="TextString" value="a"/></KeyBlock>',
      ),
    { name: 'WireError' },
  );
  t.end();
});

t.test('the tag of a managed object decides its type', (t) => {
  const key: ManagedObjectValue = {
    type: 'SymmetricKey',
    value: { KeyBlock: { KeyFormatType: 'Raw', KeyValue: { KeyMaterial: bytes('0001'), Attributes: [] } } },
  };
  const encoded = encodeManagedObject(key);
  t.equal(new BinaryReader(encoded).tag(), tagNumber('SymmetricKey'));
  t.same(decodeManagedObject(encoded), key);
  t.ok(hasKeyBlock(key));
  t.notOk(
    hasKeyBlock({ type: 'OpaqueObject', value: { OpaqueDataType: 0x80000000, OpaqueDataValue: bytes('') } }),
  );
  t.equal(managedObjectTags.length, 10);
  t.throws(() => decodeValue(managedObject, '1.4', bytes('42008d 05 00000004 0000000100000000')), {
    name: 'WireError',
    message: /State is not a managed object/,
  });
  t.end();
});

t.test('a stored Template keeps attributes that 2.0 removed', (t) => {
  const template: ManagedObjectValue = {
    type: 'Template',
    value: {
      Attributes: [
        { name: 'OperationPolicyName', value: 'default' },
        { name: 'CryptographicLength', value: 256 },
      ],
    },
  };
  t.same(decodeManagedObject(encodeManagedObject(template)), template);
  t.end();
});
