import { connect, type Identity, readIdentity, text, valueOf } from '../client.ts';

const reasons: Readonly<Record<string, string>> = {
  1: 'permitted',
  11: 'illegal',
  12: 'not permitted',
  256: 'failure',
};

/**
 * Requests the destruction of an object that does not exist, and resolves to `permitted`, `not permitted`, or
 * `refused` when the server ends the connection.
 */
export async function tryDestroy(port: number, identity: Identity | string): Promise<string> {
  const pems = typeof identity === 'string' ? await readIdentity(identity) : identity;
  try {
    const client = await connect({ port, ...pems });
    try {
      const payload = [text('UniqueIdentifier', 'none')];
      const answer = await client.request('1.4', [{ operation: 'Destroy', payload }]);
      const reason = String(valueOf(answer, 'BatchItem', 'ResultReason'));
      return reasons[reason] ?? reason;
    } finally {
      await client.close();
    }
  } catch {
    return 'refused';
  }
}
