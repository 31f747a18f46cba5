import { connect, encode, enumerated, integer, requestMessage, structure, text } from '../test/client.ts';
import { toHex } from './daemon.ts';

/** The messages that are measured. */

function attribute(name: string, value: ReturnType<typeof text>) {
  return structure('Attribute', text('AttributeName', name), value);
}

/** Creates an AES key of 256 bits. */
export const createRequest = encode(
  requestMessage('1.4', [
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure(
          'TemplateAttribute',
          attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
          attribute('Cryptographic Length', integer('AttributeValue', 256)),
          attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
        ),
      ],
    },
  ]),
);

/** Encodes a Get. */
export function encodeGet(id: string): Uint8Array {
  return encode(requestMessage('1.4', [{ operation: 'Get', payload: [text('UniqueIdentifier', id)] }]));
}

/** Creates a key; resolves to its identifier. */
export async function createKey(port: number, home: string): Promise<string> {
  const client = await connect({ port, home });
  const answer = await client.send(createRequest);
  await client.close();
  const at = toHex(answer).indexOf(`420094${'07'}`) / 2;
  return Buffer.from(answer.subarray(at + 8, at + 8 + 36)).toString();
}
