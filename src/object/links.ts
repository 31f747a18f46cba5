import type { LinkType } from '../../codec/enums.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * Sets the only Link of that type to the object `id`; replaces others of the type (KMIP 2.1 §4.31, 1.4
 * §3.35).
 */
export function setLink(object: ManagedObject, type: LinkType, id: string, now: number): void {
  const value = { LinkType: type, LinkedObjectIdentifier: id };
  const [first, ...others] = object.attributes
    .all('Link')
    .filter((link) => (link.value as { LinkType: LinkType }).LinkType === type);
  if (first === undefined) object.attributes.add({ name: 'Link', value });
  else object.attributes.replace('Link', first.index ?? 0, value);
  for (const { index } of others) object.attributes.remove('Link', index ?? 0);
  object.touch(now);
}

/**
 * Maximum number of Links of one type that the server adds to one object; the oldest is removed. Otherwise a
 * key from which another is derived every minute would grow without end.
 */
const maxLinksOfType = 100;

/** Adds a Link beside others of its type, because several keys may be derived from one object. */
function addLink(object: ManagedObject, type: LinkType, id: string, now: number): void {
  const present = object.attributes
    .all('Link')
    .filter((link) => (link.value as { LinkType: LinkType }).LinkType === type);
  const [oldest] = present;
  if (oldest !== undefined && present.length >= maxLinksOfType)
    object.attributes.remove('Link', oldest.index ?? 0);
  object.attributes.add({ name: 'Link', value: { LinkType: type, LinkedObjectIdentifier: id } });
  object.touch(now);
}

/** Links a derived object and an object from which it was derived, in both directions (Derive Key). */
export function linkDerivation(base: ManagedObject, derived: ManagedObject, now: number): void {
  addLink(base, 'DerivedKeyLink', derived.id, now);
  addLink(derived, 'DerivationBaseObjectLink', base.id, now);
}

/** Returns the identifier in the first Link of that type. */
export function linkedId(object: ManagedObject, type: LinkType): string | undefined {
  return object.attributes.values('Link').find(({ LinkType }) => LinkType === type)?.LinkedObjectIdentifier;
}

/** Links the keys of a key pair that was made here, in both directions, and records that they are a pair. */
export function linkPair(privateKey: ManagedObject, publicKey: ManagedObject, now: number): void {
  publicKey.changeProvenance({ madeWith: privateKey.id });
  privateKey.changeProvenance({ madeWith: publicKey.id });
  setLink(privateKey, 'PublicKeyLink', publicKey.id, now);
  setLink(publicKey, 'PrivateKeyLink', privateKey.id, now);
}

/**
 * Links an object and its replacement in both directions (Re-key, Re-key Key Pair, Re-certify), and records
 * what the replacement was made for.
 */
export function linkReplacement(old: ManagedObject, replacement: ManagedObject, now: number): void {
  replacement.changeProvenance({ replaces: old.id });
  setLink(old, 'ReplacementObjectLink', replacement.id, now);
  setLink(replacement, 'ReplacedObjectLink', old.id, now);
}
