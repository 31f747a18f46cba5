import type { Attribute } from '../../../codec/attribute.ts';
import { fail } from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';

/** Limits of what one message makes. */
export interface NewObjectLimits {
  readonly objects: number;
  /** Of their attributes, about as many as they take in TTLV. */
  readonly attributeBytes: number;
}

/**
 * Bounds the objects that one message makes, kept ones or not, and their attributes: a Template, a replaced
 * key or a default of the group adds thousands of attributes to each object, whatever the length of the
 * request.
 */
export class NewObjects {
  readonly #limits: NewObjectLimits;
  #objects = 0;
  #bytes = 0;

  constructor(limits: NewObjectLimits) {
    this.#limits = limits;
  }

  /** @throws {KmipError} ServerLimitExceeded */
  count({ attributes }: ManagedObject): void {
    const { objects, attributeBytes } = this.#limits;
    this.#objects += 1;
    if (this.#objects > objects) fail('ServerLimitExceeded', `a batch makes ${objects} objects at the most`);
    this.#bytes += attributes.list().reduce((sum, attribute) => sum + sizeOf(attribute), 0);
    if (this.#bytes > attributeBytes)
      fail(
        'ServerLimitExceeded',
        `the new objects of a batch have ${attributeBytes} bytes of attributes at most`,
      );
  }
}

/** TTLV has eight bytes before each value; an attribute of 1.x is a structure of two. */
const headerBytes = 8;

function sizeOf(attribute: Attribute): number {
  return 2 * headerBytes + attribute.name.length + valueSize(attribute.value);
}

function valueSize(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return headerBytes + value.length;
  if (typeof value !== 'object' || value === null) return 2 * headerBytes;
  return Object.values(value).reduce((sum: number, inner) => sum + valueSize(inner), headerBytes);
}
