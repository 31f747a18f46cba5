import { Operation } from '../../codec/enums.ts';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  enumerated,
  integer,
  item,
  type RequestItem,
  requestMessage,
  structure,
  text,
} from '../client.ts';
import { type Kind, standIn } from './objects.ts';

/** Messages as products send them, header fields and batches included, and headers that only the specification knows. */

const utf8 = new TextEncoder();
const batchId = utf8.encode('QLKC\0\0\0\x01');
const shortId = utf8.encode('0001');
const id = (kind: Kind): Node => text('UniqueIdentifier', standIn(kind));
const attribute = (name: string, value: Node, ...index: Node[]): Node =>
  structure('Attribute', text('AttributeName', name), ...index, value);
const words = (name: string, value: string): Node => attribute(name, text('AttributeValue', value));
const number = (name: string, value: number): Node => attribute(name, integer('AttributeValue', value));
const choice = (name: string, value: number): Node => attribute(name, enumerated('AttributeValue', value));
const named = (value: string): Node =>
  attribute('Name', structure('AttributeValue', text('NameValue', value), enumerated('NameType', 1)));
const aes = [
  choice('Cryptographic Algorithm', 3),
  number('Cryptographic Length', 256),
  number('Cryptographic Usage Mask', 12),
];
const size = (value: number): Node => integer('MaximumResponseSize', value);
const stamp: Node = item('TimeStamp', 'DateTime', 1_700_000_000);
const raw = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at);
const keyBlock = (format: number, length: number, ...more: Node[]): Node =>
  structure(
    'KeyBlock',
    enumerated('KeyFormatType', format),
    structure('KeyValue', bytes('KeyMaterial', raw(length))),
    ...more,
  );
const aesBlock = keyBlock(
  1,
  32,
  enumerated('CryptographicAlgorithm', 3),
  integer('CryptographicLength', 256),
);

type Shape = readonly [label: string, version: Version, header: readonly Node[], ...items: RequestItem[]];

const vcenter = (...items: Omit<RequestItem, 'uniqueBatchItemID'>[]): RequestItem[] =>
  items.map((each) => ({ ...each, uniqueBatchItemID: batchId }));

const credential = (type: number, ...fields: Node[]): Node =>
  structure(
    'Authentication',
    structure('Credential', enumerated('CredentialType', type), structure('CredentialValue', ...fields)),
  );

const encrypt = (operation: string, ...more: Node[]): RequestItem => ({
  operation,
  payload: [
    id('active AES key'),
    structure(
      'CryptographicParameters',
      enumerated('BlockCipherMode', 1),
      enumerated('PaddingMethod', 3),
      enumerated('CryptographicAlgorithm', 3),
    ),
    bytes('Data', raw(96)),
    ...more,
  ],
});

