import {
  BlockCipherMode,
  CryptographicAlgorithm,
  DerivationMethod,
  DigitalSignatureAlgorithm,
  HashingAlgorithm,
  PaddingMethod,
  RecommendedCurve,
} from '../../../codec/enums.ts';
import { didYouMean } from '../../common/suggest.ts';

/** A parsed entry of `crypto.disabled`: a name of KMIP, of algorithms also with a length in bits. */
export interface DisabledName {
  readonly name: string;
  readonly comparison?: '<' | '=';
  readonly bits?: number;
}

const algorithms = new Set<string>(CryptographicAlgorithm.members);
const names = new Set<string>(
  [
    CryptographicAlgorithm,
    HashingAlgorithm,
    BlockCipherMode,
    PaddingMethod,
    DigitalSignatureAlgorithm,
    RecommendedCurve,
    DerivationMethod,
  ].flatMap(({ members }): readonly string[] => members),
);
names.delete('None');

const entryPattern = /^(\w+)(?: *([<=]) *(\d{1,6}))?$/;

/**
 * Parses an entry of `crypto.disabled`.
 * @throws {TypeError} when `findDisabledProblem` finds a problem
 */
export function parseDisabled(entry: string): DisabledName {
  const problem = findDisabledProblem(entry);
  if (problem !== undefined) throw new TypeError(problem);
  const [, name = '', comparison, bits] = entryPattern.exec(entry) ?? [];
  return comparison === undefined
    ? { name }
    : { name, comparison: comparison as '<' | '=', bits: Number(bits) };
}

/** Describes the problem of an entry for the operator; undefined when there is none. */
export function findDisabledProblem(entry: string): string | undefined {
  const match = entryPattern.exec(entry);
  if (match === null) {
    const [, name, bits] = /^(\w+?)[-_ ](\d{2,6})$/.exec(entry) ?? [];
    const meant = name !== undefined && algorithms.has(name) ? `: write "${name}=${bits}"` : '';
    return `"${entry}" is neither a name of KMIP nor a name and a length, such as "DES3" or "RSA<2048"${meant}`;
  }
  const [, name = '', comparison] = match;
  if (!names.has(name))
    return `"${name}" is no algorithm, hash, mode, padding, curve or derivation method of KMIP${didYouMean(name, names)}`;
  if (comparison !== undefined && !algorithms.has(name))
    return `"${entry}" gives a length to ${name}, which is no algorithm of keys`;
  if (name === 'SHA_256') return '"SHA_256" cannot be switched off: the server itself needs it';
  return undefined;
}
