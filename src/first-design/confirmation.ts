/** How an operator says that a database of the first design is the one that is to be converted. */
export const confirmation =
  'if you have put it there yourself, start once with: kmipd serve --convert-first-design';