const shapes: readonly Shape[] = [
  ['vcenter', '1.1', [], ...vcenter({ operation: 'DiscoverVersions' })],
  ['vcenter', '1.1', [], ...vcenter({ operation: 'Query', payload: [enumerated('QueryFunction', 3)] })],
  [
    'vcenter',
    '1.1',
    [],
    ...vcenter({
      operation: 'Create',
      payload: [enumerated('ObjectType', 2), structure('TemplateAttribute', ...aes)],
    }),
  ],
  [
    'vcenter',
    '1.1',
    [],
    ...vcenter({
      operation: 'GetAttributes',
      payload: [id('AES key'), text('AttributeName', 'x-Product_Version')],
    }),
  ],
  [
    'vcenter',
    '1.1',
    [],
    ...vcenter(
      {
        operation: 'AddAttribute',
        payload: [id('AES key'), words('x-Product_Version', '7.0.3 build-19480866')],
      },
      { operation: 'AddAttribute', payload: [id('AES key'), words('x-Vendor', 'VMware, Inc.')] },
      { operation: 'AddAttribute', payload: [id('AES key'), words('x-Product', 'VMware vSphere')] },
    ),
  ],
  [
    'vcenter',
    '1.1',
    [],
    ...vcenter(
      { operation: 'Activate', payload: [id('AES key')] },
      { operation: 'Get', payload: [id('AES key')] },
    ),
  ],
  [
    'mongocrypt',
    '1.0',
    [],
    {
      operation: 'Register',
      payload: [
        enumerated('ObjectType', 7),
        structure('TemplateAttribute', number('Cryptographic Usage Mask', 0)),
        structure('SecretData', enumerated('SecretDataType', 2), keyBlock(2, 96)),
      ],
    },
  ],
  ['mongocrypt', '1.2', [], encrypt('Encrypt')],
  ['mongocrypt', '1.2', [], encrypt('Decrypt', bytes('IVCounterNonce', raw(16)))],
  [
    'libkmip',
    '1.0',
    [size(8192), stamp],
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure('TemplateAttribute', ...aes, named('kmippp'), words('Object Group', 'TestGroup')),
      ],
    },
  ],
  [
    'libkmip',
    '1.0',
    [size(8192), credential(1, text('Username', ''), text('Password', '')), stamp],
    { operation: 'Get', payload: [id('AES key')] },
  ],
  [
    'libkmip',
    '1.4',
    [size(8192), stamp],
    {
      operation: 'Register',
      payload: [
        enumerated('ObjectType', 2),
        structure('TemplateAttribute', ...aes, named('kmippp'), words('Object Group', '')),
        structure('SymmetricKey', aesBlock),
      ],
    },
  ],
  [
    'libkmip',
    '1.0',
    [size(8192), stamp],
    {
      operation: 'Locate',
      payload: [
        integer('MaximumItems', 16),
        integer('OffsetItems', 1),
        choice('Object Type', 2),
        named('kmippp'),
      ],
    },
  ],
  [
    'libkmip',
    '1.0',
    [size(8192), stamp],
    {
      operation: 'Revoke',
      payload: [
        id('active AES key'),
        structure(
          'RevocationReason',
          enumerated('RevocationReasonCode', 1),
          text('RevocationMessage', 'Deactivate'),
        ),
      ],
    },
  ],
  [
    'kmipclient',
    '1.4',
    [size(1_048_576), item('BatchOrderOption', 'Boolean', true), stamp],
    { operation: 'Get', payload: [id('AES key')], uniqueBatchItemID: shortId },
    {
      operation: 'GetAttributes',
      payload: [
        id('AES key'),
        ...['State', 'Name', 'Operation Policy Name', 'Cryptographic Length'].map((each) =>
          text('AttributeName', each),
        ),
      ],
      uniqueBatchItemID: shortId,
    },
  ],
  [
    'kmipclient',
    '1.4',
    [size(1_048_576), stamp],
    {
      operation: 'Locate',
      payload: [integer('MaximumItems', 256), choice('Object Type', 2), named('fuzz')],
      uniqueBatchItemID: shortId,
    },
  ],
  [
    'barbican',
    '1.2',
    [],
    {
      operation: 'Register',
      payload: [
        enumerated('ObjectType', 8),
        structure('TemplateAttribute', named('opaque')),
        structure('OpaqueObject', enumerated('OpaqueDataType', 0x80000000), bytes('OpaqueDataValue', raw(8))),
      ],
    },
  ],
  [
    'barbican',
    '1.2',
    [],
    {
      operation: 'CreateKeyPair',
      payload: [
        structure(
          'CommonTemplateAttribute',
          choice('Cryptographic Algorithm', 4),
          number('Cryptographic Length', 2048),
        ),
      ],
    },
  ],
  [
    'pykmip',
    '2.0',
    [],
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure(
          'Attributes',
          enumerated('CryptographicAlgorithm', 3),
          integer('CryptographicLength', 256),
          integer('CryptographicUsageMask', 12),
          structure('Name', text('NameValue', 'pie'), enumerated('NameType', 1)),
        ),
      ],
    },
  ],
  [
    'pykmip',
    '2.0',
    [],
    { operation: 'GetAttributes', payload: [id('AES key'), enumerated('AttributeReference', 0x42008d)] },
  ],
  [
    'fortigate',
    '1.0',
    [credential(1, text('Username', 'fgt'), text('Password', 'secret'))],
    { operation: 'Locate', payload: [structure('TemplateAttribute', named('ipsec'))] },
  ],
  [
    'synology',
    '1.2',
    [],
    {
      operation: 'ModifyAttribute',
      payload: [
        id('AES key'),
        attribute(
          'Activation Date',
          item('AttributeValue', 'DateTime', 1_600_000_000),
          integer('AttributeIndex', 0),
        ),
      ],
    },
  ],
  [
    'okv',
    '1.1',
    [],
    {
      operation: 'AddAttribute',
      payload: [
        id('AES key'),
        attribute('x-Key', text('AttributeValue', 'value'), integer('AttributeIndex', 0)),
      ],
    },
  ],
  [
    'device credential',
    '1.2',
    [
      credential(
        2,
        text('DeviceSerialNumber', '1'),
        text('Password', 'secret'),
        text('MachineIdentifier', 'm'),
      ),
    ],
    { operation: 'Ping' },
  ],
  [
    'one-time password',
    '2.1',
    [credential(4, text('Username', 'u'), text('OneTimePassword', '123456'))],
    { operation: 'Ping' },
  ],
  [
    'hashed password',
    '2.1',
    [
      credential(
        5,
        text('Username', 'u'),
        item('TimeStamp', 'DateTimeExtended', 1_700_000_000_000_000n),
        bytes('HashedPassword', raw(32)),
      ),
    ],
    { operation: 'Ping' },
  ],
  [
    'correlation',
    '1.4',
    [text('ClientCorrelationValue', 'trace-1'), text('ServerCorrelationValue', 'none')],
    { operation: 'Query', payload: [enumerated('QueryFunction', 1)] },
  ],
  ['asynchronous', '2.1', [enumerated('AsynchronousIndicator', 1)], { operation: 'Ping' }],
  [
    'asynchronous',
    '1.4',
    [item('AsynchronousIndicator', 'Boolean', true)],
    { operation: 'Get', payload: [id('AES key')] },
  ],
  [
    'attestation',
    '1.2',
    [item('AttestationCapableIndicator', 'Boolean', true), enumerated('AttestationType', 1)],
    { operation: 'DiscoverVersions' },
  ],
  ...(['Continue', 'Stop', 'Undo'] as const).map(
    (option, at): Shape => [
      `batch ${option}`,
      '1.4',
      [enumerated('BatchErrorContinuationOption', at + 1), item('BatchOrderOption', 'Boolean', true)],
      {
        operation: 'Create',
        payload: [enumerated('ObjectType', 2), structure('TemplateAttribute', ...aes)],
        uniqueBatchItemID: shortId,
      },
      { operation: 'Activate', uniqueBatchItemID: batchId },
      { operation: 'Destroy', uniqueBatchItemID: shortId },
      { operation: 'Locate', payload: [choice('Object Type', 2)], uniqueBatchItemID: shortId },
      { operation: 'Get', uniqueBatchItemID: shortId },
    ],
  ),
  [
    'references',
    '2.1',
    [],
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure(
          'Attributes',
          enumerated('CryptographicAlgorithm', 3),
          integer('CryptographicLength', 256),
          integer('CryptographicUsageMask', 12),
        ),
      ],
    },
    { operation: 'Activate', payload: [enumerated('UniqueIdentifier', 1)] },
    { operation: 'Get', payload: [enumerated('UniqueIdentifier', 3)] },
    { operation: 'GetAttributes', payload: [integer('UniqueIdentifier', -1)] },
    { operation: 'GetAttributeList', payload: [integer('UniqueIdentifier', 0)] },
  ],
];

