/**
 * The values of `crypto.protection`. `strict`: clients tighten Sensitive and Extractable and never loosen
 * them, and Sensitive keys leave only under keys that no client knows. `kmip`: as the specification describes
 * both.
 */
export const protections = ['strict', 'kmip'] as const;
export type Protection = (typeof protections)[number];
