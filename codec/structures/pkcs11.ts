import { PKCS_11Function } from '../enums.ts';
import type { Custom } from '../schema.ts';
import { Type } from '../wire/types.ts';

/** A function that PKCS#11 defines, or a function of a vendor by its number. */
export type CalledFunction = PKCS_11Function | { readonly vendor: number };

/** Schema of PKCS#11 Function (KMIP 2.1 §11.36): an Enumeration, or an Integer for a function of a vendor. */
export const calledFunction: Custom<CalledFunction> = {
  kind: 'custom',
  examples: () => ['C_Initialize', 'C_GetInfo', { vendor: 7 }],
  compile: () => ({
    read: (reader) =>
      reader.type() === Type.Integer
        ? { vendor: reader.integer() }
        : PKCS_11Function.fromNumber(reader.enumeration()),
    write(writer, tag, value) {
      if (typeof value === 'object') writer.integer(tag, value.vendor);
      else writer.enumeration(tag, PKCS_11Function.toNumber(value));
    },
  }),
};
