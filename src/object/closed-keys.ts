import type { ManagedObject } from './managed-object.ts';
import { isClosed } from './provenance.ts';

/**
 * Whether no client can know the key, nor decrypt what it has wrapped (see `isClosed`). A public key is as
 * closed as the private key that was made here with it; `load` returns objects of the same group.
 */
export async function isClosedKey(
  object: ManagedObject,
  load: (id: string) => Promise<ManagedObject | undefined>,
): Promise<boolean> {
  if (object.type === 'PublicKey') {
    const { madeWith } = object.provenance;
    const other = madeWith === undefined ? undefined : await load(madeWith);
    return other?.type === 'PrivateKey' && isClosedSecret(other);
  }
  return (object.type === 'SymmetricKey' || object.type === 'PrivateKey') && isClosedSecret(object);
}

function isClosedSecret({ provenance, attributes }: ManagedObject): boolean {
  return attributes.get('Sensitive') === true && isClosed(provenance);
}
