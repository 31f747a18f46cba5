import { bytes, enumerated, integer, item, structure, text } from '../client.ts';
import { aes, batchId, choice, credential, id, raw, type Shape, shortId } from './notation.ts';

/** Header fields that only the specification knows, and batches with every option. */
export const headers: readonly Shape[] = [
  [
    'references',
    '2.1',
    [],
    {
      operation: 'RNGRetrieve',
      payload: [integer('DataLength', 16)],
      uniqueBatchItemID: batchId,
      ephemeral: true,
    },
    {
      operation: 'Hash',
      payload: [
        structure('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
        enumerated('Data', 5),
      ],
      uniqueBatchItemID: shortId,
    },
    {
      operation: 'Locate',
      payload: [structure('Attributes', enumerated('ObjectType', 2))],
      uniqueBatchItemID: batchId,
    },
    {
      operation: 'GetAttributeList',
      payload: [enumerated('UniqueIdentifier', 0xb)],
      uniqueBatchItemID: shortId,
    },
    { operation: 'Get', payload: [integer('UniqueIdentifier', -1)], uniqueBatchItemID: batchId },
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
    'ticket',
    '2.1',
    [credential(6, structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', raw(32))))],
    { operation: 'Query', payload: [enumerated('QueryFunction', 1)] },
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
