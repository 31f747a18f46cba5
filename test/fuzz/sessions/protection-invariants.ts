import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { KeyWrappingData } from '../../../codec/structures/key-block.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { plainKey } from '../../../src/crypto/plain-key.ts';
import { sourcesOf } from './ledger.ts';
import {
  identifiersIn,
  idIn,
  isWrappedNow,
  type Observation,
  parametersIn,
  type Result,
  rowAfter,
  rowBefore,
  statedIn,
  valueIn,
  wrappingIn,
} from './observation.ts';
import { secretsOf, viewOf } from './rows.ts';

/** Invariants about Sensitive and Extractable: both bind, also what is made from protected objects. */

/** A client tightens Sensitive and Extractable and never loosens them. */
export function protectionIsNotLoosened({ before, after }: Observation): string | undefined {
  for (const [id, row] of before.objects) {
    const changed = after.objects.get(id);
    if (changed === undefined || changed === row) continue;
    const [was, is] = [viewOf(row), viewOf(changed)];
    if (was.attributes.get('Sensitive') === true && is.attributes.get('Sensitive') !== true)
      return `${id} was Sensitive`;
    if (was.attributes.get('Extractable') === false && is.attributes.get('Extractable') !== false)
      return `${id} was not Extractable`;
  }
  return undefined;
}

/** A protected object leaves the server as its history allows: not at all, or wrapped. */
export function protectedValuesStay({ results, ledger }: Observation): string | undefined {
  for (const result of results) {
    const id = idIn(result);
    const value = valueIn(result);
    const history = id === undefined ? undefined : ledger.histories.get(id);
    if (value === undefined || history === undefined) continue;
    const isSecret = value.type === 'OpaqueObject' || isSecretKey(value);
    // A job may have run before its object was tightened.
    const isJob = result.job !== undefined;
    const isNotExtractable = isJob ? history.isBornNotExtractable : history.isNotExtractable;
    if (isNotExtractable && (isSecret || wrappingIn(result) !== undefined))
      return `${id}, which is not Extractable, has left`;
    if ((isJob ? history.isBornSensitive : history.isSensitive) && isSecret)
      return `${id}, which is Sensitive, has left in the clear`;
  }
  return undefined;
}

function isSecretKey(value: NonNullable<ReturnType<typeof valueIn>>): boolean {
  return hasKeyBlock(value) && secretsOf(plainKey(value.type, value.value.KeyBlock)).length > 0;
}

const authenticated: ReadonlySet<unknown> = new Set([
  'NISTKeyWrap',
  'AESKeyWrapPadding',
  'GCM',
  'CCM',
  'ChaCha20Poly1305',
]);

/** A Sensitive object leaves wrapped under closed keys only, by modes that authenticate. */
export function wrappingKeysAreClosed({ results, ledger }: Observation): string | undefined {
  for (const result of results) {
    const id = idIn(result);
    const wrapping = wrappingIn(result);
    if (id === undefined || wrapping === undefined || !isWrappedNow(result) || result.job !== undefined)
      continue;
    const key = wrapping.EncryptionKeyInformation?.UniqueIdentifier ?? '';
    if (ledger.histories.get(id)?.isSensitive !== true || !ledger.histories.has(key)) continue;
    if (!ledger.isClosed(key)) return `${id}, which is Sensitive, has left under ${key}, which is not closed`;
    if (!isAuthenticated(wrapping))
      return `${id}, which is Sensitive, has left by ${wrapping.EncryptionKeyInformation?.CryptographicParameters?.BlockCipherMode}`;
  }
  return undefined;
}

function isAuthenticated({ EncryptionKeyInformation }: KeyWrappingData): boolean {
  const { BlockCipherMode: mode, PaddingMethod } = EncryptionKeyInformation?.CryptographicParameters ?? {};
  if (PaddingMethod === 'OAEP') return true;
  return mode === undefined ? PaddingMethod === undefined : authenticated.has(mode);
}

const wrapBits = CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('UnwrapKey');
const wrapModes: ReadonlySet<unknown> = new Set(['NISTKeyWrap', 'AESKeyWrapPadding', 'X9_102AESKW']);

