import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { Node } from '../../codec/wire/node.ts';
import { type Client, enumerated, integer, structure, text, valueOf } from '../client.ts';

/** A certificate authority in a running daemon, for tests of commands. */

const signing = CryptographicUsageMask.bit('Sign') | CryptographicUsageMask.bit('CertificateSign');

/** An attribute (2.x) with the common name of a certificate's subject or issuer. */
export const named = (whose: 'Subject' | 'Issuer', name: string): Node => text(`Certificate${whose}CN`, name);

/**
 * Sends one request (2.1) and resolves to the Unique Identifier of its answer. Rejects with the Result
 * Message when it fails.
 */
export async function create(client: Client, operation: string, ...payload: Node[]): Promise<string> {
  const answer = await client.request('2.1', [{ operation, payload }]);
  const id = valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier');
  if (typeof id !== 'string') throw new Error(String(valueOf(answer, 'BatchItem', 'ResultMessage')));
  return id;
}

/** Creates a key pair with a self-signed certificate, which makes it an issuer. */
export async function createIssuer(
  client: Client,
): Promise<{ readonly publicKey: string; readonly certificate: string }> {
  const pair = await client.request('2.1', [
    {
      operation: 'CreateKeyPair',
      payload: [
        structure(
          'CommonAttributes',
          enumerated('CryptographicAlgorithm', 6),
          structure('CryptographicDomainParameters', enumerated('RecommendedCurve', 7)),
        ),
        structure('PrivateKeyAttributes', integer('CryptographicUsageMask', signing)),
        structure('PublicKeyAttributes', integer('CryptographicUsageMask', 2)),
      ],
    },
  ]);
  const part = (name: 'PrivateKeyUniqueIdentifier' | 'PublicKeyUniqueIdentifier') =>
    String(valueOf(pair, 'BatchItem', 'ResponsePayload', name));
  const publicKey = part('PublicKeyUniqueIdentifier');
  await create(client, 'Activate', text('UniqueIdentifier', part('PrivateKeyUniqueIdentifier')));
  const subjectAndIssuer = [named('Subject', 'Root'), named('Issuer', 'Root')];
  const attributes = structure('Attributes', ...subjectAndIssuer, integer('CryptographicUsageMask', signing));
  const certificate = await create(client, 'Certify', text('UniqueIdentifier', publicKey), attributes);
  return { publicKey, certificate };
}
