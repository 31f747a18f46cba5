import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { encode, enumerated, integer, item, requestMessage, structure, text } from '../client.ts';
import { checkResponse } from './check.ts';

const request = encode(
  requestMessage('1.2', [{ operation: 'Activate', payload: [text('UniqueIdentifier', 'a')] }]),
);
const done = [
  enumerated('Operation', 0x12),
  enumerated('ResultStatus', 0),
  structure('ResponsePayload', text('UniqueIdentifier', 'a')),
];
const failed = (reason: number, message: string): Node[] => [
  enumerated('Operation', 0x12),
  enumerated('ResultStatus', 1),
  enumerated('ResultReason', reason),
  text('ResultMessage', message),
];

function answer(items: readonly (readonly Node[])[], { minor = 2, count = items.length } = {}): Uint8Array {
  return encode(
    structure(
      'ResponseMessage',
      structure(
        'ResponseHeader',
        structure(
          'ProtocolVersion',
          integer('ProtocolVersionMajor', 1),
          integer('ProtocolVersionMinor', minor),
        ),
        item('TimeStamp', 'DateTime', 1_700_000_000),
        integer('BatchCount', count),
      ),
      ...items.map((fields) => structure('BatchItem', ...fields)),
    ),
  );
}

t.test('right answers', async (t) => {
  t.same(checkResponse(request, answer([done])), { results: ['Success'] });
  t.same(checkResponse(request, answer([failed(1, 'there is no such object')])), {
    results: ['ItemNotFound'],
  });
});

t.test('wrong answers', async (t) => {
  const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
    [answer([done]).subarray(0, 40), /cannot be read/],
    [answer([done], { minor: 4 }), /asked in 1\.2/],
    [answer([done], { count: 2 }), /Batch Count 2/],
    [answer([]), /no item/],
    [answer([done, done]), /more answers/],
    [answer([done.slice(0, 2)]), /no payload/],
    [answer([[enumerated('Operation', 0xa), ...done.slice(1)]]), /another operation/],
    [
      answer([
        [
          ...done.slice(0, 2),
          structure('ResponsePayload', text('UniqueIdentifier', 'a'), integer('MaximumItems', 1)),
        ],
      ]),
      /cannot be read/,
    ],
    [answer([[...done.slice(0, 2), structure('ResponsePayload')]]), /cannot be read/],
    [answer([failed(0x1c, 'a reason of 2.0')]), /not of 1\.2/],
    [answer([failed(1, '')]).fill(0xff, -8), /cannot be read/],
    [answer([failed(0x100, 'reference 518f1ad3-390e-401b-abdb-617d40a69c91')]), /bug or a transient failure/],
    ...[
      'TypeError: x',
      'at handle (/a/b.ts:1:2)',
      'x is undefined',
      'ENOENT: no such file',
      '[object Object]',
      'SQLITE_BUSY',
    ].map((message) => [answer([failed(1, message)]), /reveals internals/] as const),
  ];
  for (const [bytes, problem] of wrong) t.match(checkResponse(request, bytes).problem, problem);
  t.match(checkResponse(request.subarray(0, 50), answer([done])).problem, /was executed/);
});
