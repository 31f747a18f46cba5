/** The most problems that are listed: a log of which every block is damaged must not fill the memory. */
const maxProblems = 1_000;

/** Collects problems, a line each. */
export class ProblemList {
  readonly listed: string[] = [];
  /** Problems beyond those that are listed. */
  unlisted = 0;

  add(problem: string): void {
    if (this.listed.length < maxProblems) this.listed.push(problem);
    else this.unlisted += 1;
  }
}
