import { Operation } from './enums.ts';
import { tagNumber } from './tags.ts';
import { BinaryReader, checkStructure, type WireLimits } from './wire/binary-reader.ts';
import { Type } from './wire/types.ts';

/** The fields that the response to an item repeats, as far as they can be read. */
interface ItemHead {
  readonly operation: Operation | undefined;
  readonly uniqueBatchItemID: Uint8Array | undefined;
}

/** The fields of a request that the response to it repeats. */
export interface RequestOutline {
  readonly clientCorrelationValue: string | undefined;
  readonly items: readonly ItemHead[];
}

/**
 * Reads the fields that a response repeats from a message that may be refused as a whole, in any version.
 * Never throws: the outline is empty when the structure of the message is broken.
 */
export function readOutline(bytes: Uint8Array, limits: WireLimits): RequestOutline {
  let clientCorrelationValue: string | undefined;
  const items: ItemHead[] = [];
  try {
    checkStructure(bytes, limits);
    const reader = new BinaryReader(bytes);
    if (reader.tag() === tagNumber('RequestMessage')) reader.enter();
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const part = reader.detach();
      if (tag === tagNumber('BatchItem')) items.push(readItemHead(part));
      if (tag === tagNumber('RequestHeader')) clientCorrelationValue = readClientCorrelationValue(part);
    }
  } catch {
    // The refusal itself says which error the message has.
  }
  return { clientCorrelationValue, items };
}

function readItemHead(reader: BinaryReader): ItemHead {
  let operation: Operation | undefined;
  let uniqueBatchItemID: Uint8Array | undefined;
  if (reader.type() === Type.Structure) reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const field = reader.detach();
    const type = field.type();
    if (tag === tagNumber('Operation') && type === Type.Enumeration)
      operation ??= Operation.fromNumber(field.enumeration());
    if (tag === tagNumber('UniqueBatchItemID') && type === Type.ByteString)
      uniqueBatchItemID ??= field.byteString();
  }
  return { operation, uniqueBatchItemID };
}

function readClientCorrelationValue(reader: BinaryReader): string | undefined {
  reader.enter();
  while (reader.tag() !== 0 && reader.tag() !== tagNumber('ClientCorrelationValue')) reader.skip();
  return reader.tag() === 0 ? undefined : reader.text();
}
