import type { LinkType } from '../../codec/enums.ts';
import type { ManagedObject } from './managed-object.ts';

/** Points a link of that type at one object, in place of any other of the type (KMIP 2.1 §4.31, 1.4 §3.35). */
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
 * Links of one type that the server notes on one object: a key from which another is derived every minute must not carry
 * them all along. The oldest goes.
 */
const maxLinksOfType = 100;

/** Adds a link beside those of its type: an object has many keys derived from it. */
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

/** Derive Key: the new object and one it comes from point at each other. */
export function linkDerivation(base: ManagedObject, derived: ManagedObject, now: number): void {
  addLink(base, 'DerivedKeyLink', derived.id, now);
  addLink(derived, 'DerivationBaseObjectLink', base.id, now);
}

/** Identifier of the first object linked by that type. */
export function linkedId(object: ManagedObject, type: LinkType): string | undefined {
  return object.attributes.values('Link').find(({ LinkType }) => LinkType === type)?.LinkedObjectIdentifier;
}

/** The two halves of a key pair point at each other. */
export function linkPair(privateKey: ManagedObject, publicKey: ManagedObject, now: number): void {
  setLink(privateKey, 'PublicKeyLink', publicKey.id, now);
  setLink(publicKey, 'PrivateKeyLink', privateKey.id, now);
}

/** Re-key, Re-key Key Pair, Re-certify: the old object and its replacement point at each other. */
export function linkReplacement(old: ManagedObject, replacement: ManagedObject, now: number): void {
  setLink(old, 'ReplacementObjectLink', replacement.id, now);
  setLink(replacement, 'ReplacedObjectLink', old.id, now);
}
