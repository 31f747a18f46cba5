import { tagNumber, tags } from '../../codec/tags.ts';
import { Type } from '../../codec/wire/types.ts';
import { edgeValue, integers, longs, number32, number64, texts } from './edges.ts';
import { copy, type Item, type Place, parse, places, serialise } from './item.ts';
import type { Random } from './random.ts';

/** Mutations of a message of the corpus. Each changes the tree in place; a no-op is allowed. */
type Mutator = (root: Item, random: Random, other: () => Item) => void;

const allTags = Object.keys(tags).map((name) => tagNumber(name as keyof typeof tags));
const typeCodes = Object.values(Type);
const payloadTag = tagNumber('RequestPayload');

/**
 * Nine times out of ten something inside a payload: a broken header is refused before anything else is looked
 * at.
 */
const anywhere = (root: Item, random: Random): Place | undefined => {
  const all = places(root);
  if (all.length === 0) return undefined;
  const payloads = all.filter(({ item }) => item.tag === payloadTag).map(({ item }) => item);
  const inside = payloads.length > 0 && random.chance(90) ? places(random.pick(payloads)) : [];
  return random.pick(inside.length > 0 ? inside : all);
};

const leaf = (root: Item, random: Random): Item | undefined => {
  for (let attempt = 0; attempt < 8; attempt++) {
    const item = anywhere(root, random)?.item;
    if (item?.value instanceof Uint8Array) return item;
  }
  return undefined;
};

const child = (item: Item | undefined, name: keyof typeof tags): Item | undefined =>
  item === undefined || item.value instanceof Uint8Array
    ? undefined
    : item.value.find(({ tag }) => tag === tagNumber(name));

const integerItem = (name: keyof typeof tags, value: number): Item => ({
  tag: tagNumber(name),
  type: Type.Integer,
  value: number32(value),
});

/** Puts a field into the header, before the Batch Count. */
function intoHeader(root: Item, field: Item): void {
  const header = child(root, 'RequestHeader');
  if (header === undefined || header.value instanceof Uint8Array) return;
  header.value.splice(Math.max(0, header.value.length - 1), 0, field);
}

const edge: Mutator = (root, random) => {
  const item = leaf(root, random);
  const value = item && edgeValue(item.type, random);
  if (item !== undefined && value !== undefined) item.value = value;
};

const flipBits: Mutator = (root, random) => {
  const item = leaf(root, random);
  if (item === undefined || !(item.value instanceof Uint8Array) || item.value.length === 0) return;
  const at = random.below(item.value.length);
  item.value[at] = (item.value[at] as number) ^ (1 << random.below(8));
};

const wrongLength: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  const { item } = place;
  const length = item.value instanceof Uint8Array ? item.value.length : serialise(item).length - 8;
  item.length = random.pick([
    length + 1,
    length - 1,
    length + 8,
    length - 8,
    0,
    4,
    8,
    0x7fffffff,
    0xffffffff,
    length * 2,
  ]);
};

const wrongType: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place !== undefined) place.item.type = random.chance(85) ? random.pick(typeCodes) : random.below(256);
};

/** Another type with a value that fits it, so that only the schema can object. */
const otherType: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  const type = random.pick(typeCodes);
  place.item.type = type;
  place.item.value = edgeValue(type, random) ?? [];
};

const wrongTag: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  place.item.tag = random.chance(90)
    ? random.pick(allTags)
    : random.pick([0x540001, 0x420000, 0x42ffff, 0, 0xffffff]);
};

const swapTags: Mutator = (root, random) => {
  const one = anywhere(root, random);
  const two = anywhere(root, random);
  if (one !== undefined && two !== undefined) [one.item.tag, two.item.tag] = [two.item.tag, one.item.tag];
};

const remove: Mutator = (root, random) => {
  const place = anywhere(root, random);
  place?.siblings.splice(place.index, 1);
};

const duplicate: Mutator = (root, random) => {
  const place = anywhere(root, random);
  place?.siblings.splice(place.index, 0, copy(place.item));
};

const reorder: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  const [taken] = place.siblings.splice(place.index, 1);
  if (taken !== undefined) place.siblings.splice(random.below(place.siblings.length + 1), 0, taken);
};

/** Moves an item into another structure. */
const transplant: Mutator = (root, random) => {
  const from = anywhere(root, random);
  const to = places(root).filter(({ item }) => Array.isArray(item.value));
  if (from === undefined || to.length === 0) return;
  const target = random.pick(to).item.value as Item[];
  target.splice(random.below(target.length + 1), 0, copy(from.item));
};

/** Puts part of another message in the place of a part of this one. */
const splice: Mutator = (root, random, other) => {
  const here = anywhere(root, random);
  const there = anywhere(other(), random);
  if (here === undefined || there === undefined) return;
  if (random.chance(50)) here.siblings[here.index] = there.item;
  else here.siblings.splice(here.index, 0, there.item);
};

/** Adds the batch items of another message. */
const joinBatch: Mutator = (root, _random, other) => {
  const more = other().value;
  if (root.value instanceof Uint8Array || more instanceof Uint8Array) return;
  root.value.push(...more.slice(1));
  fixCount(root);
};

