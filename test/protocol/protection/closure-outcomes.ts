/** What the server answered, kept by what decides it. */

/** What the server did, as far as other objects of the same classes have to give the same. */
export interface Outcome {
  readonly isDone: boolean;
  /** Classes of what it makes, in order. */
  readonly made: readonly number[];
  /** Classes that named objects get, by their position. */
  readonly changed: readonly (readonly [number, number])[];
  /** Whether the value is recorded as one that has left. */
  readonly isRecorded: boolean;
}

/** What searches with other first keys share: classes and answers. */
export interface Shared {
  readonly classes: Map<string, number>;
  readonly memo: Map<string, Outcome>;
  readonly changes: Map<string, number>;
  worlds: number;
}

export const newShared = (): Shared => ({
  ...{ classes: new Map(), memo: new Map(), changes: new Map(), worlds: 0 },
});

/** Names what a step makes of the object at a position that is of a class. */
export const changeKey = (key: string, at: number, from: number) => `${key} changes ${at} of class ${from}`;

/** What objects in the same roles have to give; `isChange`: their classes are compared by `changeOf`. */
export function comparable(outcome: Outcome, isChange: boolean): string {
  const { changed, ...others } = outcomeOf(outcome);
  return JSON.stringify({ ...others, changed: isChange ? changed.map(([at]) => at) : changed });
}

/** Returns the outcome without the objects. */
export function outcomeOf({ isDone, made, changed, isRecorded }: Outcome): Outcome {
  return { isDone, made, changed, isRecorded };
}
