import fc from 'fast-check';
import type { Version } from '../../../codec/version.ts';
import { isWithin } from '../../../codec/version.ts';
import { operations } from '../../../src/operations/index.ts';
import type { Recipe } from './draw.ts';
import { groupRecipes } from './group-recipes.ts';
import { creationRecipes, objectRecipes } from './object-recipes.ts';
import type { ClientName } from './server.ts';
import { useRecipes } from './use-recipes.ts';

/** One item of a message: a recipe and the numbers that it draws. */
export interface Action {
  readonly recipe: string;
  readonly numbers: readonly number[];
}

/** One message of a session, and what happens to it in the server. */
export interface Step {
  readonly client: ClientName;
  readonly version: Version;
  readonly option: 'Stop' | 'Continue' | 'Undo';
  /** Asks for a job. */
  readonly isJob: boolean;
  /** Number of the ticket that the message presents, counted from 1; 0: none. */
  readonly ticket: number;
  /** Maximum Response Size; 0: none. */
  readonly size: number;
  readonly trouble: Trouble;
  readonly subject: number;
  readonly actions: readonly Action[];
}

/**
 * `hold`: jobs end only after the next message. `deny`: before the message an operator takes its operations
 * from the insider's role.
 */
export type Trouble = 'none' | 'conflict' | 'unavailable' | 'lost' | 'hold' | 'deny';

const recipes = new Map<string, Recipe>(
  Object.entries({ ...objectRecipes, ...useRecipes, ...groupRecipes }).map(([name, [, recipe]]) => [
    name,
    recipe,
  ]),
);

/** Returns the recipe of an action. */
export function recipeOf({ recipe }: Action): Recipe {
  const found = recipes.get(recipe);
  if (found === undefined) throw new Error(`there is no recipe ${recipe}`);
  return found;
}

type Weighted = Readonly<Record<string, readonly [weight: number, Recipe]>>;

/** An action before its recipe is chosen from the session's. */
interface DrawnAction {
  readonly choice: number;
  readonly numbers: readonly number[];
}

function nameOf(weighted: Weighted): fc.Arbitrary<string> {
  const names = Object.entries(weighted).map(([name, [weight]]) => ({
    weight,
    arbitrary: fc.constant(name),
  }));
  return fc.oneof(...names);
}

const numbers = fc.array(fc.nat(255), { minLength: 12, maxLength: 12 });
const drawnAction: fc.Arbitrary<DrawnAction> = fc.record({ choice: fc.nat(255), numbers });

/** Recipes that lead to each other's results; a session of one kind goes deeper than a mixed one. */
const kinds: readonly (readonly string[])[] = [
  ['register', 'registerPassword', 'create', 'deriveKey', 'deriveKey', 'activate'],
  ['register', 'create', 'activate', 'get', 'export', 'importWrapped'],
  ['delegatedLogin', 'delegatedLogin', 'create', 'importPlain', 'importPlain', 'importPlain'],
];

/**
 * The recipes of a session. A session that has few of them repeats and combines them more, so that what takes
 * several messages is found earlier.
 */
const palette = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(nameOf({ ...objectRecipes, ...useRecipes, ...groupRecipes }), {
      minLength: 3,
      maxLength: 12,
      size: 'max',
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom(...kinds) },
);

const mostly = <T>(usual: T, ...others: readonly (readonly [weight: number, T])[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(usual) },
    ...others.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })),
  );

const drawnStep = fc.record({
  client: mostly<ClientName>('insider', [3, 'outsider'], [2, 'owner']),
  version: mostly<Version>('2.1', [6, '1.4'], [2, '2.0'], [1, '1.2']),
  option: mostly<Step['option']>('Continue', [20, 'Undo'], [8, 'Stop']),
  isJob: mostly(false, [3, true]),
  ticket: mostly(0, [6, 1], [2, 2], [1, 3]),
  size: mostly(0, [1, 400], [1, 1000]),
  trouble: mostly<Trouble>(
    'none',
    [2, 'conflict'],
    [1, 'unavailable'],
    [1, 'lost'],
    [1, 'hold'],
    [1, 'deny'],
  ),
  subject: fc.oneof(fc.nat(2), fc.nat(11)),
  actions: fc.array(drawnAction, { minLength: 1, maxLength: 4, size: 'max' }),
});

const creation: fc.Arbitrary<Action> = fc.record({ recipe: nameOf(creationRecipes), numbers });

const ownerStep = fc.array(creation, { minLength: 1, maxLength: 6, size: 'max' }).map(
  (actions): Step => ({
    client: 'owner',
    version: '2.1',
    option: 'Continue',
    isJob: false,
    ticket: 0,
    size: 0,
    trouble: 'none',
    subject: 0,
    actions,
  }),
);

/** A session: the owner makes some objects, then messages of all clients follow. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(palette, ownerStep, fc.array(drawnStep, { minLength: 1, maxLength: 16, size: 'max' }))
  .map(([chosen, first, others]) => {
    // An item that fails is what Undo and Continue are about.
    const names = [...chosen, 'failing'];
    const resolve = ({ choice, ...action }: DrawnAction): Action => ({
      ...action,
      recipe: names[choice % names.length] as string,
    });
    return [first, ...others.map((each) => ({ ...each, actions: each.actions.map(resolve) }))];
  });

/** The version of the step, or the newest where its operations or its ticket need that. */
export function versionFor(step: Step, names: readonly string[]): Version {
  const isOffered = (name: string): boolean => {
    const operation = operations.get(name);
    return operation !== undefined && isWithin(step.version, operation.since, operation.until);
  };
  const isOld = step.version === '1.2' || step.version === '1.4';
  if (step.ticket > 0 && isOld) return '2.1';
  return names.every(isOffered) ? step.version : '2.1';
}
