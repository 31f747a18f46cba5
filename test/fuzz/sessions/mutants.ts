import { flows, parameters, protection } from './key-mutants.ts';
import type { Mutant, Patch } from './mutant.ts';

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
        text: "if (commit !== 'committed') return { group, commit, result: undefined };",
        replacement: '',
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
        text: 'const inputs = [existing, unwrapped.key, ',
        replacement: 'const inputs = [unwrapped.key, ',
      },
    ],
    breaks: ['protectionIsNotLoosened'],
  },
  {
    name: 'a replacement has its own Usage Limits',
    patches: [
      {
        file: replaceExisting,
        text: "  keepUsageLimits(existing.attributes.get('UsageLimits'), imported.attributes);",
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
        text: 'if (groups.length === 0 || !groups.every((group) => granted.has(group)))',
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

/** Every mutant. */
export const mutants: readonly Mutant[] = [
  ...undo,
  ...flows,
  ...protection,
  ...replacement,
  ...rights,
  ...parameters,
];
