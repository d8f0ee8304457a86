import type { TokenIds } from "../domain/token-ids.js";
import type { AdamW } from "../ports/trainer.js";

/** One state's weights with the moments of AdamW. */
export interface TableRow {
  readonly context: TokenIds;
  weights: number[];
  firstMoments: number[];
  secondMoments: number[];
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

/**
 * The weights of a tabular model: some numbers for each state. There are as many states as token sequences, so only those
 * that a gradient has reached are stored; the others hold what the rule says, decayed like all weights.
 */
export class Table {
  private readonly rows = new Map<string, TableRow>();

  /** @param decay product of all weight decay so far */
  constructor(
    private readonly rule: TableRule,
    private decay = 1,
  ) {}

  /** What of a context the model sees: gradients belong to it. */
  state(context: TokenIds): TokenIds {
    return this.rule.state(context);
  }

  read(context: TokenIds): readonly number[] {
    const state = this.state(context);
    return this.rows.get(contextKey(state))?.weights ?? this.rule.initial(state).map((weight) => weight * this.decay);
  }

  /**
   * One step of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2, in PyTorch's form).
   * @param gradients of states
   * @param step counts from 1, for the bias correction
   */
  stepAdamW(gradients: TableGradients, adamw: AdamW, step: number): void {
    for (const { context } of gradients.values()) this.touch(context);
    for (const [key, row] of this.rows) stepRow(row, gradients.get(key)?.gradients, adamw, step);
    this.decay *= 1 - adamw.learningRate * adamw.weightDecay;
  }

  /** A copy that shares nothing but the rule of the first weights; its moments are zero unless they are asked for. */
  copy({ withMoments }: { readonly withMoments: boolean }): Table {
    return Table.fromRows(this.rule, this.decay, this.toRows(), withMoments);
  }

  static fromRows(rule: TableRule, decay: number, rows: readonly TableRow[], withMoments: boolean): Table {
    const table = new Table(rule, decay);
    for (const { context, weights, firstMoments, secondMoments } of rows) {
      table.rows.set(contextKey(context), {
        context,
        weights: [...weights],
        firstMoments: withMoments ? [...firstMoments] : weights.map(() => 0),
        secondMoments: withMoments ? [...secondMoments] : weights.map(() => 0),
      });
    }
    return table;
  }

  get totalDecay(): number {
    return this.decay;
  }

  /** Stored rows in the order of their keys, so that equal tables have equal rows. */
  toRows(): readonly TableRow[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  private touch(context: TokenIds): void {
    const key = contextKey(context);
    if (this.rows.has(key)) return;
    const weights = [...this.read(context)];
    const zeros = () => weights.map(() => 0);
    this.rows.set(key, { context: [...context], weights, firstMoments: zeros(), secondMoments: zeros() });
  }
}

const stepRow = (row: TableRow, gradients: readonly number[] | undefined, adamw: AdamW, step: number): void => {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = adamw;
  row.firstMoments = row.firstMoments.map((m, i) => beta1 * m + (1 - beta1) * (gradients?.[i] ?? 0));
  row.secondMoments = row.secondMoments.map((v, i) => beta2 * v + (1 - beta2) * (gradients?.[i] ?? 0) ** 2);
  row.weights = row.weights.map((weight, i) => {
    const mean = (row.firstMoments[i] ?? 0) / (1 - beta1 ** step);
    const deviation = Math.sqrt((row.secondMoments[i] ?? 0) / (1 - beta2 ** step));
    return weight * (1 - learningRate * weightDecay) - (learningRate * mean) / (deviation + epsilon);
  });
};
