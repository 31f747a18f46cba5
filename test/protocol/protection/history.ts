import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Provenance } from '../../../src/object/provenance.ts';
import type { TestService } from '../service.ts';

/** What the tests of protection have in common. */

export const sensitive: Attribute = { name: 'Sensitive', value: true };
export const wrapOnly: Attribute = {
  name: 'CryptographicUsageMask',
  value: CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('UnwrapKey'),
};

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
