import { type TagName, tagName } from '../../codec/tags.ts';
import type { Node } from '../../codec/wire/node.ts';
import { type Kind, kinds, standIn } from '../fuzz/objects.ts';

/** Where messages of the corpus name objects. */

/** Items whose text names an object. */
const naming: ReadonlySet<TagName | undefined> = new Set<TagName>([
  'UniqueIdentifier',
  'LinkedObjectIdentifier',
  'PrivateKeyUniqueIdentifier',
  'PublicKeyUniqueIdentifier',
  'ReplacedUniqueIdentifier',
  'CertificateRequestUniqueIdentifier',
]);
const isStandIn = (value: string) => kinds.some((kind) => standIn(kind) === value);
export const kindOf = (value: string): Kind =>
  kinds.find((kind) => standIn(kind) === value) ?? 'active AES key';

/** Every text of a message that names an object, and the message with another text there. */
export function places(node: Node): { text: string; tag: string; with(text: string): Node }[] {
  if (node.type === 'TextString' && (naming.has(tagName(node.tag)) || isStandIn(node.value))) {
    return [
      {
        text: node.value,
        tag: tagName(node.tag) ?? '',
        with: (value) => ({ ...node, value }),
      },
    ];
  }
  if (node.type !== 'Structure') return [];
  return node.value.flatMap((child, at) =>
    places(child).map((place) => ({
      ...place,
      with: (value: string): Node => ({ ...node, value: node.value.with(at, place.with(value)) }),
    })),
  );
}

/**
 * An answer without what is different every time: `name` is what was asked for, other names and bytes are
 * new.
 */
export function comparable(node: Node, name: string): unknown {
  const tag = tagName(node.tag);
  switch (node.type) {
    case 'Structure':
      return [tag, node.value.map((child) => comparable(child, name))];
    case 'TextString':
      return [
        tag,
        node.value
          .replaceAll(name, 'NAME')
          .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'OTHER'),
      ];
    case 'ByteString':
    case 'BigInteger':
      return [tag, node.type];
    case 'DateTime':
    case 'DateTimeExtended':
      return [tag, node.type];
    default:
      return [tag, String(node.value)];
  }
}

/** Operations whose requests have no place for an object, or name what is tried below. */
export const namesNothing: ReadonlySet<string> = new Set([
  ...[
    'DiscoverVersions',
    'Query',
    'Ping',
    'Log',
    'Interop',
    'SetEndpointRole',
    'Hash',
    'RNGRetrieve',
    'RNGSeed',
  ],
  ...[
    'Create',
    'CreateKeyPair',
    'SetDefaults',
    'SetConstraints',
    'GetConstraints',
    'Login',
    'Logout',
    'ReProvision',
  ],
  ...['PKCS_11', 'Poll', 'Cancel', 'Process', 'QueryAsynchronousRequests'],
]);
/**
 * An identifier that a client chooses may be taken by an object it cannot see: it learns that, and nothing
 * else.
 */
export const taken = 'an object of that identifier is here already';

/** Identifiers of no object. */
export const nobodys = (at: number) => `0badf00d-0000-4000-8000-${String(at).padStart(12, '0')}`;
