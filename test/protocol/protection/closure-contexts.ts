import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { writeJson } from '../../../src/common/json.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { keyCopiesKind } from '../../../src/operations/key-copies.ts';
import { active } from '../keys.ts';
import { algorithm, having, length } from '../operations/ask.ts';
import { mask } from '../operations/transfer/wrapping-keys.ts';
import { madeIds, sensitive } from './closure-change.ts';
import { plantedId, type Sample } from './closure-planting.ts';
import { readWrapped } from './closure-reads.ts';
import type { Reached, Saturation } from './closure-saturation.ts';
import { isKnownTerm, kindOf } from './closure-terms.ts';
import { World } from './closure-world.ts';

/**
 * Groups in which a key comes back, by Import or Join Split Key. What the server decides then depends on the
 * first object with that key, on the uses that its copies had, and on whether the key is known to have left.
 */

/** What is on the server beside the objects that a request names. */
export interface Context {
  readonly key: string;
  readonly world: World;
  readonly place: number;
  readonly held: Set<string>;
}

/** The first object of a key. */
export interface Origin {
  readonly object: Reached | undefined;
  /** Every bit that the mask of a copy had. */
  readonly masks: number;
  readonly isRecorded: boolean;
  /** The term of the key: of keys that the client knows the object may be one with another value. */
  readonly term: string;
}

const wrapping = mask('WrapKey', 'UnwrapKey', 'Export');

export class Contexts {
  readonly #saturation: Saturation;
  readonly #opened = new Map<string, Context>();

  constructor(saturation: Saturation) {
    this.#saturation = saturation;
  }

  /**
   * First objects with the key of a term, each with every history that copies can give it. Those of all keys
   * that the client knows are taken for each of these keys.
   */
  list(term: string): { object: Reached; masks: number }[] {
    const { first, objects } = this.#saturation;
    const kind = kindOf(term, first);
    const isKnown = isKnownTerm(term, first);
    const own = objects.filter((each) => (isKnown ? each.kind === kind : each.term === term));
    const found = new Map<string, { object: Reached; masks: number }>();
    for (const object of own) {
      if (object.sample.provenance.copyOf !== undefined || this.#withValue(object, term) === undefined)
        continue;
      for (const masks of this.#historiesOf(object, own, isKnown))
        found.set(
          `${object.roles.origin} ${object.roles.origin === 'open' ? '' : object.roles.uses | masks}`,
          { object, masks },
        );
    }
    return [...found.values()];
  }

  #historiesOf({ sample: { id } }: Reached, own: readonly Reached[], isKnown: boolean): number[] {
    const found = new Set([0]);
    for (const { sample } of own) {
      const { copyOf, masks } = sample.provenance;
      if (copyOf === undefined || (copyOf !== id && !isKnown)) continue;
      for (const others of [...found]) found.add(others | masks | maskOf(sample));
    }
    return [...found];
  }

  /** Opens a group with that origin; without one an empty group. */
  async open(origin: Origin): Promise<Context> {
    const { masks, isRecorded, term } = origin;
    const object = origin.object && this.#withValue(origin.object, term);
    const name = `${object?.name} ${masks} ${isRecorded} ${term}`;
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const { server } = this.#saturation;
    const place = this.#saturation.nextPlace();
    const world = new World(server.service, `${this.#saturation.pool.group}, back ${place}`);
    const key = `origin #${object?.class} copies ${masks} ${isRecorded ? 'recorded' : 'not recorded'}`;
    const context = { key, world, place, held: new Set<string>() };
    this.#opened.set(name, context);
    this.#saturation.counts.contexts += 1;
    if (object === undefined) return context;
    if (isRecorded) await this.#recordLeaving(object, context);
    await this.hold(object, context);
    if (masks !== 0) {
      const content = writeJson({ copies: [], history: { masks, uses: {} } });
      await server.record(keyCopiesKind, plantedId(object.sample.id, place), world.group, content);
    }
    return context;
  }

  /** An object like this one with the key of a term, if an object of that type has this key. */
  #withValue(object: Reached, term: string): Reached | undefined {
    if (object.term === term) return object;
    const { type, id } = object.sample;
    const other = this.#saturation.objects.find((each) => each.term === term && each.sample.type === type);
    if (other === undefined) return undefined;
    return {
      ...object,
      name: `${object.name} as ${term}`,
      sample: { ...object.sample, id, value: other.sample.value },
    };
  }

  /** Writes an object into the group; returns its identifier there. */
  async hold(object: Reached, { world, place, held }: Context): Promise<string> {
    const known = world.objects.get(object.name);
    if (known !== undefined) return known.id;
    // Another form of the object may be there already.
    const own = held.has(object.sample.id) ? this.#saturation.nextPlace() : place;
    held.add(object.sample.id);
    const id = plantedId(object.sample.id, own);
    await this.#saturation.server.plant(world.group, object.sample, own, place);
    world.hold(id, object.term, object.name);
    world.descriptions.set(object.name, `#${object.class}`);
    return id;
  }

  /** Has a twin of the object wrapped under a closed key, so that the server knows what has left. */
  async #recordLeaving({ sample, term }: Reached, { world, place }: Context): Promise<void> {
    const Attributes = having(algorithm('AES'), length(256), active, wrapping, sensitive);
    const [made] = await world.send([
      { operation: Create, request: { ObjectType: 'SymmetricKey', Attributes } },
    ]);
    const twin: Sample = {
      ...sample,
      id: `twin of ${sample.id}`,
      attributes: sample.attributes.filter(({ name }) => name !== 'Extractable'),
      value: sample.value as ManagedObjectValue,
      provenance: { ...sample.provenance, born: 'registered', shown: 'clear', copyOf: sample.id },
    };
    await this.#saturation.server.plant(world.group, twin, place);
    const [id] = made?.isDone ? madeIds(made) : [];
    const held = { name: 'twin', id: plantedId(twin.id, place), term };
    const read = readWrapped(world, held, { name: 'recorder', id: id as string, term: 'recorder' }, 'GCM');
    const [reply] = await world.send([read.item]);
    if (reply?.isDone !== true) throw new Error(`the leaving of ${term} is not recorded: ${reply?.message}`);
  }
}

function maskOf({ attributes }: Sample): number {
  const own = attributes.find(({ name }) => name === 'CryptographicUsageMask');
  return typeof own?.value === 'number' ? own.value : 0;
}
