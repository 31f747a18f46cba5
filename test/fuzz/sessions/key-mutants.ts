import type { Mutant, Patch } from './mutant.ts';

/** Mutants of what protects keys and decides about their uses. */

const hiddenInputs = 'src/operations/creation/derivation-protection.ts';

/** What is made from protected objects (docs/decisions/27-protection-flows.md). */
export const flows: readonly Mutant[] = [
  {
    name: 'a request overrides the protection that is inherited',
    patches: [
      {
        file: 'src/object/protection.ts',
        text: 'return [...requested.filter((attribute) => !isInherited(attribute)), ...inherited];',
        replacement:
          'return [...inherited.filter(({ name }) => !requested.some((each) => each.name === name)), ...requested];',
      },
    ],
    breaks: ['protectionIsInherited'],
  },
  {
    name: 'short keys are derived from protected ones',
    patches: [{ file: hiddenInputs, text: 'if (bits < minBits)', replacement: 'if (false)' }],
    breaks: ['derivationsAreOneWay'],
  },
  {
    name: 'protected data is encrypted into a key',
    patches: [
      {
        file: hiddenInputs,
        text: 'if (data !== undefined && !isDataHidden(method, hash))',
        replacement: 'if (false)',
      },
    ],
    breaks: ['derivationsAreOneWay'],
  },
];

/** Parameters of keys, vectors, and data in parts (docs/decisions/28-key-parameters.md). */
export const parameters: readonly Mutant[] = [
  {
    name: 'a request leaves the parameters of the key',
    patches: [
      {
        file: 'src/crypto/parameter-binding.ts',
        text: 'if (binding.length === 0) return requested;',
        replacement: 'if (binding.length === 0 || Object.keys(requested).length > 0) return requested;',
      },
    ],
    breaks: ['parametersBind'],
  },
  {
    name: 'a client chooses the vector of a key with Random IV',
    patches: [
      {
        file: 'src/operations/usable-key.ts',
        text: 'if (parameters.RandomIV === true && request.iv !== undefined)',
        replacement: 'if (false)',
      },
    ],
    breaks: ['vectorsAreUnique'],
  },
  {
    name: 'new encryption takes short vectors',
    patches: [
      {
        file: 'src/crypto/ciphers/cipher-suites.ts',
        text: 'const minNewIvBytes = 8;',
        replacement: 'const minNewIvBytes = 0;',
      },
    ],
    breaks: ['vectorsAreUnique'],
  },
  {
    name: 'encryptions under random vectors are not counted',
    patches: [
      {
        file: 'src/protocol/batch/context-factory.ts',
        text: 'randomIvUses: { count: (key) => this.#randomIvUses.count(principal.group, key) },',
        replacement: 'randomIvUses: { count: async () => {} },',
      },
    ],
    breaks: ['vectorsAreCounted'],
  },
  {
    name: 'decryption in parts releases data before the tag has verified',
    patches: [
      {
        file: 'src/crypto/ciphers/cipher-streams.ts',
        text: 'parts.add(data);\n      return nothing;',
        replacement: 'parts.add(data);\n      return data.slice();',
      },
    ],
    breaks: ['partsAreVerified'],
  },
];

const closedKeys: Omit<Patch, 'replacement'> = {
  file: 'src/object/provenance.ts',
  text: "return isBornHere(born) && alwaysSensitive && shown !== 'clear' && isForWrappingOnly(masks);",
};

/** Sensitive and Extractable under strict protection (docs/decisions/26-protection.md). */
export const protection: readonly Mutant[] = [
  {
    name: 'a client loosens Sensitive and Extractable',
    patches: [
      {
        file: 'src/object/tightening.ts',
        text: "if (protection === 'kmip') return result;",
        replacement: 'return result;',
      },
    ],
    breaks: ['protectionIsNotLoosened'],
  },
  {
    name: 'a Sensitive key leaves under every wrapping key',
    patches: [
      {
        file: 'src/operations/transfer/exposure.ts',
        text: 'if (isSensitive && exposure !== undefined) refuseExposure(exposure);',
        replacement: '',
      },
    ],
    breaks: ['wrappingKeysAreClosed'],
  },
  {
    name: 'a Sensitive key leaves by modes without integrity',
    patches: [
      {
        file: 'src/operations/transfer/exposure.ts',
        text: "if (!hasIntegrity(key)) return 'the mode of the wrapping has no integrity';",
        replacement: '',
      },
    ],
    breaks: ['wrappingKeysAreClosed'],
  },
  {
    name: 'a registered key is closed when it says so',
    patches: [{ ...closedKeys, replacement: 'return alwaysSensitive && isForWrappingOnly(masks);' }],
    breaks: ['secretsAreUnknown'],
  },
  {
    name: 'a key that may decrypt is closed',
    patches: [
      { ...closedKeys, replacement: "return isBornHere(born) && alwaysSensitive && shown !== 'clear';" },
    ],
    breaks: ['wrappingKeysAreClosed'],
  },
  {
    name: 'Encrypt and Decrypt wrap keys',
    patches: [
      {
        file: 'src/operations/usable-key.ts',
        text: "if (protection === 'strict') requireNoKeyWrap(object, mode);",
        replacement: '',
      },
    ],
    breaks: ['wrappingIsNoEncryption'],
  },
  {
    name: 'Import believes what clients say about the past',
    patches: [
      {
        file: 'src/operations/transfer/import.ts',
        text: 'const maySayAll = mayImportAsIs(context);',
        replacement: 'const maySayAll = true;',
      },
    ],
    breaks: ['historyIsNotClaimed'],
  },
  {
    name: 'what a Sensitive key unwraps is open',
    patches: [
      {
        file: 'src/operations/transfer/import.ts',
        text: 'const inputs = [existing, unwrapped.key, ',
        replacement: 'const inputs = [existing, ',
      },
    ],
    breaks: ['protectionIsInherited'],
  },
];