function fixCount(root: Item): void {
  const count = child(child(root, 'RequestHeader'), 'BatchCount');
  if (count !== undefined && !(root.value instanceof Uint8Array))
    count.value = number32(root.value.length - 1);
}

const batchFlood: Mutator = (root, random) => {
  if (root.value instanceof Uint8Array) return;
  const item = root.value[1];
  if (item === undefined || isSlow(item)) return;
  const size = serialise(item).length;
  const times = Math.min(random.pick([2, 3, 10, 40, 1001]), Math.floor(400_000 / size));
  for (let n = 0; n < times; n++) root.value.push(copy(item));
  if (random.chance(80)) fixCount(root);
};

/** Making key pairs is slow by nature; a flood of it measures nothing else. */
function isSlow(item: Item): boolean {
  const operation = child(item, 'Operation')?.value;
  return operation instanceof Uint8Array && (operation[3] === 2 || operation[3] === 0x1d);
}

const itemFlood: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  const size = serialise(place.item).length;
  const times = Math.min(random.pick([3, 30, 300, 4_090, 4_200]), Math.floor(500_000 / size));
  place.siblings.splice(place.index, 0, ...Array.from({ length: times }, () => copy(place.item)));
};

const depthBomb: Mutator = (root, random) => {
  const place = anywhere(root, random);
  if (place === undefined) return;
  const depth = random.pick([20, 31, 33, 100, 1_000]);
  let item = place.item;
  for (let n = 0; n < depth; n++)
    item = { tag: random.chance(50) ? place.item.tag : 0x540001, type: Type.Structure, value: [item] };
  place.siblings[place.index] = item;
};

const padding: Mutator = (root, random) => {
  const item = leaf(root, random);
  if (item === undefined) return;
  if (random.chance(70)) item.padding = 1 + random.below(255);
  else item.unpadded = true;
};

const header: Mutator = (root, random) => {
  const head = child(root, 'RequestHeader');
  switch (random.below(6)) {
    case 0:
      return intoHeader(
        root,
        integerItem('MaximumResponseSize', random.pick([0, 1, 64, 256, 1024, -1, 0x7fffffff])),
      );
    case 1: {
      const option: Item = {
        tag: tagNumber('BatchErrorContinuationOption'),
        type: Type.Enumeration,
        value: number32(random.below(6)),
      };
      return intoHeader(root, option);
    }
    case 2: {
      const count = child(head, 'BatchCount');
      if (count !== undefined) count.value = number32(random.pick(integers));
      return;
    }
    case 3: {
      const part = child(
        child(head, 'ProtocolVersion'),
        random.chance(50) ? 'ProtocolVersionMajor' : 'ProtocolVersionMinor',
      );
      if (part !== undefined)
        part.value = number32(random.chance(80) ? random.below(6) : random.pick(integers));
      return;
    }
    case 4: {
      const early: Item = {
        tag: tagNumber('TimeStamp'),
        type: Type.DateTime,
        value: number64(random.pick(longs)),
      };
      return intoHeader(root, early);
    }
    default: {
      const correlation: Item = {
        tag: tagNumber('ClientCorrelationValue'),
        type: Type.TextString,
        value: texts(random),
      };
      return intoHeader(root, correlation);
    }
  }
};

/**
 * Weights: mutations that pass the decoder have the highest, those that the first check refuses the lowest.
 */
const table: readonly (readonly [weight: number, mutator: Mutator])[] = [
  [30, edge],
  [8, flipBits],
  [3, wrongLength],
  [4, wrongType],
  [7, otherType],
  [7, wrongTag],
  [5, swapTags],
  [8, remove],
  [8, duplicate],
  [6, reorder],
  [8, transplant],
  [10, splice],
  [10, joinBatch],
  [1, itemFlood],
  [1, depthBomb],
  [1, padding],
  [10, header],
];
const weighted = table.flatMap(([weight, mutator]) => Array.from({ length: weight }, () => mutator));

/** Changes of the bytes that no tree describes. */
const raw: readonly ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    for (let n = 1 + random.below(8); n > 0; n--) bytes[random.below(bytes.length)] = random.next() & 0xff;
    return bytes;
  },
  (bytes, random) => {
    const longer = new Uint8Array(bytes.length + 1 + random.below(64));
    longer.set(bytes);
    longer.set(random.bytes(longer.length - bytes.length), bytes.length);
    return longer;
  },
  (bytes, random) => {
    const hole = random.below(bytes.length);
    const joined = new Uint8Array(bytes.length - Math.min(8, bytes.length - hole));
    joined.set(bytes.subarray(0, hole));
    joined.set(bytes.subarray(hole + bytes.length - joined.length), hole);
    return joined;
  },
  (_bytes, random) => random.bytes(random.below(300)),
];

/**
 * A message made from the corpus. About one in twenty is left as it was, so that objects exist and good paths
 * are walked.
 */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const message = random.pick(corpus);
  if (random.chance(5)) return message.slice();
  const root = parse(message);
  if (random.below(2_000) === 0) batchFlood(root, random, () => root);
  const other = (): Item => parse(random.pick(corpus));
  for (let n = 1 + random.below(random.chance(20) ? 6 : 2); n > 0; n--)
    random.pick(weighted)(root, random, other);
  const bytes = serialise(root);
  return random.chance(4) && bytes.length > 0 ? random.pick(raw)(bytes, random) : bytes;
}
