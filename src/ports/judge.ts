/** Which of two responses to the same prompt is better. A tie counts one half. */
export type Verdict = "first" | "second" | "tie";

export interface Judge {
  /** Shown in reports. */
  readonly name: string;
  compare(
    comparisons: readonly { readonly prompt: string; readonly first: string; readonly second: string }[],
  ): Promise<readonly Verdict[]>;
}
