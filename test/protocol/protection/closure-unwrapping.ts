import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active } from '../keys.ts';
import { having } from '../operations/ask.ts';
import { type Change, described, idOf, open, others, type Uses, uses } from './closure-change.ts';
import { type Blob, listBlobs, modes, readWrapped } from './closure-reads.ts';
import type { World } from './closure-world.ts';

/** Steps that bring a wrapped key back: it is unwrapped by Import, or registered as it came. */

let imports = 0;

type Shape = 'same' | 'SplitKey' | 'SecretData';

/** The wrapped object, or its Key Block as another type. */
function reshape(object: ManagedObjectValue, shape: Shape): ManagedObjectValue {
  const { KeyBlock } = object.value as { KeyBlock: KeyBlock };
  const scheme = { SplitKeyParts: 2, KeyPartIdentifier: 1, SplitKeyThreshold: 2 } as const;
  switch (shape) {
    case 'same':
      return object;
    case 'SplitKey':
      return { type: 'SplitKey', value: { ...scheme, SplitKeyMethod: 'XOR', KeyBlock } };
    case 'SecretData':
      return { type: 'SecretData', value: { SecretDataType: 'Seed', KeyBlock } };
  }
}

export interface Unwrapping {
  readonly as?: Shape;
  readonly use?: Uses;
  readonly isOpen?: boolean;
  /** By CTR, what was wrapped otherwise. */
  readonly mode?: 'CTR' | 'ECB';
}

export function unwrap(
  blob: Blob,
  key: string,
  { as = 'same', use = 'all', isOpen, mode }: Unwrapping,
): Change {
  const form = `as ${as} for ${use}${isOpen ? ' open' : ''}${mode ? ` by ${mode}` : ''}`;
  const name = `unwrap ${blob.how} by ${key} ${form}`;
  const isRight = mode === undefined;
  return {
    kind: 'unwrap',
    name,
    blob,
    decided: (at) =>
      `unwrap ${blob.term} ${blob.mode} ${form} ${described(at, [key])} of ${others(at, blob.term)}`,
    terms: [isRight ? blob.term : `noise(${name})`],
    item: (at) => {
      const stored = at.wrapped.get(blob.how) as ManagedObjectValue;
      const shaped = reshape(stored, as);
      const block = (shaped.value as { KeyBlock: KeyBlock }).KeyBlock;
      const data = block.KeyWrappingData as NonNullable<KeyBlock['KeyWrappingData']>;
      const EncryptionKeyInformation = {
        UniqueIdentifier: idOf(at, key),
        CryptographicParameters: mode ? modes[mode].parameters : modes[blob.mode].parameters,
      };
      const KeyWrappingData = { ...data, EncryptionKeyInformation };
      const Object = {
        ...shaped,
        value: { ...shaped.value, KeyBlock: { ...block, KeyWrappingData } },
      };
      const isKey = Object.type === 'SymmetricKey';
      const Attributes = [
        ...uses[use],
        ...(isOpen ? open : []),
        ...(isKey && use !== 'none' ? [active] : []),
      ];
      const request = { UniqueIdentifier: `import ${imports++}`, KeyWrapType: 'NotWrapped' };
      return { operation: Import, request: { ...request, Attributes, Object } };
    },
  };
}

/** Registers a wrapped key as it came. */
export function store(blob: Blob): Change {
  const name = `register ${blob.how}`;
  return {
    kind: 'register',
    name,
    blob,
    decided: () => `register ${blob.term} wrapped by ${blob.key} ${blob.mode}`,
    terms: [`stored ${blob.term}`],
    item: (at) => {
      const Object = at.wrapped.get(blob.how) as ManagedObjectValue;
      const request = { ObjectType: Object.type, Attributes: having(...uses.all, active), Object };
      return { operation: Register, request };
    },
  };
}

const unwrappings: readonly Unwrapping[] = [
  { use: 'none' },
  { use: 'none', isOpen: true },
  { use: 'wrap' },
  {},
  { isOpen: true },
  { as: 'SplitKey', use: 'none' },
  { as: 'SecretData', isOpen: true },
  { mode: 'CTR', isOpen: true },
  { mode: 'ECB', isOpen: true },
];

/** The attributes that are stated do not depend on the mode, so that they are varied for one mode only. */
export function unwrappingsOf({ mode }: Blob): readonly Unwrapping[] {
  if (mode === 'NIST') return unwrappings.filter((each) => each.mode === undefined);
  return unwrappings.filter((each) => each.use === undefined && each.as === undefined);
}

/** Lists the steps with every wrapped key; those of the same content, key and mode serve alike. */
export function listUnwrappings(world: World): { unwrappings: Change[]; registrations: Change[] } {
  const blobs = [...new Map(listBlobs(world).map((each) => [keyOf(each), each])).values()];
  const unwrappings = blobs.flatMap((blob) =>
    [...world.objects.values()]
      .filter(({ term }) => term === blob.key)
      .flatMap(({ name }) => unwrappingsOf(blob).map((how) => unwrap(blob, name, how))),
  );
  return { unwrappings, registrations: blobs.map(store) };
}

function keyOf({ term, key, mode }: Blob): string {
  return `${term} ${key} ${mode}`;
}

/** Has the wrapped key that a step needs sent again where the world does not have it. */
export async function provide(world: World, { blob }: Change): Promise<boolean> {
  if (blob === undefined || world.wrapped.has(blob.how)) return true;
  const [object, by] = [blob.object, blob.by].map((name) => world.objects.get(name));
  if (object === undefined || by === undefined) return false;
  const read = readWrapped(world, object, by, blob.mode, blob.form);
  const [reply] = await world.send([read.item]);
  if (reply?.isDone === true) read.keep(reply, world);
  return world.wrapped.has(blob.how);
}
