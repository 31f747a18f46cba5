import {
  type Attribute,
  type AttributeChanges,
  type AttributeReference,
  attributeKey,
} from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import { ObjectType } from '../../codec/enums.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Protection } from '../common/protection.ts';
import type { Principal } from '../identity/principal.ts';
import type { AttributeFilter } from './attribute-filter.ts';
import { matchesFilter } from './filter-evaluation.ts';
import type { ManagedObject } from './managed-object.ts';
import { hasProtectedValue, publicTypes } from './protection.ts';
import { attributesAt } from './state.ts';

/**
 * Attributes that are a function of the value. Under `strict` protection clients neither read them of an
 * object whose value may not leave in the clear, nor find such objects by them: the Digest of a key that is
 * longer than a block is its key for HMAC-SHA-256 (RFC 2104 §3), and that of a password confirms a guess.
 * So they are hidden, too, from clients that may not fetch the value, where it may be one that can be
 * guessed. Cryptographic Length and the like are no function of it: they tell the size that the client has
 * asked for.
 */
const functionsOfValue: readonly string[] = ['Digest'] satisfies AttributeName[];

/** Types whose values may be passwords. */
const guessableTypes: readonly ObjectTypeName[] = ['SecretData', 'OpaqueObject'];

/** What a client may know of values. */
export interface ValueAccess {
  readonly protection: Protection;
  /** The objects whose values the client may fetch by Get, as far as its role and its Rights decide. */
  readonly fetchable: AttributeFilter;
  /** The client; its role may let values leave wrapped only. Absent: everything may be known. */
  readonly principal?: Pick<Principal, 'restrictions'>;
  /** Attributes that the client does not see, by `attributeKey`; none when left out. */
  readonly hiddenAttributes?: ReadonlySet<string> | undefined;
}

/**
 * Returns the attributes that a client of another group does not see of an object that it may use by a grant:
 * Links, which name other objects of the group, and what is a function of the value unless it may fetch that.
 */
export function hiddenFromGrantees({ mayFetch }: { readonly mayFetch: boolean }): ReadonlySet<string> {
  return new Set<string>(['Link' satisfies AttributeName, ...(mayFetch ? [] : functionsOfValue)]);
}

/** Whether an attribute is a function of the value of its object. */
export function isFunctionOfValue(attribute: AttributeReference): boolean {
  return functionsOfValue.includes(attributeKey(attribute));
}

/** All attributes of an object that clients may read at `now` (POSIX seconds). */
export function shownAttributes(
  object: ManagedObject,
  now: number,
  access: ValueAccess,
): readonly Attribute[] {
  const { hiddenAttributes: hidden } = access;
  const every = attributesAt(object.attributes, now);
  const all =
    hidden === undefined ? every : every.filter((attribute) => !hidden.has(attributeKey(attribute)));
  return mayKnow(object, access) ? all : all.filter((attribute) => !isFunctionOfValue(attribute));
}

function mayKnow(object: ManagedObject, access: ValueAccess): boolean {
  const { protection, fetchable } = access;
  if (protection === 'strict' && hasProtectedValue(object)) return false;
  if (hidesSecrets(access) && !publicTypes.includes(object.type)) return false;
  if (!guessableTypes.includes(object.type)) return true;
  return matchesFilter(fetchable, object.attributes.list());
}

/** Whether the client gets every secret value as it would that of a Sensitive object. */
function hidesSecrets({ protection, principal }: ValueAccess): boolean {
  return protection === 'strict' && principal?.restrictions?.()?.isWrappingRequired === true;
}

const equals = (attribute: AttributeName, value: number): AttributeFilter => ({
  attribute,
  fields: [{ field: '', op: '=', value }],
});

const isOfType = (type: ObjectTypeName) => equals('ObjectType', ObjectType.toNumber(type));

/** The objects of which `shownAttributes` shows all attributes. */
export function knownObjects(access: ValueAccess): AttributeFilter {
  const { protection, fetchable } = access;
  const isUnprotected = { all: [{ not: equals('Sensitive', 1) }, { not: equals('Extractable', 0) }] };
  const isNotGuessable = { not: { any: guessableTypes.map(isOfType) } };
  return {
    all: [
      { any: [isNotGuessable, fetchable] },
      ...(protection === 'strict' && !hidesSecrets(access)
        ? [{ any: [isUnprotected, ...publicTypes.map(isOfType)] }]
        : []),
      ...(hidesSecrets(access) ? [{ any: publicTypes.map(isOfType) }] : []),
    ],
  };
}

/** The changes of an object as a client may see them that may not fetch any value. */
export function hideGuessable(changes: AttributeChanges, type: ObjectTypeName): AttributeChanges {
  return guessableTypes.includes(type) ? hideFunctionsOfValue(changes) : changes;
}

/** The changes of an object without what is a function of its value. */
export function hideFunctionsOfValue(changes: AttributeChanges): AttributeChanges {
  return {
    changed: changes.changed.filter((attribute) => !isFunctionOfValue(attribute)),
    deleted: changes.deleted.filter((attribute) => !isFunctionOfValue(attribute)),
  };
}