/** Payloads of operations that are declined, so that a change of mind is met by the fuzzer at once. */
const generic: readonly Node[] = [id('active AES key'), bytes('Data', raw(32))];

export function* productMessages(): Generator<{ label: string; message: Node }> {
  for (const [label, version, header, ...items] of shapes) {
    yield { label: `${label} ${version}`, message: requestMessage(version, items, header) };
  }
}

export function* declinedMessages(names: readonly string[]): Generator<{ label: string; message: Node }> {
  for (const name of names) {
    if (Operation.fromText(name) === undefined) continue;
    const version = Operation.knownIn(name as Operation, '1.4') ? '1.4' : '2.1';
    yield {
      label: `declined ${name} ${version}`,
      message: requestMessage(version, [{ operation: name, payload: generic }]),
    };
  }
  const extension = structure(
    'MessageExtension',
    text('VendorIdentification', 'Acme'),
    item('CriticalityIndicator', 'Boolean', false),
    structure('VendorExtension', bytes('Data', raw(4))),
  );
  const message = requestMessage('1.4', [{ operation: 'Ping' }]);
  const batch = message.type === 'Structure' ? message.value[1] : undefined;
  if (message.type === 'Structure' && batch?.type === 'Structure') {
    const extended: Node = { ...batch, value: [...batch.value, extension] };
    yield {
      label: 'message extension 1.4',
      message: { ...message, value: [message.value[0] as Node, extended] },
    };
  }
}
