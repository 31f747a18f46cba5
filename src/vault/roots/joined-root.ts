import { hash, randomFillSync } from 'node:crypto';
import { concatBytes, xorInto } from '../../common/bytes.ts';
import { allocateSecretBytes, Secret } from '../../common/secret.ts';
import type { UnsealProgress } from '../vault-status.ts';
import type { OpenRoot, RootSource } from './root.ts';
import { deriveFromRoot } from './root-derivation.ts';

/** In front of the wraps; it says how they belong together. */
const joinedFormat = 3;
const lengthBytes = 2;

/**
 * Creates the source of several roots, all of which are needed. A secret is split by exclusive or into as
 * many parts as there are roots, and each root wraps one of them:
 *
 *     3 | number of roots (u8) | for each: length (u16) | wrap
 *
 * Any part alone is random, so that a root that was stolen tells nothing about the secret, whatever its kind
 * wraps by. Wraps inside of wraps would grow with each root beyond what tokens take.
 */
export function createJoinedRoot(uri: string, sources: readonly RootSource[]): RootSource {
  // What operators have given is used up by opening, so that everything else has to be there before.
  const order = sources.toSorted((a, b) => Number(a.isAttended === true) - Number(b.isAttended === true));
  const open = async (opening: (source: RootSource) => Promise<OpenRoot>): Promise<OpenRoot> => {
    const roots = new Map<RootSource, OpenRoot>();
    try {
      for (const source of order.toSorted((a, b) => Number(a.isReady ?? true) - Number(b.isReady ?? true)))
        roots.set(source, await opening(source));
      return new JoinedRoot(sources.flatMap((source) => roots.get(source) ?? []));
    } catch (error) {
      for (const root of roots.values()) await root.close();
      throw error;
    }
  };
  return {
    uri,
    isAttended: sources.some(({ isAttended }) => isAttended === true),
    get isReady() {
      return sources.every(({ isReady }) => isReady !== false);
    },
    get mayAskAgain() {
      return sources.some(({ mayAskAgain }) => mayAskAgain === true);
    },
    open: (storeId) => open((source) => source.open(storeId)),
    create: (storeId) => open((source) => source.create?.(storeId) ?? source.open(storeId)),
    accept(input: Secret): UnsealProgress | undefined {
      for (const source of sources) {
        const progress = source.accept?.(input);
        if (progress !== undefined) return progress;
      }
      return undefined;
    },
    watch(arrived) {
      const endings = sources.map((source) => source.watch?.(arrived));
      return () => {
        for (const end of endings) end?.();
      };
    },
    async close() {
      for (const source of sources) await source.close?.();
    },
  };
}

class JoinedRoot implements OpenRoot {
  readonly id: string;
  readonly #roots: readonly OpenRoot[];

  constructor(roots: readonly OpenRoot[]) {
    this.#roots = roots;
    const ids = roots.map(({ id }) => id).join(' ');
    this.id = hash('sha256', `kmipd/2 joined root ${ids}`, 'hex').slice(0, 16);
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    const parts = splitByXor(secret, this.#roots.length);
    try {
      const pieces: Uint8Array[] = [Uint8Array.of(joinedFormat, parts.length)];
      for (const [at, root] of this.#roots.entries()) {
        const wrapped = await root.wrap(parts[at] as Uint8Array);
        pieces.push(Uint8Array.of(wrapped.length >> 8, wrapped.length & 0xff), wrapped);
      }
      return concatBytes(pieces);
    } finally {
      for (const part of parts) part.fill(0);
    }
  }

  async unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    const wraps = readWraps(wrapped, this.#roots.length);
    if (wraps === undefined) return undefined;
    let secret: Uint8Array | undefined;
    for (const [at, root] of this.#roots.entries()) {
      const part = await root.unwrap(wraps[at] as Uint8Array);
      if (part === undefined || (secret !== undefined && part.length !== secret.length)) {
        part?.fill(0);
        secret?.fill(0);
        return undefined;
      }
      secret ??= allocateSecretBytes(part.length);
      xorInto(secret, part);
      part.fill(0);
    }
    return secret;
  }

  async close(): Promise<void> {
    for (const root of this.#roots) await root.close();
  }
}

/**
 * Splits a secret into parts whose exclusive or it is. The random parts depend on the secret too, so that a
 * random source that repeats gives two secrets different parts: else one root would tell their difference.
 */
function splitByXor(secret: Uint8Array, count: number): readonly Uint8Array[] {
  const rest = Secret.copyOf(secret).bytes;
  const others = Array.from({ length: count - 1 }, (_, at) => {
    const salt = randomFillSync(new Uint8Array(32));
    const part = allocateSecretBytes(secret.length);
    for (let start = 0; start < part.length; start += 32) {
      const block = deriveFromRoot(secret, salt, `kmipd/2 joined root part ${at} from ${start}`);
      part.set(block.subarray(0, part.length - start), start);
      block.fill(0);
    }
    xorInto(rest, part);
    return part;
  });
  return [rest, ...others];
}

/** Returns the wraps of so many roots; undefined for bytes of another form. */
function readWraps(bytes: Uint8Array, count: number): readonly Uint8Array[] | undefined {
  if (bytes[0] !== joinedFormat || bytes[1] !== count) return undefined;
  const wraps: Uint8Array[] = [];
  let at = 2;
  for (let each = 0; each < count; each += 1) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    at += lengthBytes;
    if (length === 0 || at + length > bytes.length) return undefined;
    wraps.push(bytes.subarray(at, at + length));
    at += length;
  }
  return at === bytes.length ? wraps : undefined;
}
