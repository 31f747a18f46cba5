import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Provenance } from '../../../src/object/provenance.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { RecipientDirectory } from '../../../src/protocol/recipient-directory.ts';
import { active } from '../keys.ts';
import { aes, having, succeed } from '../operations/ask.ts';
import type { TestService } from '../service.ts';

/** What the tests of protection have in common. */

export const sensitive: Attribute = { name: 'Sensitive', value: true };
export const wrapOnly: Attribute = {
  name: 'CryptographicUsageMask',
  value: CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('UnwrapKey'),
};

/** Creates an Active AES-256 key that no client knows and that wraps only. */
export async function closedKey(service: TestService, ...attributes: readonly Attribute[]): Promise<string> {
  const Attributes = having(...aes.slice(0, 2), wrapOnly, sensitive, active, ...attributes);
  return (await succeed(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes })).UniqueIdentifier;
}

/** Reads the provenance of an object from its row. */
export async function provenanceOf({ store, vault }: TestService, id: string): Promise<Provenance> {
  const [row] = await store.load('g', [id]);
  if (row === undefined) throw new Error(`there is no object ${id}`);
  return ManagedObject.fromStored(row, vault).provenance;
}

/** Reads the version of an object's row, which every write increases. */
export async function rowVersion({ store }: TestService, id: string): Promise<number | undefined> {
  return (await store.load('g', [id]))[0]?.version;
}

/** Marks a key as recipient as `kmipd object trust` does; `as`: with the fingerprint of another key. */
export async function markRecipient(service: TestService, id: string, as = id): Promise<void> {
  const { store, vault } = service;
  await new RecipientDirectory(store, vault, nodeCrypto).mark(id, await fingerprint(service, as));
}

async function fingerprint({ store, vault }: TestService, id: string): Promise<Uint8Array> {
  const found = await new RecipientDirectory(store, vault, nodeCrypto).find(id);
  if (found === undefined) throw new Error(`there is no key ${id}`);
  return found.fingerprint;
}