/** Encrypt and Decrypt do not wrap and unwrap. */
export function wrappingIsNoEncryption({ results, ledger }: Observation): string | undefined {
  for (const result of results) {
    const { operation, answer } = result;
    if ((operation !== 'Encrypt' && operation !== 'Decrypt') || answer.status !== 'Success') continue;
    const id = idIn(result) ?? '';
    const mode = parametersIn(result)?.BlockCipherMode;
    if (wrapModes.has(mode) && ((ledger.histories.get(id)?.mask ?? 0) & wrapBits) !== 0)
      return `${operation} by ${mode} under the wrapping key ${id}`;
  }
  return undefined;
}

/** Objects are at most as open as those that they were made from. */
export function protectionIsInherited(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const sources = [...sourcesOf(result), ...unwrappingKeysOf(result)];
    const made =
      result.operation === 'ReKeyKeyPair'
        ? identifiersIn(result.payload).slice(0, 1)
        : identifiersIn(result.payload);
    for (const source of sources) {
      const flags = flagsOf(observation, source);
      if (rowBefore(observation, source)?.type === 'PublicKey') continue;
      const open = made.find((id) => isMoreOpen(observation, id, flags, result.operation));
      if (open !== undefined) return `${open}, made from ${source} by ${result.operation}, is more open`;
    }
  }
  return undefined;
}

interface Flags {
  readonly isSensitive: boolean;
  readonly isNotExtractable: boolean;
}

/** The flags that an object has had all the message long. */
function flagsOf(observation: Observation, id: string): Flags {
  const views = [rowBefore(observation, id), rowAfter(observation, id)];
  return {
    isSensitive: views.every((view) => view?.attributes.get('Sensitive') === true),
    isNotExtractable: views.every((view) => view?.attributes.get('Extractable') === false),
  };
}

function isMoreOpen(
  observation: Observation,
  id: string,
  { isSensitive, isNotExtractable }: Flags,
  operation: string,
): boolean {
  const made = rowBefore(observation, id) === undefined ? rowAfter(observation, id) : undefined;
  if (made === undefined) return false;
  if (isSensitive && made.attributes.get('Sensitive') !== true) return true;
  return isNotExtractable && operation !== 'Import' && made.attributes.get('Extractable') !== false;
}

function unwrappingKeysOf({ operation, request }: Result): readonly string[] {
  const value = request['Object'] as ReturnType<typeof valueIn>;
  if (operation !== 'Import' || request['KeyWrapType'] !== 'NotWrapped' || value === undefined) return [];
  const data = hasKeyBlock(value) ? value.value.KeyBlock.KeyWrappingData : undefined;
  return data?.EncryptionKeyInformation === undefined ? [] : [data.EncryptionKeyInformation.UniqueIdentifier];
}

/** Nothing short, and nothing that can be undone, is derived from protected objects. */
export function derivationsAreOneWay(observation: Observation): string | undefined {
  const isProtected = (id: string): boolean => {
    const { isSensitive, isNotExtractable } = flagsOf(observation, id);
    return isSensitive || isNotExtractable;
  };
  for (const result of observation.results) {
    if (result.operation !== 'DeriveKey' || result.answer.status !== 'Success') continue;
    const [key, data] = sourcesOf(result);
    const guarded = [key, data].filter((id) => id !== undefined && isProtected(id));
    if (guarded.length === 0) continue;
    const bits = statedIn(result).find(({ name }) => name === 'CryptographicLength')?.value as number;
    if (bits < 128) return `${bits} bits were derived from ${guarded.join(' and ')}`;
    if (result.request['DerivationMethod'] === 'ENCRYPT' && data !== undefined && isProtected(data))
      return `${data} was encrypted into a key`;
  }
  return undefined;
}

/** What a client says about the past of an object that it imports proves nothing. */
export function historyIsNotClaimed(observation: Observation): string | undefined {
  for (const result of observation.results) {
    if (result.operation !== 'Import' || result.answer.status !== 'Success') continue;
    const row = rowAfter(observation, idIn(result) ?? '');
    for (const name of ['AlwaysSensitive', 'NeverExtractable'] as const) {
      const isStated = statedIn(result).some((each) => each.name === name && each.value === true);
      if (isStated && row?.attributes.get(name) === true) return `${name} of ${row.id} is its client's word`;
    }
  }
  return undefined;
}

/** No byte of a secret is in an answer, nor in anything that the clients can make of their answers. */
export function secretsAreUnknown({ ledger }: Observation): string | undefined {
  const [leaked] = ledger.knowledge.leaked;
  return leaked === undefined ? undefined : `bytes of ${leaked} are known`;
}
