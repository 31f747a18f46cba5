/** TTLV type codes (KMIP 1.4 §9.1.1.2, 2.1 §9.1.2). */
export const Type = {
  Structure: 1,
  Integer: 2,
  LongInteger: 3,
  BigInteger: 4,
  Enumeration: 5,
  Boolean: 6,
  TextString: 7,
  ByteString: 8,
  DateTime: 9,
  Interval: 10,
  DateTimeExtended: 11,
} as const;

/** Name of a TTLV type, as in the XML encoding. */
export type TypeName = keyof typeof Type;

const names = new Map<number, TypeName>(Object.entries(Type).map(([name, code]) => [code, name as TypeName]));

/** Name of a type code; undefined when there is no such type. */
export function typeName(code: number): TypeName | undefined {
  return names.get(code);
}

/** Length in bytes of a value by its type code; 0: the length field decides. */
export const fixedLength: readonly number[] = [0, 0, 4, 8, 0, 4, 8, 0, 0, 8, 4, 8];
