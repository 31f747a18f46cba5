import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { isProtected } from '../../../src/object/protection.ts';
import { isClosed, isForWrappingOnly } from '../../../src/object/provenance.ts';
import { everyMaskOf } from '../../../src/object/usage.ts';
import { materialOf } from './closure-world.ts';

/**
 * What decides about an object in each of the places that it can have in a request, as text. That nothing
 * else decides is an assumption of the search, and is checked: of the questions about other objects in the
 * same roles a share is asked nevertheless, and answers that differ fail the test.
 */
export interface Roles {
  /** As the key that wraps. */
  readonly key: string;
  /** As the key that encrypts, decrypts or computes a MAC. */
  readonly cipher: string;
  /** As the key that unwraps. */
  readonly unwrapping: string;
  /** As the key that has unwrapped something: what it makes of it. */
  readonly unwrapped: string;
  /** As the object whose value leaves. */
  readonly leaving: string;
  /** As an input of Derive Key. */
  readonly input: string;
  /** As a part that is joined. */
  readonly part: string;
  /** As the first object of a key that comes back. */
  readonly origin: string;
  /** Every bit that its mask has or had. */
  readonly uses: number;
}

const derive = CryptographicUsageMask.bit('DeriveKey');
const wraps = CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('UnwrapKey');

/** `extra`: what decides beside the object, of one that was registered wrapped. */
export function rolesOf(object: ManagedObject, now: number, extra: string): Roles {
  const { attributes, provenance, type } = object;
  const { share, madeWith } = provenance;
  const [sensitive, extractable, mask, algorithm] = (
    ['Sensitive', 'Extractable', 'CryptographicUsageMask', 'CryptographicAlgorithm'] as const
  ).map((name) => attributes.get(name));
  const parameters = attributes.values('CryptographicParameters');
  const state = object.state(now);
  const flags = [sensitive === true, extractable !== false];
  const every = everyMaskOf(object);
  // The length decides which modes take it.
  const size = materialOf(object.value)?.length;
  const isClosedKey = sensitive === true && isClosed(provenance);
  const bits = Number(mask ?? 0);
  const mayBeTwin = isProtected(object) && isForWrappingOnly(every);
  const method = (object.value?.value as { SplitKeyMethod?: unknown } | undefined)?.SplitKeyMethod;
  const text = (...parts: readonly unknown[]) => JSON.stringify([type, extra, ...parts]);
  return {
    key: text(state, algorithm, parameters, bits & wraps, sensitive === true, isClosedKey, mayBeTwin),
    cipher: text(state, algorithm, parameters, mask, every, size),
    unwrapped: text(...flags, isClosedKey, mayBeTwin),
    unwrapping: text(state, algorithm, parameters, bits & wraps, ...flags, isClosedKey, mayBeTwin),
    leaving: text(algorithm, ...flags, share !== undefined, provenance.shown === 'clear', size),
    input: text(state, algorithm, parameters, bits & derive, ...flags),
    part: text(
      state,
      algorithm,
      parameters,
      mask,
      every,
      ...flags,
      share?.mask,
      madeWith !== undefined,
      method,
      size,
    ),
    origin: isProtected(object)
      ? text(state, algorithm, parameters, mask, ...flags, isClosed(provenance), share?.type, share?.mask)
      : 'open',
    uses: every,
  };
}
