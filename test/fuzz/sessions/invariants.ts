import * as accounting from './accounting-invariants.ts';
import type { Observation } from './observation.ts';
import * as protection from './protection-invariants.ts';
import * as use from './use-invariants.ts';

/** Says what is wrong after a message; undefined when nothing is. */
export type Invariant = (observation: Observation) => string | undefined;

/** What holds after every message of every session. */
export const invariants = {
  usesAreCounted: accounting.usesAreCounted,
  ticketsAreCounted: accounting.ticketsAreCounted,
  valuesAreOfObjects: accounting.valuesAreOfObjects,
  outputIsOfActiveKeys: accounting.outputIsOfActiveKeys,
  outputIsOfStoredKeys: accounting.outputIsOfStoredKeys,
  protectionIsNotLoosened: protection.protectionIsNotLoosened,
  protectedValuesStay: protection.protectedValuesStay,
  wrappingKeysAreClosed: protection.wrappingKeysAreClosed,
  wrappingIsNoEncryption: protection.wrappingIsNoEncryption,
  protectionIsInherited: protection.protectionIsInherited,
  derivationsAreOneWay: protection.derivationsAreOneWay,
  historyIsNotClaimed: protection.historyIsNotClaimed,
  secretsAreUnknown: protection.secretsAreUnknown,
  lifecycleGoesOn: use.lifecycleGoesOn,
  parametersBind: use.parametersBind,
  vectorsAreUnique: use.vectorsAreUnique,
  vectorsAreCounted: use.vectorsAreCounted,
  partsAreVerified: use.partsAreVerified,
  rightsBind: use.rightsBind,
  rolesBind: use.rolesBind,
  groupsAreApart: use.groupsAreApart,
  nothingIsUnexpected: use.nothingIsUnexpected,
} as const satisfies Readonly<Record<string, Invariant>>;

export type InvariantName = keyof typeof invariants;
export const invariantNames = Object.keys(invariants) as readonly InvariantName[];
