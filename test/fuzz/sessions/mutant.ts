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
