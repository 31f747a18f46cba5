/** The operations of a field that interpolation needs. */
export interface Arithmetic<T> {
  readonly one: T;
  difference(a: T, b: T): T;
  product(a: T, b: T): T;
  /** Inverts an element other than 0. */
  inverse(a: T): T;
}

/**
 * Creates Lagrange's basis for points at `xs`, which must all differ; the returned function computes the
 * weights of the points at some x. Costs k² products and one inverse for k points, then 4k products for every
 * x.
 */
export function createLagrangeBasis<T>(xs: readonly T[], field: Arithmetic<T>): (x: T) => T[] {
  const { one, difference, product } = field;
  const denominators = xs.map((own, index) =>
    xs.reduce((value, other, at) => (at === index ? value : product(value, difference(other, own))), one),
  );
  const weights = invertAll(denominators, field);
  return (x) => {
    const others = multiplyOthers(
      xs.map((own) => difference(own, x)),
      field,
    );
    return others.map((value, index) => product(value, weights[index] as T));
  };
}

/** Inverts all values with one inversion, that of their product (Montgomery). */
function invertAll<T>(values: readonly T[], field: Arithmetic<T>): T[] {
  const inverted = field.inverse(values.reduce((a, b) => field.product(a, b), field.one));
  return multiplyOthers(values, field).map((others) => field.product(others, inverted));
}

/** Computes for each value the product of all others. */
function multiplyOthers<T>(values: readonly T[], { one, product }: Arithmetic<T>): T[] {
  const products: T[] = [];
  let before = one;
  for (const value of values) {
    products.push(before);
    before = product(before, value);
  }
  let after = one;
  for (let index = values.length - 1; index >= 0; index -= 1) {
    products[index] = product(products[index] as T, after);
    after = product(after, values[index] as T);
  }
  return products;
}
