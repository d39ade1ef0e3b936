/**
 * How much may be tried in one text. Each try of a rule takes a share, a match that is no credential more; text needs few of them.
 * Who repeats what rules begin with makes a text in which each character is read a thousand times: such a text runs out.
 */
export class StepBudget {
  readonly #most: number;
  #spent = 0;

  constructor(textLength: number) {
    this.#most = stepsPerText + stepsPerCharacter * textLength;
  }

  get spent(): number {
    return this.#spent;
  }

  get isOver(): boolean {
    return this.#spent > this.#most;
  }

  /** A rule was tried that may read so much. */
  tried(reads: number): void {
    this.#spent += reads;
  }

  /** A match was a credential: it is not read again, so its length costs nothing. */
  found(): void {
    this.#spent += stepsPerFinding;
  }

  /** A match was none. */
  mistook(length: number): void {
    this.#spent += stepsPerMistake + 2 * length;
  }

  decoded(length: number): void {
    this.#spent += stepsPerDecoded * length;
  }
}

const stepsPerText = 16_384;
const stepsPerCharacter = 12;
const stepsPerDecoded = 2;
const stepsPerFinding = 80;
/** For the checks; they read it, too. */
const stepsPerMistake = 200;
