import {
  type LiveRoot,
  maxEpochs,
  maxHashEpochs,
  maxRoots,
  type SecretKind,
  secretKinds,
  storeIdBytes,
} from './keyring.ts';

/** A keyring as its row states it. */
export interface KeyringJson {
  readonly store: string;
  readonly generation: number;
  /** Absent before a database was accepted. */
  readonly lanesSince?: number;
  /** Absent in a keyring that an older kmipd has written. */
  readonly roots?: readonly LiveRoot[];
  readonly secrets: readonly SecretJson[];
}

/** A wrapped secret. */
export interface SecretJson {
  readonly kind: SecretKind;
  readonly epoch: number;
  readonly createdAt: number;
  /** In hexadecimal, by the id of the root that has wrapped it. */
  readonly wraps?: Readonly<Record<string, string>>;
  /** In place of `wraps` where there is no list of roots. */
  readonly wrapped?: string;
}

/** Bytes of a keyring: thousands of epochs with four roots. */
const maxBytes = 8 * 1_024 * 1_024;
/** Hexadecimal digits of a wrapped secret: that of an RSA key of 8,192 bits has 2,048. */
const maxWrapDigits = 8_192;
const maxUriLength = 4_096;

const decoder = new TextDecoder('utf-8', { fatal: true });

const isText = (value: unknown, form: RegExp, max: number): value is string =>
  typeof value === 'string' && value.length <= max && form.test(value);
const isHex = (value: unknown, max = maxWrapDigits) => isText(value, /^([0-9a-f]{2})*$/, max);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isId = (value: unknown) => isText(value, /^[0-9a-f]{16}$/, 16);
const isTable = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isRoot({ id, kind, uri, createdAt }: LiveRoot): boolean {
  return (
    isId(id) &&
    isText(kind, /^[a-z0-9-]+$/, 32) &&
    isText(uri, /^[^\p{Cc}]+$/u, maxUriLength) &&
    Number.isSafeInteger(createdAt)
  );
}

/** Whether a secret has the wraps that the form of the keyring has. */
function hasWraps({ wraps, wrapped }: SecretJson, hasRoots: boolean): boolean {
  if (!hasRoots) return wraps === undefined && isHex(wrapped);
  const entries = isTable(wraps) ? Object.entries(wraps) : [];
  return (
    wrapped === undefined &&
    entries.length > 0 &&
    entries.length <= maxRoots &&
    entries.every(([id, wrap]) => isId(id) && isHex(wrap))
  );
}

function isSecret(secret: SecretJson, hasRoots: boolean): boolean {
  const { kind, epoch, createdAt } = secret;
  return (
    secretKinds.includes(kind) &&
    isCount(epoch) &&
    epoch < 2 ** 32 &&
    Number.isSafeInteger(createdAt) &&
    hasWraps(secret, hasRoots)
  );
}

/** Parses bytes that anyone may have written; undefined for any other form. */
export function parseKeyringJson(text: Uint8Array): KeyringJson | undefined {
  if (text.length > maxBytes) return undefined;
  try {
    const json = JSON.parse(decoder.decode(text)) as KeyringJson;
    const { store, generation, lanesSince, roots, secrets } = json;
    const isKeyring =
      isHex(store) &&
      store.length === 2 * storeIdBytes &&
      isCount(generation) &&
      (lanesSince === undefined || isCount(lanesSince)) &&
      (roots === undefined || (roots.length > 0 && roots.length <= maxRoots && roots.every(isRoot))) &&
      secrets.length <= maxEpochs + 2 * maxHashEpochs &&
      secrets.every((secret) => isSecret(secret, roots !== undefined));
    return isKeyring ? json : undefined;
  } catch {
    return undefined;
  }
}
