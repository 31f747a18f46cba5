import type { InvariantName } from './invariants.ts';

/** One place of a mutant: the text, which its file has once, and what takes its place. */
export interface Patch {
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

/** A fault that the sessions must find: the source without one of its protections. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** The invariants of which one must be broken. */
  readonly breaks: readonly InvariantName[];
}

const undoneOutput: Patch = {
  file: 'src/protocol/batch/batch.ts',
  text: 'undone && !staysWhenUndone(item.operation, payload) ? undefined : (writer) => writer.raw(payload),',
  replacement: '(writer) => writer.raw(payload),',
};

const lastingChanges: Patch = {
  file: 'src/protocol/unit-of-work/unit-of-work.ts',
  text: 'this.#usedRecords?.undo();\n    for (const reapply of this.#lasting) reapply();',
  replacement: 'this.#usedRecords?.undo();',
};

/** Output that is not undone, and uses that stay counted (docs/decisions/25-undo-and-output.md). */
const undo: readonly Mutant[] = [
  {
    name: 'undone items keep their output',
    patches: [undoneOutput],
    breaks: ['outputIsOfActiveKeys', 'outputIsOfStoredKeys', 'valuesAreOfObjects'],
  },
  {
    name: 'undone items keep their output, and uses of keys are undone',
    patches: [undoneOutput, lastingChanges],
    breaks: ['usesAreCounted'],
  },
  {
    name: 'undone items keep their output, and uses of tickets are undone',
    patches: [undoneOutput, lastingChanges],
    breaks: ['ticketsAreCounted'],
  },
  {
    name: 'a message is answered although its commit lost a conflict',
    patches: [
      {
        file: 'src/protocol/message-processor.ts',
        text: "if ((await unit.commit()) !== 'committed') return { group, result: undefined };",
        replacement: 'await unit.commit();',
      },
    ],
    breaks: ['usesAreCounted', 'valuesAreOfObjects', 'outputIsOfStoredKeys'],
  },
];

const replaceExisting = 'src/object/replace-existing.ts';

/** Import with Replace Existing (docs/decisions/27-protection-flows.md). */
const replacement: readonly Mutant[] = [
  {
    name: 'an Active object can be replaced',
    patches: [
      {
        file: replaceExisting,
        text: "if (!isConformanceTest || existing.state(now) !== 'Active') requireDestroyable(existing.attributes, now);",
        replacement: '',
      },
    ],
    breaks: ['lifecycleGoesOn'],
  },
  {
    name: 'a replacement begins a new lifecycle',
    patches: [{ file: replaceExisting, text: '  keepLifecycle(existing, imported, now);', replacement: '' }],
    breaks: ['lifecycleGoesOn'],
  },
  {
    name: 'a replacement has its own protection',
    patches: [
      {
        file: 'src/operations/transfer/import.ts',
        text: 'const inputs = [existing, unwrapped.key].filter((input) => input !== undefined);',
        replacement: 'const inputs = [unwrapped.key].filter((input) => input !== undefined);',
      },
    ],
    breaks: ['protectionIsNotLoosened'],
  },
  {
    name: 'a replacement has its own Usage Limits',
    patches: [
      {
        file: replaceExisting,
        text: '  keepUsageLimits(existing.attributes, imported.attributes);',
        replacement: '',
      },
    ],
    breaks: ['lifecycleGoesOn'],
  },
  {
    name: 'every role may replace objects',
    patches: [
      {
        file: 'src/operations/transfer/import.ts',
        text: "if (!principal.may('ImportReplace'))",
        replacement: 'if (false)',
      },
    ],
    breaks: ['rolesBind'],
  },
  {
    name: 'a ticket with Rights may replace objects',
    patches: [
      {
        file: 'src/operations/transfer/import.ts',
        text: 'if (principal.rights !== undefined)',
        replacement: 'if (false)',
      },
    ],
    breaks: ['rightsBind'],
  },
];

const hiddenInputs = 'src/operations/creation/derivation-protection.ts';

/** What is made from protected objects (docs/decisions/27-protection-flows.md). */
const flows: readonly Mutant[] = [
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
        text: 'if (data !== undefined && !isDataHidden(method, parameters))',
        replacement: 'if (false)',
      },
    ],
    breaks: ['derivationsAreOneWay'],
  },
];

const restrictedWork = 'src/protocol/authentication/restricted-work.ts';

/** Rights of tickets and roles (docs/decisions/32-limited-rights.md). */
const rights: readonly Mutant[] = [
  {
    name: 'a limited Right includes every operation that it names',
    patches: [
      {
        file: 'src/protocol/authentication/rights.ts',
        text: "return limitedRight === 'new-objects' ? (right.groups ?? []).length > 0 : limitedRight !== 'nothing';",
        replacement: 'return true;',
      },
    ],
    breaks: ['rightsBind'],
  },
  {
    name: 'a limited Right reaches every object',
    patches: [
      {
        file: restrictedWork,
        text: 'if (named || (object !== undefined && this.#rights.some((right) => isMember(right, object))))',
        replacement: 'if (true)',
      },
    ],
    breaks: ['rightsBind'],
  },
  {
    name: 'a limited Right allows objects of no Object Group',
    patches: [
      {
        file: restrictedWork,
        text: 'if (!this.#rights.some((right) => isMember(right, object)))',
        replacement: 'if (false)',
      },
    ],
    breaks: ['rightsBind'],
  },
  {
    name: 'a limited Right changes Object Groups',
    patches: [
      {
        file: restrictedWork,
        text: 'if (groupsOf(object) !== before)',
        replacement: 'if (false)',
      },
    ],
    breaks: ['rightsBind'],
  },
  {
    name: 'Poll answers what the role no longer includes',
    patches: [
      {
        file: 'src/operations/asynchronous/poll.ts',
        text: 'if (!context.principal.may(polled))',
        replacement: 'if (false)',
      },
    ],
    breaks: ['rolesBind'],
  },
];

/** Parameters of keys, vectors, and data in parts (docs/decisions/28-key-parameters.md). */
const parameters: readonly Mutant[] = [
  {
    name: 'a request leaves the parameters of the key',
    patches: [
      {
        file: 'src/crypto/parameter-binding.ts',
        text: 'if (own.length === 0) return requested;',
        replacement: 'if (own.length === 0 || Object.keys(requested).length > 0) return requested;',
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
        text: 'randomIvUses: { count: (key) => this.#randomIvUses.count(sender.principal.group, key) },',
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
        text: 'parts.push(data.slice());\n        return nothing;',
        replacement:
          'parts.push(data.slice());\n        return createDecipher(suite, key, iv as Uint8Array).update(data);',
      },
    ],
    breaks: ['partsAreVerified'],
  },
];

/** Every mutant. */
export const mutants: readonly Mutant[] = [...undo, ...flows, ...replacement, ...rights, ...parameters];
