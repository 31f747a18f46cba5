import { bytes, enumerated, integer, item, structure, text } from '../client.ts';
import {
  aes,
  aesBlock,
  attribute,
  choice,
  credential,
  encrypt,
  id,
  keyBlock,
  named,
  number,
  raw,
  type Shape,
  shortId,
  size,
  stamp,
  vcenter,
  words,
} from './notation.ts';

/** Messages as products send them, header fields and batches included. */
export const products: readonly Shape[] = [
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
];
