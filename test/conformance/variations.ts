import type { TagName } from '../../codec/tags.ts';
import type { Node } from '../../codec/wire/node.ts';
import type { Scope } from './comparison.ts';
import { nameOf } from './describe.ts';

/**
 * Permitted differences between servers ("Permitted Test Case Variations" of the profile documents), as
 * narrowly as the cases allow: a value the server draws must still have the type and the size of the one in
 * the case.
 */

type Rule = (expected: Node, actual: Node, parents: readonly Node[], scope: Scope) => boolean;

const anyValue: Rule = (expected, actual) => expected.type === actual.type;

/** Output of cryptographic operations: drawn when the key was, or when the algorithm is randomised. */
const output: Rule = (expected, actual, parents, scope) => {
  if (!parents.some((parent) => nameOf(parent) === 'ResponsePayload')) return false;
  const drawn =
    scope.generated ||
    scope.operation === 'RNGRetrieve' ||
    (scope.randomised && scope.operation !== 'Decrypt');
  return drawn && sameSize(expected, actual);
};

const ofGeneratedKey: Rule = (expected, actual, _parents, scope) =>
  scope.generated && sameSize(expected, actual);

const rules: Partial<Record<TagName, Rule>> = {
  LeaseTime: anyValue,
  RandomNumberGenerator: anyValue,
  ShortUniqueIdentifier: (expected, actual, _parents, scope) =>
    !scope.tokens.has(expected) && anyValue(expected, actual, [], scope),
  Data: output,
  SignatureData: output,
  MACData: output,
  IVCounterNonce: output,
  AuthenticatedEncryptionTag: output,
  DigestValue: ofGeneratedKey,
  KeyMaterial: (expected, actual, _parents, scope) => scope.generated && sameShape(expected, actual),
  // Wrapped, the whole Key Value is one byte string.
  KeyValue: (expected, actual, _parents, scope) =>
    expected.type === 'ByteString' && scope.generated && sameSize(expected, actual),
  KeyFormatType: (expected, actual, parents, scope) =>
    scope.generated && expected.type === actual.type && !scope.formatAsked && !isSymmetric(parents),
  AttributeValue: (expected, actual, parents) =>
    ['Lease Time', 'Random Number Generator'].includes(attributeIn(parents) ?? '') &&
    expected.type === actual.type,
};

/** Whether an item may be other than the case has it. Items below a permitted one are not looked at. */
export function permits(expected: Node, actual: Node, parents: readonly Node[], scope: Scope): boolean {
  if (scope.tokens.has(expected)) return false;
  const name = nameOf(expected);
  return name !== undefined && (rules[name]?.(expected, actual, parents, scope) ?? false);
}

function isSymmetric(parents: readonly Node[]): boolean {
  return parents.some((parent) => nameOf(parent) === 'SymmetricKey');
}

function attributeIn(parents: readonly Node[]): string | undefined {
  const parent = parents.at(-1);
  const name =
    parent?.type === 'Structure'
      ? parent.value.find((child) => nameOf(child) === 'AttributeName')
      : undefined;
  return name?.type === 'TextString' ? name.value : undefined;
}

/**
 * Bytes up to which a drawn value has the very length of the recorded one; DER and numbers of asymmetric keys
 * vary.
 */
const exactUpTo = 64;
const slack = 16;

function sameSize(expected: Node, actual: Node): boolean {
  if (expected.type !== actual.type) return false;
  if (!(expected.value instanceof Uint8Array && actual.value instanceof Uint8Array)) return false;
  const off = Math.abs(expected.value.length - actual.value.length);
  return off === 0 || (expected.value.length > exactUpTo && off <= slack);
}

/** Same fields in the same order, each of the same size; the bytes are the server's. */
function sameShape(expected: Node, actual: Node): boolean {
  if (expected.type !== actual.type) return false;
  if (expected.type === 'Structure' && actual.type === 'Structure') {
    return (
      expected.value.length === actual.value.length &&
      expected.value.every((child, index) => {
        const other = actual.value[index] as Node;
        return child.tag === other.tag && sameShape(child, other);
      })
    );
  }
  return expected.value instanceof Uint8Array ? sameSize(expected, actual) : expected.value === actual.value;
}
