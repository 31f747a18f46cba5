/** Fields of parameters with verifiers of passwords, fingerprints of codes, and encrypted secrets. */
const secretFields: ReadonlySet<string> = new Set(['password', 'hashed', 'codes', 'input', 'secret']);

/** Returns plain data in which the values of secret fields, at any depth, are true. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, secretFields.has(key) || withoutSecrets(each)]),
  );
}
