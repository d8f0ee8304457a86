import type { TokenIds } from "../domain/token-ids.js";
import type { AdamW } from "../ports/trainer.js";

/** One state's weights with the moments of AdamW. */
export interface TableRow {
  readonly context: TokenIds;
  readonly weights: number[];
  readonly firstMoments: number[];
  readonly secondMoments: number[];
}

/** Gradients by context (of a model: by state); the key is that of `contextKey`. */
export type TableGradients = Map<string, { readonly context: TokenIds; readonly gradients: number[] }>;

export const contextKey = (context: TokenIds): string => context.join(" ");

/** Which contexts share their weights, and what these are before the first step. */
export interface TableRule {
  /** What of a context the model sees. */
  state(context: TokenIds): TokenIds;
  /** First weights of a state. */
  initial(state: TokenIds): readonly number[];
}

/** Every context has weights of its own. */
export const everyContext = (initial: (context: TokenIds) => readonly number[]): TableRule => ({
  state: (context) => context,
  initial,
});

/** Contexts with the same last tokens share their weights. */
export const lastTokens = (count: number, initial: (state: TokenIds) => readonly number[]): TableRule => ({
  state: (context) => context.slice(Math.max(0, context.length - count)),
  initial,
});

/** A step that was made, with the bias corrections 1 - beta^step. */
interface MadeStep {
  readonly adamw: AdamW;
  readonly meanCorrection: number;
  readonly varianceCorrection: number;
}

interface StoredRow {
  readonly row: TableRow;
  /** Steps of the table that are in the row's weights. */
  stepsMade: number;
}

/**
 * The weights of a tabular model: some numbers for each state. There are as many states as token sequences, so only those
 * that a gradient has reached are stored; the others hold what the rule says, decayed like all weights. A stored row
 * makes the steps that had no gradient for it when it is next looked at, so that a step costs what its gradients cost.
 */
export class Table {
  private readonly rows = new Map<string, StoredRow>();
  private readonly steps: MadeStep[] = [];

  /** @param decay product of all weight decay so far */
  constructor(
    private readonly rule: TableRule,
    private decay = 1,
  ) {}

  /** What of a context the model sees: gradients belong to it. */
  state(context: TokenIds): TokenIds {
    return this.rule.state(context);
  }

  /** The weights of a context's state; to be used before the next step. */
  read(context: TokenIds): readonly number[] {
    const state = this.state(context);
    const stored = this.rows.get(contextKey(state));
    return stored === undefined ? this.firstWeights(state) : this.caughtUp(stored).weights;
  }

  /**
   * One step of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2, in PyTorch's form).
   * @param gradients of states
   * @param step counts from 1, for the bias correction
   */
  stepAdamW(gradients: TableGradients, adamw: AdamW, step: number): void {
    const made = madeStep(adamw, step);
    for (const { context, gradients: slopes } of gradients.values()) {
      // A gradient of zeros does what none does.
      if (slopes.every((slope) => slope === 0)) continue;
      const stored = this.store(context);
      stepRow(this.caughtUp(stored), slopes, made);
      stored.stepsMade++;
    }
    this.steps.push(made);
    this.decay *= 1 - adamw.learningRate * adamw.weightDecay;
  }

  /** The rows of the gradients' states as stepAdamW would leave them; the table stays as it is. */
  tryAdamW(gradients: TableGradients, adamw: AdamW, step: number): readonly TableRow[] {
    const made = madeStep(adamw, step);
    const moving = [...gradients.values()].filter(({ gradients: slopes }) => slopes.some((slope) => slope !== 0));
    return moving.map(({ context, gradients: slopes }) => {
      const stored = this.rows.get(contextKey(context));
      const row = stored === undefined ? this.firstRow(context) : copyOf(this.caughtUp(stored));
      stepRow(row, slopes, made);
      return row;
    });
  }

  /** A copy that shares nothing but the rule of the first weights; its moments are zero unless they are asked for. */
  copy({ withMoments }: { readonly withMoments: boolean }): Table {
    return Table.fromRows(this.rule, this.decay, this.toRows(), withMoments);
  }

  static fromRows(rule: TableRule, decay: number, rows: readonly TableRow[], withMoments: boolean): Table {
    const table = new Table(rule, decay);
    for (const { context, weights, firstMoments, secondMoments } of rows) {
      const row = {
        context,
        weights: [...weights],
        firstMoments: withMoments ? [...firstMoments] : weights.map(() => 0),
        secondMoments: withMoments ? [...secondMoments] : weights.map(() => 0),
      };
      table.rows.set(contextKey(context), { row, stepsMade: 0 });
    }
    return table;
  }

  get totalDecay(): number {
    return this.decay;
  }

  /** Stored rows in the order of their keys, so that equal tables have equal rows. */
  toRows(): readonly TableRow[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stored]) => this.caughtUp(stored));
  }

  private firstWeights(state: TokenIds): number[] {
    return this.rule.initial(state).map((weight) => weight * this.decay);
  }

  private store(context: TokenIds): StoredRow {
    const key = contextKey(context);
    const found = this.rows.get(key);
    if (found !== undefined) return found;
    const stored = { row: this.firstRow(context), stepsMade: this.steps.length };
    this.rows.set(key, stored);
    return stored;
  }

  private firstRow(context: TokenIds): TableRow {
    const weights = this.firstWeights(context);
    const zeros = () => weights.map(() => 0);
    return { context: [...context], weights, firstMoments: zeros(), secondMoments: zeros() };
  }

  /** The row after the steps that it has not made yet: without a gradient, but moments and decay move it on. */
  private caughtUp(stored: StoredRow): TableRow {
    while (stored.stepsMade < this.steps.length) stepRow(stored.row, [], this.steps[stored.stepsMade++]!);
    return stored.row;
  }
}

const madeStep = (adamw: AdamW, step: number): MadeStep => ({
  adamw,
  meanCorrection: 1 - adamw.beta1 ** step,
  varianceCorrection: 1 - adamw.beta2 ** step,
});

const copyOf = ({ context, weights, firstMoments, secondMoments }: TableRow): TableRow => ({
  context,
  weights: [...weights],
  firstMoments: [...firstMoments],
  secondMoments: [...secondMoments],
});

/** @param gradients none: zeros */
const stepRow = (row: TableRow, gradients: readonly number[], made: MadeStep): void => {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = made.adamw;
  const { weights, firstMoments, secondMoments } = row;
  for (const [i, weight] of weights.entries()) {
    const gradient = gradients[i] ?? 0;
    const first = (firstMoments[i] = beta1 * firstMoments[i]! + (1 - beta1) * gradient);
    const second = (secondMoments[i] = beta2 * secondMoments[i]! + (1 - beta2) * gradient ** 2);
    const mean = first / made.meanCorrection;
    const deviation = Math.sqrt(second / made.varianceCorrection);
    weights[i] = weight * (1 - learningRate * weightDecay) - (learningRate * mean) / (deviation + epsilon);
  }
};
